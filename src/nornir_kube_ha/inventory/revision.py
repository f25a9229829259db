"""An inventory's folder as a git revision has it. The checkout stays untouched."""

import os
import subprocess
from pathlib import Path

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.files import FILES

_NO_NETWORK = ("-c", "protocol.allow=never")  # a partial clone would fetch what it lacks


def inventory_at(inventory: Path, revision: str, folder: Path) -> Path:
    """Write a repository's files of a revision to a folder, and return the inventory's folder in it.

    All files are written, since an inventory may refer to files outside of its own folder.

    Arguments:
        inventory: the inventory's folder, in a git repository
        revision: as git names it: `HEAD~1`, `v1.2`, a branch
        folder: a folder that does not exist yet

    Raises:
        UsageError: the folder is in no repository, or the revision or the inventory in it does not exist
    """
    if not inventory.is_dir():
        raise UsageError(f"--from-git: {inventory} is a file; expected a folder with {FILES['host']}")
    top = Path(_git(inventory, "rev-parse", "--show-toplevel"))
    inside = inventory.resolve().relative_to(top.resolve())
    commit = _git(inventory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    folder.mkdir(mode=0o700, parents=True)
    packed = folder / ".tar"
    _git(top, "archive", "--format=tar", f"--output={packed}", commit)
    _run(["tar", "--extract", "--file", str(packed), "--directory", str(folder)], "tar")
    packed.unlink()
    if not (folder / inside / FILES["host"]).is_file():
        raise UsageError(f"--from-git: {Path(inside) / FILES['host']} does not exist in {revision} of {top}")
    return folder / inside


def _git(folder: Path, *arguments: str) -> str:
    return _run(["git", "-C", str(folder), *_NO_NETWORK, *arguments], f"git {' '.join(arguments)}")


def _run(command: list[str], words: str) -> str:
    """Return a command's output.

    Raises:
        UsageError: it failed
    """
    # A hook's environment names its own repository.
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**own, "LC_ALL": "C"})
    except FileNotFoundError:
        raise UsageError(f"--from-git: {command[0]} is not installed on this machine") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or "no such revision"
        raise UsageError(f"--from-git: {words} failed: {said}")
    return done.stdout.strip()
