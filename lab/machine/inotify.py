"""The kernel's limit of inotify instances per user: all hosts share one user, root, and each systemd takes several."""

from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab.state import RUN, locked

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_BEFORE = RUN / "max_user_instances"
_PER_HOST = 12  # the kernel's default, 128, allows 12 hosts beside the machine's own needs
_ENOUGH = 16384  # enough for 100 hosts


def raise_limit(hosts: int) -> None:
    """Raise the limit if that many hosts may not fit, and record the old value.

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
    """Restore the limit, unless it has been changed since."""
    with locked("inotify"):
        if not _BEFORE.exists():
            return
        if int(LIMIT.read_text()) == _ENOUGH:
            LIMIT.write_text(_BEFORE.read_text())
        _BEFORE.unlink()
