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
    select = parser.add_argument_group("which hosts")
    add_inventory_option(select)
    select.add_argument(
        "--filter",
        dest="filters",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=key_value,
        help="only hosts whose inventory says so, as role=backup; repeatable, all must match",
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
    select.add_argument("--list-hosts", action="store_true", help="list the hosts that match, and do nothing")
    add_own(parser)
    show = parser.add_argument_group("how")
    show.add_argument(
        "-v",
        dest="verbosity",
        action="count",
        default=0,
        help="show each task's results on stderr; -vv those of debug level",
    )
    show.add_argument("--forks", metavar="N", type=positive, default=32, help="how many hosts at once (32)")
    show.add_argument("--output", choices=OUTPUTS, default="terminal", help="the report's format on stdout (terminal)")
    show.add_argument(
        "--report-dir",
        metavar="DIR",
        type=Path,
        help="write the report there too, in every format; made if it is not there",
    )


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a runbook that changes hosts."""
    change = parser.add_argument_group("what changes")
    change.add_argument(
        "--dry-run", "--check", dest="dry_run", action="store_true", help="say what would change, change nothing"
    )
    change.add_argument("--diff", action="store_true", help="show what changes, line by line")


def add_deploy_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `deploy`."""
    _add_change_and_rollout(parser)
    words = (
        "where nothing differs, end there: no VIP, peer or apiserver is asked, and checks of what they answer skipped"
    )
    parser.add_argument("--quick", action="store_true", help=words)
    words = (
        "no apiserver has ever been up: before `kubeadm init`, where a first deploy does not see that by itself. "
        "Until the first one answers, checks warn that none does yet"
    )
    parser.add_argument("--bootstrap", action="store_true", help=words)
    add_takeover_options(parser)


def _add_change_and_rollout(parser: argparse.ArgumentParser) -> None:
    add_change_options(parser)
    add_rollout_options(parser)


def add_rollback_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rollback`."""
    _add_change_and_rollout(parser)
    back = parser.add_argument_group("where to")
    back.add_argument(
        "--list",
        dest="list_generations",
        action="store_true",
        help="list what each host can go back to, and do nothing",
    )
    back.add_argument(
        "--to-before",
        dest="to_before",
        metavar="RUN_ID",
        default="",
        help="the files that this run replaced, good or not (the last that passed every check)",
    )


def add_upgrade_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `upgrade`."""
    add_change_options(parser)
    add_accept_outage(parser, "restart the VIP's holder though the VIP cannot be moved to another node first")
    words = "let a package go back to an older version, where the inventory pins one"
    parser.add_argument("--allow-downgrade", action="store_true", help=words)


def add_remove_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `remove`."""
    add_change_options(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is taken off: for machines")
    parser.add_argument(
        "--host",
        dest="former",
        metavar="ADDRESS",
        action="append",
        default=[],
        type=ip_address,
        help="only this machine, which was a node and is not in the inventory any more; repeatable. It is logged in to "
        "as the nodes of its cluster are; where there are several clusters, --filter cluster=NAME says which",
    )


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select checks and repeat them."""
    group = parser.add_argument_group("which checks", "`kube-ha checks` lists them; patterns as 'vip.*' mean several")
    for option, words in (("--check", "only this check"), ("--skip", "not this check")):
        group.add_argument(option, metavar="ID", action="append", default=[], help=f"{words}; repeatable")
    patience = parser.add_argument_group("how long")
    patience.add_argument(
        "--retry-timeout",
        metavar="TIME",
        type=seconds,
        default=0,
        help="look again until all passes, so long at most: 30s",
    )
    patience.add_argument(
        "--sleep", metavar="TIME", type=seconds, default=1, help="how long to wait between two looks (1s)"
    )


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `verify`."""
    add_check_options(parser)
    add_kubeconfig_option(parser, "ask each apiserver for its health, too, with this credential")
    regular = parser.add_argument_group("regular runs")
    words = "keep there since when each check has been red or green, and report it; the folder is created if missing"
    regular.add_argument("--history", metavar="DIR", type=Path, help=words)
    words = (
        "with --history: send checks that turned red or green to this webhook, as Slack's; "
        "the URL, or env:NAME, file:PATH or pass:ENTRY with it"
    )
    regular.add_argument("--notify", metavar="URL", help=words)


def add_inventory_option(parser: argparse._ActionsContainer) -> None:
    """Add `-i` to a parser or to a group of its options."""
    parser.add_argument(
        "-i",
        "--inventory",
        metavar="PATH",
        type=Path,
        help="folder with hosts.yaml, groups.yaml, defaults.yaml, or a Nornir configuration file "
        "($KUBE_HA_INVENTORY, ./inventory, or the one of this checkout)",
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
            sys.stdout.write("KUBE-HA UNKNOWN - the command line is wrong; stderr says what\n")
            raise SystemExit(NAGIOS_UNKNOWN) from None
        raise
