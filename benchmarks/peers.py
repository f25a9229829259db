"""The other tools, in an environment of their own: kube-ha's stays as users have it."""

import os
import subprocess
from functools import cache
from pathlib import Path

from campaigns.shared.record import ROOT

ENVIRONMENT = ROOT / ".venv-bench"


def ensure() -> None:
    """Install what the lock file says. Quick if all is installed."""
    command = ["uv", "sync", "--locked", "--quiet", "--only-group", "bench"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}, check=True)


def program(name: str) -> str:
    """Return the path of a program in their environment."""
    return str(ENVIRONMENT / "bin" / name)


@cache
def version(package: str) -> str:
    """Return a package's name and version."""
    [found] = (ENVIRONMENT / "lib").glob(f"python*/site-packages/{package.replace('-', '_')}-*.dist-info")
    return Path(found).stem.replace("_", "-").replace(f"{package}-", f"{package} ", 1)
