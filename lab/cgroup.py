"""A host's processes, counted and ended through a cgroup of its own.

Nothing else ends them all: SIGKILL on systemd-nspawn leaves the container's init and everything below it behind.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from nornir_kube_ha.lab.errors import LabError

_DEADLINE = 20.0  # seconds until the killed must be gone; a process in uninterruptible sleep can take a while


def hierarchy() -> Path:
    """Return where the machine's version 2 hierarchy is mounted: /sys/fs/cgroup, or beside version 1.

    Raises:
        LabError: it is not mounted
    """
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, filesystem = line.partition(" - ")
        if filesystem.startswith("cgroup2 "):
            return Path(fields.split()[4])
    raise LabError("no cgroup2 file system is mounted on this machine; mount one on /sys/fs/cgroup")


def labs_folder() -> Path:
    """Return the cgroup of all labs."""
    return hierarchy() / "kube-ha"


def cgroup_of(lab: str, host: str) -> Path:
    """Return the cgroup of a host."""
    return labs_folder() / lab / host


def healers_of(lab: str) -> Path:
    """Return the cgroup of the processes that end a lab's faults: beside those of the labs, it is no host's."""
    return hierarchy() / f"kube-ha-healing-{lab}"


def hosts_with_cgroup(lab: str) -> set[str]:
    """Return the names of the hosts of a lab that have a cgroup, with processes in it or not."""
    return {path.name for path in (labs_folder() / lab).glob("*/")}


def labs_with_cgroup() -> set[str]:
    """Return the names of the labs that have a cgroup."""
    return {path.name for path in labs_folder().glob("*/")}


def is_populated(cgroup: Path) -> bool:
    """Tell whether a process lives in it, or below."""
    try:
        return "populated 1" in (cgroup / "cgroup.events").read_text()
    except (FileNotFoundError, OSError):  # ENODEV: removed between open and read
        return False


def _folders(cgroup: Path) -> list[Path]:
    """Return it and all below, parents first. A folder that goes while we look is left out, not an error."""
    return [Path(folder) for folder, _, _ in os.walk(cgroup)]


def processes(cgroup: Path) -> list[int]:
    """Return the ids of the processes in it and below."""
    found: list[int] = []
    for folder in _folders(cgroup):
        with suppress(OSError):
            found += map(int, (folder / "cgroup.procs").read_text().split())
    return sorted(set(found))


def end(cgroup: Path) -> None:
    """Kill every process in it and remove it.

    Raises:
        LabError: processes are left after 20 s
    """
    deadline = time.monotonic() + _DEADLINE
    while cgroup.is_dir():
        _kill(cgroup)
        _remove(cgroup)
        if cgroup.is_dir() and time.monotonic() > deadline:
            raise LabError(f"{cgroup}: processes {processes(cgroup)} are still there after {_DEADLINE:g} s")
        time.sleep(0.005)


def _kill(cgroup: Path) -> None:
    try:
        (cgroup / "cgroup.kill").write_text("1")
    except OSError:  # before Linux 5.14 there is none: one by one, again and again until nobody forks any more
        for process in processes(cgroup):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _remove(cgroup: Path) -> None:
    for folder in reversed(_folders(cgroup)):
        with suppress(OSError):  # EBUSY while a killed process is on its way out
            folder.rmdir()
