"""Command-line options of every runbook, named as in Ansible."""

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

from nornir_kube_ha.cli.options.argument_types import (
    add_kubeconfig_option,
    ip_address,
    key_value,
    names,
    positive,
    seconds,
)
from nornir_kube_ha.cli.options.rollout import add_accept_outage, add_rollout_options, add_takeover_options
from nornir_kube_ha.text import clean

NAGIOS_UNKNOWN = 3  # exit code of a monitoring plugin
# A copy of the keys of `report.files.FORMATS`, which `--help` need not import; a test compares the two.
OUTPUTS = ("terminal", "json", "junit", "nagios", "prometheus", "markdown", "html")

LACKING = {
    "dry_run": False,
    "diff": False,
    "check": (),
    "skip": (),
    "former": (),
    "list_faults": False,
    "list_generations": False,
    "history": None,
    "notify": None,
}
"""Values of options that only some runbooks have."""


def add_options(parser: argparse.ArgumentParser, add_own: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the options that all runbooks share, and with `add_own` the runbook's own."""
    parser.set_defaults(**LACKING)
    select = parser.add_argument_group("hosts")
    add_inventory_option(select)
    select.add_argument(
        "--filter",
        dest="filters",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=key_value,
        help="only hosts with this inventory value, for example role=backup; repeatable, all must match",
    )
    select.add_argument(
        "-l",
        "--limit",
        metavar="HOST[,HOST]",
        action="extend",
        default=[],
        type=names,
        help="only these hosts; repeatable",
    )
    select.add_argument("--list-hosts", action="store_true", help="check the inventory, list the selected hosts, exit")
    add_own(parser)
    show = parser.add_argument_group("output and speed")
    words = "show each task's results on stderr; -vv adds debug output"
    show.add_argument("-v", dest="verbosity", action="count", default=0, help=words)
    words = "number of hosts to work on in parallel (64, or fewer if this process may open few files)"
    show.add_argument("--forks", metavar="N", type=positive, help=words)
    show.add_argument("--output", choices=OUTPUTS, default="terminal", help="format of the report on stdout (terminal)")
    words = "leave checks that passed everywhere out of the terminal's report"
    show.add_argument("--only-failed", action="store_true", help=words)
    show.add_argument(
        "--report-dir",
        metavar="DIR",
        type=Path,
        help="also write the report to this folder, in every format; created if missing",
    )


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a runbook that changes hosts."""
    change = parser.add_argument_group("changes")
    change.add_argument(
        "--dry-run",
        "--check",
        dest="dry_run",
        action="store_true",
        help="report what would change, and change nothing (`verify` has another --check, which selects a check)",
    )
    change.add_argument("--diff", action="store_true", help="show changed lines")


def add_deploy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `deploy`."""
    _add_change_and_rollout(parser)
    words = "if nothing differs, stop there: skip the checks that need answers from the VIP, other nodes or apiservers"
    parser.add_argument("--quick", action="store_true", help=words)
    words = (
        "state that no apiserver has ever been up (before `kubeadm init`), if a first deploy does not "
        "detect it. Until the first one answers, checks warn that none does yet"
    )
    parser.add_argument("--bootstrap", action="store_true", help=words)
    add_takeover_options(parser)


def _add_change_and_rollout(parser: argparse.ArgumentParser) -> None:
    add_change_options(parser)
    add_rollout_options(parser)


def add_rollback_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rollback`."""
    _add_change_and_rollout(parser)
    back = parser.add_argument_group("target")
    back.add_argument(
        "--list",
        dest="list_generations",
        action="store_true",
        help="list the generations that each host can go back to, and exit",
    )
    back.add_argument(
        "--to-before",
        dest="to_before",
        metavar="RUN_ID",
        default="",
        help="restore the files that this run replaced, good or not (the last that passed every check)",
    )


def add_upgrade_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `upgrade`."""
    add_change_options(parser)
    add_accept_outage(parser, "restart the VIP holder even if the VIP cannot be moved to another node first")
    words = "install an older version if the inventory pins one"
    parser.add_argument("--allow-downgrade", action="store_true", help=words)


def add_remove_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `remove`."""
    add_change_options(parser)
    parser.add_argument("--yes", action="store_true", help="remove without asking for confirmation, for scripts")
    parser.add_argument(
        "--host",
        dest="former",
        metavar="ADDRESS",
        action="append",
        default=[],
        type=ip_address,
        help="only this former node, which is no longer in the inventory; repeatable. The login is that "
        "of its cluster's nodes; if there are several clusters, select one with --filter "
        "cluster=NAME",
    )


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select checks and repeat them."""
    group = parser.add_argument_group("checks", "`kube-ha checks` lists them; patterns like 'vip.*' select several")
    only = "only this check; in other commands --check is a dry run"
    for option, words in (("--check", only), ("--skip", "skip this check")):
        group.add_argument(option, metavar="ID", action="append", default=[], help=f"{words}; repeatable")
    patience = parser.add_argument_group("repetition")
    patience.add_argument(
        "--retry-timeout",
        metavar="TIME",
        type=seconds,
        default=0,
        help="repeat failed checks until all pass, for at most this time, for example 30s (0)",
    )
    patience.add_argument("--sleep", metavar="TIME", type=seconds, default=1, help="time between two attempts (1s)")


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `verify`."""
    add_check_options(parser)
    add_kubeconfig_option(parser, "also ask each apiserver for its health, with this credential")
    regular = parser.add_argument_group("regular runs")
    words = "keep there since when each check has been red or green, and report it; the folder is created if missing"
    regular.add_argument("--history", metavar="DIR", type=Path, help=words)
    words = (
        "with --history: send checks that turned red or green to this webhook, in Slack's form. "
        "A URL, or env:NAME, file:PATH or pass:ENTRY that holds it"
    )
    regular.add_argument("--notify", metavar="URL", help=words)


def add_snapshot_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `snapshot`, whose report is that of a dry run: what a deploy would change."""
    parser.set_defaults(dry_run=True)
    words = "file for the snapshot, which only you can read; an existing one is replaced"
    parser.add_argument("-o", "--file", dest="path", metavar="FILE", type=Path, required=True, help=words)


def add_inventory_option(parser: argparse._ActionsContainer) -> None:
    """Add `-i` to a parser or to a group of its options."""
    parser.add_argument(
        "-i",
        "--inventory",
        metavar="PATH",
        type=Path,
        help="folder with hosts.yaml, groups.yaml and defaults.yaml, or a Nornir configuration file "
        "($KUBE_HA_INVENTORY, else ./inventory, else that of this clone; else an error)",
    )


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """Parse a command line. An invalid one ends the process, with UNKNOWN for a monitoring system.

    Arguments:
        parser: the command's parser
        arguments: command-line arguments; default: `sys.argv`
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_args(arguments)
    except SystemExit as ended:
        sys.stderr.write(clean(said.getvalue()))  # argparse quotes unknown arguments verbatim
        if not ended.code:
            sys.stdout.flush()  # the text of `--help`
        given = sys.argv[1:] if arguments is None else arguments
        if ended.code and ("nagios" in given or "--output=nagios" in given):
            sys.stdout.write("KUBE-HA UNKNOWN - the command line is invalid; see stderr\n")
            raise SystemExit(NAGIOS_UNKNOWN) from None
        raise
