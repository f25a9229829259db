"""Count and end a host's processes through a cgroup of its own.

Nothing else ends them all: SIGKILL on systemd-nspawn leaves the container's init and everything below it running.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from nornir_kube_ha.lab.errors import LabError

_DEADLINE = 20.0  # seconds until killed processes must be gone; uninterruptible sleep can take a while


def hierarchy() -> Path:
    """Return the mount point of the cgroup version 2 hierarchy: /sys/fs/cgroup, or a folder beside version 1.

    Raises:
        LabError: it is not mounted
    """
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, filesystem = line.partition(" - ")
        if filesystem.startswith("cgroup2 "):
            return Path(fields.split()[4])
    raise LabError("expected a cgroup2 file system; mount one on /sys/fs/cgroup")


def labs_folder() -> Path:
    """Return the cgroup of all labs."""
    return hierarchy() / "kube-ha"


def cgroup_of(lab: str, host: str) -> Path:
    """Return the cgroup of a host."""
    return labs_folder() / lab / host


def healers_of(lab: str) -> Path:
    """Return the cgroup of the processes that heal a lab's faults, outside the cgroups of its hosts."""
    return hierarchy() / f"kube-ha-healing-{lab}"


def hosts_with_cgroup(lab: str) -> set[str]:
    """Return the names of the hosts of a lab that have a cgroup, with processes in it or not."""
    return {path.name for path in (labs_folder() / lab).glob("*/")}


def labs_with_cgroup() -> set[str]:
    """Return the names of the labs that have a cgroup."""
    return {path.name for path in labs_folder().glob("*/")}


def is_populated(cgroup: Path) -> bool:
    """Return whether a process lives in a cgroup or below it."""
    try:
        return "populated 1" in (cgroup / "cgroup.events").read_text()
    except (FileNotFoundError, OSError):  # ENODEV: removed between open and read
        return False


def _folders(cgroup: Path) -> list[Path]:
    """Return a cgroup and all below it, parents first. One that goes meanwhile is left out."""
    return [Path(folder) for folder, _, _ in os.walk(cgroup)]


def processes(cgroup: Path) -> list[int]:
    """Return the ids of the processes in a cgroup and below it."""
    found: list[int] = []
    for folder in _folders(cgroup):
        with suppress(OSError):
            found += map(int, (folder / "cgroup.procs").read_text().split())
    return sorted(set(found))


def end(cgroup: Path) -> None:
    """Kill every process in a cgroup and remove it.

    Raises:
        LabError: processes are left after 20 s
    """
    deadline = time.monotonic() + _DEADLINE
    while cgroup.is_dir():
        _kill(cgroup)
        _remove(cgroup)
        if cgroup.is_dir() and time.monotonic() > deadline:
            raise LabError(f"{cgroup}: processes {processes(cgroup)} still exist after {_DEADLINE:g} s")
        time.sleep(0.005)


def _kill(cgroup: Path) -> None:
    try:
        (cgroup / "cgroup.kill").write_text("1")
    except OSError:  # before Linux 5.14: kill one by one; `end` repeats this, as processes may fork meanwhile
        for process in processes(cgroup):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _remove(cgroup: Path) -> None:
    for folder in reversed(_folders(cgroup)):
        with suppress(OSError):  # EBUSY while a killed process is still exiting
            folder.rmdir()
