"""Where a lab keeps its files, and the locks around them."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str], None]
"""Told in one line what is being done, when it takes long enough to wonder."""

IMAGES = Path("/var/lib/kube-ha/images")
LABS = Path("/var/lib/kube-ha/lab")
RUN = Path("/run/kube-ha-lab")  # empty after a reboot, as the kernel's settings that are noted there are


def silent(_: str) -> None:
    """Progress for those who do not ask."""


@dataclass(frozen=True, slots=True)
class LabFiles:
    """The files of one lab.

    Arguments:
        lab: its name
    """

    lab: str

    @property
    def folder(self) -> Path:
        """All of them are below it; gone when the lab is down."""
        return LABS / self.lab

    @property
    def private_key(self) -> Path:
        """The only key that a lab host lets in as root."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' own keys, by address, in OpenSSH's format."""
        return self.folder / "known_hosts"

    @property
    def pki(self) -> Path:
        """`ca.crt` that all apiservers' certificates are signed by, and its key."""
        return self.folder / "pki"

    @property
    def ca_certificate(self) -> Path:
        """What a client of the VIP trusts."""
        return self.pki / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """What kubectl reads, where the lab has a real control plane."""
        return self.folder / "admin.conf"

    @property
    def vips(self) -> Path:
        """The virtual addresses that the lab was brought up with, one a line."""
        return self.folder / "vips"

    @property
    def hosts(self) -> Path:
        """One folder a host: its disk and what was said at its console."""
        return self.folder / "hosts"


@contextmanager
def locked(name: str, progress: Progress = silent) -> Iterator[int]:
    """Hold a lock of this machine, waiting for whoever has it. It ends with the process, however that ends.

    Arguments:
        name: what is locked
        progress: told when there is somebody to wait for

    Returns:
        the lock's file descriptor: a child that inherits it holds the lock too
    """
    RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = RUN / f"{name}.lock"
    handle = _take(path, progress)
    try:
        yield handle
    finally:
        path.unlink(missing_ok=True)  # while it is ours: a waiter finds that the name is gone and makes it anew
        os.close(handle)
        with suppress(OSError):
            RUN.rmdir()


def _take(path: Path, progress: Progress) -> int:
    while True:
        RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder went between the two calls
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another run to let go of {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_still(path, handle):
            return handle
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(handle).st_ino  # noqa: PTH116 - beside fstat
    except FileNotFoundError:
        return False
