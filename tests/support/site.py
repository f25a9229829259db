"""The docs as a site: built from this checkout, or from a copy that a test spoils."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rig.lab import ROOT

PARTS = (
    "mkdocs.yml",
    "docs",
    "CHANGELOG.md",
    "SECURITY.md",
    "examples/ci",
    "src/nornir_kube_ha/snapshots/schema.json",
    "src/nornir_kube_ha/report/schema.json",
)
"""What the site is made of."""


def build(folder: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Build the site, warnings being errors.

    Arguments:
        folder: where to
        root: of the repository
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def copy(folder: Path) -> Path:
    """Copy all that the site is made of, and return the copy's root."""
    for part in map(Path, PARTS):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder
