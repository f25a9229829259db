"""The tools that others use, in an environment of their own: the product's stays what users have."""

import os
import subprocess
from functools import cache
from pathlib import Path

from campaigns.record import ROOT

ENVIRONMENT = ROOT / ".venv-bench"


def ensure() -> None:
    """Install what the lock file says. Quick if all is there."""
    command = ["uv", "sync", "--locked", "--quiet", "--only-group", "bench"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}, check=True)


def program(name: str) -> str:
    """Where a program of them is.

    Arguments:
        name: the program
    """
    return str(ENVIRONMENT / "bin" / name)


@cache
def version(package: str) -> str:
    """A package and its version.

    Arguments:
        package: by its name
    """
    [found] = (ENVIRONMENT / "lib").glob(f"python*/site-packages/{package.replace('-', '_')}-*.dist-info")
    return Path(found).stem.replace("_", "-").replace(f"{package}-", f"{package} ", 1)
