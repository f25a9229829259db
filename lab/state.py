"""Where a lab keeps its files, and the locks around them."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str], object]
"""Takes one line about what is being done; called before steps that take long."""

IMAGES = Path("/var/lib/kube-ha/images")
LABS = Path("/var/lib/kube-ha/lab")
RUN = Path("/run/kube-ha-lab")  # a reboot resets it, and the kernel settings that are recorded there


def silent(_: str) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class LabFiles:
    """The files of one lab.

    Arguments:
        lab: name of the lab
    """

    lab: str

    @property
    def folder(self) -> Path:
        """Folder of all its files; removed when the lab goes down."""
        return LABS / self.lab

    @property
    def private_key(self) -> Path:
        """The only key that may log in to the hosts as root."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' own keys, by address, in OpenSSH's format."""
        return self.folder / "known_hosts"

    @property
    def pki(self) -> Path:
        """Folder with the CA of all certificates, `ca.crt`, and its key."""
        return self.folder / "pki"

    @property
    def ca_certificate(self) -> Path:
        """The CA certificate, for clients of the VIP."""
        return self.pki / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig, if the lab has a real control plane."""
        return self.folder / "admin.conf"

    @property
    def vips(self) -> Path:
        """File with the VIPs that the lab was brought up with, one a line."""
        return self.folder / "vips"

    @property
    def hosts(self) -> Path:
        """Folder with one folder per host: its disk and its console's log."""
        return self.folder / "hosts"


@contextmanager
def locked(name: str, progress: Progress = silent) -> Iterator[int]:
    """Hold a lock of this machine, after waiting for its holder. It ends with the process, however that ends.

    Arguments:
        name: what is locked
        progress: called if another process holds the lock

    Returns:
        The lock's file descriptor: a child process that inherits it holds the lock too
    """
    RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = RUN / f"{name}.lock"
    handle = _take(path, progress)
    try:
        yield handle
    finally:
        path.unlink(missing_ok=True)  # while we hold it: a waiter sees that the name is gone, and creates it again
        os.close(handle)
        with suppress(OSError):
            RUN.rmdir()


def _take(path: Path, progress: Progress) -> int:
    while True:
        RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder was removed between the two calls
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another run to release {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_still(path, handle):
            return handle
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino  # noqa: PTH116 - beside fstat
    except FileNotFoundError:
        return False
