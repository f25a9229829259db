"""The lease of a host, which lets one run at a time change it: its text format, and its owner."""

import getpass
import os
import re
import socket
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

LEASE_SECONDS = 120  # from the last step of a run to the end of its lease; each step renews it
BOOTED = "nobody: the host was rebooted"
LOST = 75  # exit status of a script whose run no longer holds the lease
_LOST = r"the lease of this host is another run's by now: (.*); this step changed nothing"
_STARTED = 19  # index of starttime after the command name: field 22 of /proc/PID/stat, see proc(5)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that changes hosts.

    Arguments:
        user: `root@noc-1`
        machine: hash that identifies the machine, its boot and its PID namespace
        pid: process id
        started: start time in clock ticks since boot, because process ids are reused
    """

    user: str
    machine: str
    pid: int
    started: int

    @classmethod
    def parse(cls, text: str) -> "Owner":
        """Parse the output of `str(owner)`.

        Arguments:
            text: four words

        Raises:
            ValueError: the text is malformed
        """
        user, machine, pid, started = text.split()
        return cls(user, machine, int(pid), int(started))

    def __str__(self) -> str:
        """Return four words: user, machine, process id and start time."""
        return f"{self.user} {self.machine} {self.pid} {self.started}"

    @property
    def is_gone(self) -> bool:
        """Whether the process ran on this machine and has ended; False for processes of other machines."""
        return self.machine == _machine() and _started(self.pid) != self.started


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds a host's lease.

    Arguments:
        run_id: id of the run
        seconds: time until the lease ends, if the run takes no further step
        owner: process of the run
    """

    run_id: str
    seconds: int
    owner: Owner

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Parse the holder that `lease.sh` prints.

        Arguments:
            text: run id, seconds, and the four words of the owner

        Raises:
            ValueError: the text is malformed
        """
        run_id, seconds, owner = text.split(maxsplit=2)
        return cls(run_id, int(seconds), Owner.parse(owner))

    def __str__(self) -> str:
        """Return `run 0123456789ab of root@noc-1, process 4711`."""
        return f"run {self.run_id} of {self.owner.user}, process {self.owner.pid}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A run's claim to the hosts that it changes.

    Arguments:
        run_id: id of the run
        owner: process of the run
        numbers: lease number by host name, written by `take_lease`; a host gives each new holder a new number, and
            refuses steps that carry an older one
    """

    run_id: str
    owner: Owner
    numbers: dict[str, str] = field(default_factory=dict, compare=False)


def lost_to(stderr: str) -> str | None:
    """Return in words who holds the lease that a step was refused for; None if no lease was lost.

    Arguments:
        stderr: output of a script that began with `still_ours` of lease.sh
    """
    found = re.search(_LOST, stderr)
    if not found:
        return None
    try:
        return str(Holder.parse(found[1]))
    except ValueError:
        return "another run" if found[1].strip() else BOOTED


def operator() -> str:
    """Return the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a passwd entry, as in a container
        return str(os.getuid())


def this_process() -> Owner:
    """Return the current process as an owner."""
    words = "".join(f"{operator()}@{socket.gethostname()}".split())
    return Owner(words, _machine(), os.getpid(), _started(os.getpid()))


@cache
def _machine() -> str:
    known = [_read("/etc/machine-id"), _read("/proc/sys/kernel/random/boot_id"), _namespace(), socket.gethostname()]
    return sha256("\n".join(known).encode()).hexdigest()[:16]


def _namespace() -> str:
    """Return the PID namespace: the same PID in another namespace is another process."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> int:
    """Return the start time of a process in ticks since boot; 0 if it has ended or /proc cannot be read."""
    words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(words[_STARTED]) if len(words) > _STARTED and words[0] != "Z" else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
