"""`kube-ha init`: write a first inventory."""

import argparse
from importlib import resources
from pathlib import Path

from nornir_kube_ha.cli.exit_codes import tell
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.files import write_file


def run_init(arguments: argparse.Namespace) -> int:
    """Write a first inventory, with the guide's plan and placeholder addresses.

    Arguments:
        arguments: parsed; `folder` is created if missing

    Returns:
        The exit code

    Raises:
        UsageError: the folder is not empty, or cannot be written
    """
    folder: Path = arguments.folder
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new folder, so that nothing is overwritten")
        for example in resources.files("nornir_kube_ha").joinpath("example").iterdir():
            write_file(folder / example.name, example.read_bytes())  # by the user's umask, not the packaged mode
    except OSError as error:
        raise UsageError(f"{folder} is not writable: {error}") from error
    tell(f"wrote {', '.join(sorted(path.name for path in folder.iterdir()))} to {folder}")
    tell(
        f"next: replace the placeholder addresses with your own, then run `kube-ha deploy -i {folder} --dry-run --diff`"
    )
    return 0
