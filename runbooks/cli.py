"""The command `kube-ha`: every runbook, a first inventory, and the lab."""

import argparse
import shutil
import sys
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.lab.cli import Parsers
from nornir_kube_ha.lab.cli import add_parser as add_lab_parser
from nornir_kube_ha.runbooks import deploy, verify
from nornir_kube_ha.runbooks.command import Runbook, guarded, run_runbook, tell
from nornir_kube_ha.runbooks.options import add_options, parse_options


def main(arguments: list[str] | None = None) -> int:
    """Run `kube-ha`.

    Arguments:
        arguments: of the command line; the process's own if not given

    Returns:
        The exit code
    """
    parser = argparse.ArgumentParser(
        prog="kube-ha", description="One address for a Kubernetes control plane, on keepalived and haproxy."
    )
    parser.add_argument("--version", action="version", version=f"nornir-kube-ha {version('nornir-kube-ha')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_runbook(commands, "deploy", deploy.__doc__, deploy.deploy, changes_hosts=True)
    _add_runbook(commands, "verify", verify.__doc__, verify.verify, changes_hosts=False)
    _add_init(commands)
    add_lab_parser(commands)
    parsed = parser.parse_args(arguments)
    return guarded(lambda: parsed.run(parsed))


def _add_runbook(
    commands: Parsers, name: str, description: str | None, runbook: Runbook, *, changes_hosts: bool
) -> None:
    parser = commands.add_parser(
        name,
        help=(description or "").partition("\n")[0],
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser, changes_hosts=changes_hosts)
    parser.set_defaults(run=lambda arguments: run_runbook(name, runbook, parse_options(arguments)))


def _add_init(commands: Parsers) -> None:
    parser = commands.add_parser("init", help="Write a first inventory of your own, the guide's plan, to a folder.")
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that does not exist yet, or is empty")
    parser.set_defaults(run=lambda arguments: init(arguments.folder))


def init(folder: Path) -> int:
    """Write a first inventory: the guide's plan, for a user to put their own addresses in.

    Arguments:
        folder: where to; made if it is not there

    Returns:
        The exit code

    Raises:
        UsageError: the folder holds something already, or cannot be written
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new folder, so that nothing is overwritten")
        with resources.as_file(resources.files("nornir_kube_ha").joinpath("example")) as example:
            shutil.copytree(example, folder, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}") from error
    tell(f"wrote {', '.join(sorted(path.name for path in folder.iterdir()))} to {folder}")
    tell(f"next: put your own addresses in, then `kube-ha deploy -i {folder} --dry-run --diff`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
