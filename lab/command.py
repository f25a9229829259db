"""Commands of this machine, run to their end."""

import shutil
import subprocess
from collections.abc import Sequence

from nornir_kube_ha.lab.errors import LabError

PACKAGES = {
    "apt-ftparchive": "apt-utils",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
"""Each tool that the lab needs, and the Debian package that holds it."""


def run(argv: Sequence[str], *, stdin: str | None = None, seconds: float = 30) -> str:
    """Run a command and return its standard output.

    Arguments:
        argv: the command and its arguments
        stdin: what it reads; nothing by default
        seconds: how long it may take

    Raises:
        LabError: it is not there, failed, or did not end in time; its last words are in the message
    """
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds, **given)
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(argv)}: did not end within {seconds:g} s") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip() or "said nothing"
        raise LabError(f"{' '.join(argv)}: exit status {done.returncode}: {words}")
    return str(done.stdout)


def require_tools() -> None:
    """Make sure that every tool is there.

    Raises:
        LabError: some are not; names exactly the Debian packages that are missing
    """
    missing = sorted({package for tool, package in PACKAGES.items() if shutil.which(tool) is None})
    if missing:
        raise LabError(f"this machine lacks what the lab needs: apt-get install {' '.join(missing)}")
