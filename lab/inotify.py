"""The kernel's limit of inotify instances per user: root is one user on all hosts, and each systemd takes several."""

from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab.state import RUN, locked

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_BEFORE = RUN / "max_user_instances"
_PER_HOST = 12  # 128, the kernel's default, stops at 12 hosts; with what the machine itself needs
_ENOUGH = 16384  # boots 100 hosts


def raise_limit(hosts: int) -> None:
    """Raise the limit if so many hosts may not fit, and note what it was.

    Arguments:
        hosts: how many there will be on this machine, in all labs
    """
    with locked("inotify"):
        now = int(LIMIT.read_text())
        if now >= _ENOUGH or now >= hosts * _PER_HOST + 64:
            return
        if not _BEFORE.exists():
            write_file(_BEFORE, str(now))
        LIMIT.write_text(str(_ENOUGH))


def restore_limit() -> None:
    """Put back what the limit was before it was raised, unless somebody else has changed it since."""
    with locked("inotify"):
        if not _BEFORE.exists():
            return
        if int(LIMIT.read_text()) == _ENOUGH:
            LIMIT.write_text(_BEFORE.read_text())
        _BEFORE.unlink()
