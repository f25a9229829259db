"""`kube-ha init`: write a first inventory."""

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from nornir_kube_ha.cli.exit_codes import tell
from nornir_kube_ha.cli.options.examples import DOCS
from nornir_kube_ha.cli.setup.interview import ask_for_plan
from nornir_kube_ha.cli.setup.inventory import Plan, filled_in
from nornir_kube_ha.cli.setup.schema import FOLDER as SCHEMAS
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.files import write_file

SCHEMA_COMMENT = "# yaml-language-server: $schema="


def run_init(arguments: argparse.Namespace) -> int:
    """Write a first inventory: of the given addresses, or the guide's plan with placeholder addresses.

    Arguments:
        arguments: parsed; `folder` is created if missing

    Returns:
        The exit code

    Raises:
        InventoryError: what was given makes no valid inventory
        UsageError: the folder is not empty or cannot be written, or an option is missing
    """
    folder: Path = arguments.folder
    _refuse_used(folder)
    plan = _plan(arguments)
    files = examples() if plan is None else filled_in(examples(), plan)
    try:
        for name, text in files.items():
            write_file(folder / name, text)  # by the user's umask, not the packaged mode
    except OSError as error:
        raise UsageError(f"{folder} is not writable: {error}") from error
    tell(f"wrote {', '.join(sorted(files))} to {folder}")
    tell("\n".join(["next, in this order:", *_steps(folder, plan)]))
    return 0


def _refuse_used(folder: Path) -> None:
    try:
        used = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} is not writable: {error}") from error
    if used:
        raise UsageError(f"{folder} is not empty; name a new folder, so that nothing is overwritten")


def _plan(arguments: argparse.Namespace) -> Plan | None:
    """Return what to write; None for placeholders."""
    given = {name: getattr(arguments, name) for name in ("vip", "nodes", "apiservers", "user", "interface")}
    if given["vip"] and given["nodes"]:
        return Plan.of(given)
    if sys.stdin and sys.stdin.isatty():
        return Plan.of(ask_for_plan(given))
    if any(given.values()):
        missing = " and ".join(f"--{name}" for name in ("vip", "nodes") if not given[name])
        raise UsageError(f"{missing} is missing, and nobody is there to be asked; nothing was written")
    return None


def examples() -> Mapping[str, str]:
    """Return the example inventory's files by name. Their comment for editors names the schema of this installation."""
    found = {}
    for example in resources.files("nornir_kube_ha").joinpath("example").iterdir():
        schema = (SCHEMAS / f"{Path(example.name).stem}.json").as_uri()
        first, _, rest = example.read_text(encoding="utf-8").partition("\n")
        found[example.name] = f"{SCHEMA_COMMENT}{schema}\n{rest if first.startswith(SCHEMA_COMMENT) else first + rest}"
    return found


def _steps(folder: Path, plan: Plan | None) -> Iterator[str]:
    """Yield the commands from this inventory to a verified cluster, numbered and with their purpose."""
    where = shlex.quote(str(folder))
    login = "ssh ADDRESS true"
    if plan:
        [(_, address), *_] = plan.nodes
        sudo = "true" if plan.user == "root" else "sudo -n true"
        login = f"ssh -o UserKnownHostsFile={shlex.quote(str(folder / 'known_hosts'))} {plan.user}@{address} {sudo}"
    steps = (
        () if plan else ((f"$EDITOR {where}/*.yaml", "put your own addresses in"),),
        (
            ("export KUBE_HA_STATS_PASSWORD=...", "the stats page's password: 12 characters or more"),
            (f"kube-ha hostkeys enroll -i {where}", "compare the hosts' SSH keys, and pin them"),
            (login, f"each node accepts a key of your SSH agent; if not: {DOCS}/login.html"),
            (f"kube-ha deploy -i {where} --dry-run --diff", "what a deploy would change"),
            (f"kube-ha deploy -i {where}", "change the hosts, and check them"),
            (f"kube-ha verify -i {where}", "check them again at any time"),
        ),
    )
    for number, (command, purpose) in enumerate((step for part in steps for step in part), start=1):
        yield f"  {number}. {command}\n       {purpose}"
