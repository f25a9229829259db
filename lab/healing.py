"""Heal a lab's fault when its time is over, even if the controller that injected it was killed.

The healer is a process of its own, in a cgroup of its own. It outlives the controller, its session and its service,
works where systemd is not process 1, and ends with the fault or the lab.
"""

import sys
import time
import uuid
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab import network
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.machine import cgroup
from nornir_kube_ha.lab.machine.command import run
from nornir_kube_ha.lab.state import LabFiles

GRACE = 5.0  # seconds beyond the fault's own time: a live controller heals it first, and measures that
TRIES = 10
POLL = 0.1
# Leave the controller's cgroup first: a service manager ends all that is left in it.
_START = 'echo $$ >"$0/cgroup.procs" && exec setsid --fork "$@" </dev/null >/dev/null 2>&1'


def arm(lab: str, verb: str, hosts: Sequence[str], seconds: float) -> None:
    """Start the process that heals a fault.

    Arguments:
        lab: name of the lab
        verb: as in `LabFault`
        hosts: names of the hosts
        seconds: how long the fault lasts

    Raises:
        LabError: it cannot be started; the fault must not be injected then
    """
    token = uuid.uuid4().hex
    write_file(_note(lab, hosts), token)
    folder = cgroup.healers_of(lab)
    folder.mkdir(mode=0o755, exist_ok=True)
    again = [sys.executable, "-m", "nornir_kube_ha.lab.healing", lab, token, f"{seconds + GRACE:g}", verb, *hosts]
    run(["sh", "-c", _START, str(folder), *again])


def disarm(lab: str, hosts: Sequence[str]) -> None:
    """Cancel the healing of a fault that is over.

    Arguments:
        lab: name of the lab
        hosts: names of the hosts
    """
    _note(lab, hosts).unlink(missing_ok=True)


def _note(lab: str, hosts: Sequence[str]) -> Path:
    """Return the file that holds the token of these hosts' fault. It is removed with the fault or the lab."""
    return LabFiles(lab).folder / f"fault-{sha256(' '.join(hosts).encode()).hexdigest()[:16]}"


def _is_there(note: Path, token: str) -> bool:
    try:
        return note.read_text() == token
    except FileNotFoundError:
        return False


def main(lab: str, token: str, seconds: str, verb: str, *hosts: str) -> None:
    """Wait, then heal the fault that has this token, if it is still there."""
    from nornir_kube_ha.lab.faults import LabFault  # noqa: PLC0415 - it arms us

    note, deadline = _note(lab, hosts), time.monotonic() + float(seconds)
    while _is_there(note, token) and time.monotonic() < deadline:
        time.sleep(POLL)
    for _ in range(TRIES):
        if not _is_there(note, token):
            return
        try:
            network.enter(lab)
            LabFault(lab, verb, hosts).heal()
        except LabError:
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
