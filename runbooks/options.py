"""What every runbook understands on its command line, in the words that Ansible's users know."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """A runbook's options, parsed.

    Arguments:
        inventory: a folder with hosts.yaml, or a Nornir configuration file; none to look for one
        filters: `key=value`; a host must match all
        limit: names of hosts; all if empty
        list_hosts: only list the hosts that match
        dry_run: say what would change, change nothing
        diff: show what changes, line by line
        verbosity: 0, or how often `-v` was given
        forks: how many hosts at once
        output: `terminal` or `json`
    """

    inventory: Path | None = None
    filters: tuple[tuple[str, str], ...] = ()
    limit: tuple[str, ...] = ()
    list_hosts: bool = False
    dry_run: bool = False
    diff: bool = False
    verbosity: int = 0
    forks: int = 32
    output: str = "terminal"


def add_options(parser: argparse.ArgumentParser, *, changes_hosts: bool) -> None:
    """Add what every runbook understands to a parser.

    Arguments:
        parser: of the runbook
        changes_hosts: whether the runbook changes anything, so that it can also not
    """
    select = parser.add_argument_group("which hosts")
    add_inventory_option(select)
    select.add_argument(
        "--filter",
        dest="filters",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_key_value,
        help="only hosts whose inventory says so, as role=backup; repeatable, all must match",
    )
    select.add_argument(
        "-l",
        "--limit",
        metavar="HOST[,HOST]",
        action="extend",
        default=[],
        type=_names,
        help="only these hosts; repeatable",
    )
    select.add_argument("--list-hosts", action="store_true", help="list the hosts that match, and do nothing")
    if changes_hosts:
        change = parser.add_argument_group("what changes")
        change.add_argument(
            "--dry-run", "--check", dest="dry_run", action="store_true", help="say what would change, change nothing"
        )
        change.add_argument("--diff", action="store_true", help="show what changes, line by line")
    show = parser.add_argument_group("how")
    show.add_argument(
        "-v",
        dest="verbosity",
        action="count",
        default=0,
        help="show each task's results on stderr; -vv those of debug level",
    )
    show.add_argument("--forks", metavar="N", type=_positive, default=32, help="how many hosts at once (32)")
    show.add_argument(
        "--output", choices=("terminal", "json"), default="terminal", help="the report's format (terminal)"
    )


def add_inventory_option(parser: argparse._ActionsContainer) -> None:
    """Add `-i` to a parser.

    Arguments:
        parser: the parser, or a group of its options
    """
    parser.add_argument(
        "-i",
        "--inventory",
        metavar="PATH",
        type=Path,
        help="folder with hosts.yaml, groups.yaml, defaults.yaml, or a Nornir configuration file "
        "($KUBE_HA_INVENTORY, ./inventory, or the one of this checkout)",
    )


def parse_options(arguments: argparse.Namespace) -> Options:
    """Options from parsed arguments.

    Arguments:
        arguments: of a parser that `add_options` was given
    """
    return Options(
        inventory=arguments.inventory,
        filters=tuple(arguments.filters),
        limit=tuple(arguments.limit),
        list_hosts=arguments.list_hosts,
        dry_run=getattr(arguments, "dry_run", False),
        diff=getattr(arguments, "diff", False),
        verbosity=arguments.verbosity,
        forks=arguments.forks,
        output=arguments.output,
    )


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, as role=backup")
    return key, value


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:  # of an unset variable, say: that means no host, and must not mean all
        raise argparse.ArgumentTypeError(f"{text!r} does not name a host, as lb-1,lb-2")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
