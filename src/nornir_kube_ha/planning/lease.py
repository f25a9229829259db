"""Who may change a host: one run at a time. The words in which a host's lease is written, and what they mean."""

import getpass
import os
import re
import socket
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

LEASE_SECONDS = 120  # how long a lease outlives the last step of its run; each step prolongs it
BOOTED = "nobody: the host was booted since"
LOST = 75  # what a script ends with where the lease is not the run's any more
_LOST = r"the lease of this host is another run's by now: (.*); this step changed nothing"
_STARTED = 19  # starttime, counted from behind the command's name: field 22 of proc(5)'s /proc/PID/stat


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that changes hosts.

    Arguments:
        user: who runs it, `root@noc-1`
        machine: tells that machine, since it was booted, from all others
        pid: its process
        started: when the process began, in the kernel's ticks since boot: a pid is used again
    """

    user: str
    machine: str
    pid: int
    started: int

    @classmethod
    def parse(cls, text: str) -> "Owner":
        """Read what `str` of an owner says.

        Arguments:
            text: four words

        Raises:
            ValueError: it is no such text
        """
        user, machine, pid, started = text.split()
        return cls(user, machine, int(pid), int(started))

    def __str__(self) -> str:
        """Four words: user, machine, process, its start."""
        return f"{self.user} {self.machine} {self.pid} {self.started}"

    @property
    def is_gone(self) -> bool:
        """Whether it is a process of this machine that has ended. Of other machines nobody here knows."""
        return self.machine == _machine() and _started(self.pid) != self.started


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds a host's lease.

    Arguments:
        run_id: of the run
        seconds: until its lease ends, if the run does no further step
        owner: whose run it is
    """

    run_id: str
    seconds: int
    owner: Owner

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Read what `lease.sh` says of a lease that is held.

        Arguments:
            text: run id, seconds, and the owner's four words

        Raises:
            ValueError: it is no such text
        """
        run_id, seconds, owner = text.split(maxsplit=2)
        return cls(run_id, int(seconds), Owner.parse(owner))

    def __str__(self) -> str:
        """`run 0123456789ab of root@noc-1, process 4711`."""
        return f"run {self.run_id} of {self.owner.user}, process {self.owner.pid}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A run's claim to the hosts that it changes.

    Arguments:
        run_id: of the run
        owner: whose run it is
        numbers: by host name, the number that the host gave this lease: `take_lease` notes it. A host gives each new
            holder another one, and does no step of a run whose number is not the last
    """

    run_id: str
    owner: Owner
    numbers: dict[str, str] = field(default_factory=dict, compare=False)


def lost_to(stderr: str) -> str | None:
    """Return who has the lease that a step was refused for, in words; None if no lease was lost.

    Arguments:
        stderr: of a script that began with `still_ours` of lease.sh
    """
    found = re.search(_LOST, stderr)
    if not found:
        return None
    try:
        return str(Holder.parse(found[1]))
    except ValueError:
        return "another run" if found[1].strip() else BOOTED


def this_process() -> Owner:
    """The owner of what this process does."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # nobody in particular, as in a container
        user = str(os.getuid())
    words = "".join(f"{user}@{socket.gethostname()}".split())
    return Owner(words, _machine(), os.getpid(), _started(os.getpid()))


@cache
def _machine() -> str:
    known = [_read("/etc/machine-id"), _read("/proc/sys/kernel/random/boot_id"), _namespace(), socket.gethostname()]
    return sha256("\n".join(known).encode()).hexdigest()[:16]


def _namespace() -> str:
    """That of process numbers: in another one, the same number is another process."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> int:
    """When a process began; 0 if it has ended, or if this system does not say."""
    words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(words[_STARTED]) if len(words) > _STARTED and words[0] != "Z" else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
