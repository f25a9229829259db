"""Run commands on this machine."""

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
"""The tools that the lab needs, and their Debian packages."""


def run(argv: Sequence[str], *, stdin: str | None = None, seconds: float = 30) -> str:
    """Run a command and return its standard output.

    Arguments:
        argv: the command and its arguments
        stdin: the command's input; None: empty
        seconds: how long it may take

    Raises:
        LabError: it is missing, failed, or timed out; the message has its output
    """
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds, **given)
    except FileNotFoundError:
        raise LabError(f"{argv[0]}: command not found on this machine") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(argv)}: did not end within {seconds:g} s") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip() or "no output"
        raise LabError(f"{' '.join(argv)}: exit status {done.returncode}: {words}")
    return str(done.stdout)


def require_tools() -> None:
    """Refuse a machine that lacks a tool.

    Raises:
        LabError: names the missing Debian packages
    """
    missing = sorted({package for tool, package in PACKAGES.items() if shutil.which(tool) is None})
    if missing:
        raise LabError(f"the lab needs missing packages: apt-get install {' '.join(missing)}")
