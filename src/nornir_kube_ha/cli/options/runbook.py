"""What every runbook understands on its command line, in the words that Ansible's users know."""

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nornir_kube_ha.cli.options.argument_types import (
    add_kubeconfig_option,
    ip_address,
    key_value,
    names,
    positive,
    seconds,
)
from nornir_kube_ha.cli.options.failover import FailoverOptions
from nornir_kube_ha.cli.options.rollout import add_accept_outage, add_rollout_options, add_takeover_options, roll_out_of
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.text import clean

NAGIOS_UNKNOWN = 3  # the plugin API's
# Named here too, and held by a test, so that `--help` need not wait for what writes them.
OUTPUTS = ("terminal", "json", "junit", "nagios", "prometheus", "markdown", "html")


NO_FAILOVER = FailoverOptions()
AS_USUAL = RollOut()


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
        output: name of the report's format on stdout
        report_dir: a folder for the report in every format, none for none
        check: ids or patterns of the checks that are wanted; all if empty
        skip: ids or patterns of those that are not
        retry_timeout: seconds until which a look that does not pass is taken again
        sleep: seconds between two looks
        failover: a failover test's own
        roll_out: in which steps a change goes over hosts
        quick: where nothing differs, ask nobody but the hosts themselves
        bootstrap: no apiserver has ever been up
        list_generations: only list what there is to go back to
        yes: do not ask before everything is taken off
        former: addresses of machines that were nodes of a cluster; the hosts that are meant say of which
        back_to: id of the run whose change is to be undone; the last good files if empty
        kubeconfig: a credential for the Kubernetes API; the inventory's unless given
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
    report_dir: Path | None = None
    check: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    retry_timeout: float = 0
    sleep: float = 1
    failover: FailoverOptions = NO_FAILOVER
    roll_out: RollOut = AS_USUAL
    quick: bool = False
    bootstrap: bool = False
    list_generations: bool = False
    back_to: str = ""
    yes: bool = False
    former: tuple[str, ...] = ()
    kubeconfig: Path | None = None


DEFAULT = Options()


def add_options(parser: argparse.ArgumentParser, add_own: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add what every runbook understands to a parser.

    Arguments:
        parser: of the runbook
        add_own: adds the runbook's own options
    """
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
    """Add the options of a runbook that changes something.

    Arguments:
        parser: of the runbook
    """
    change = parser.add_argument_group("what changes")
    change.add_argument(
        "--dry-run", "--check", dest="dry_run", action="store_true", help="say what would change, change nothing"
    )
    change.add_argument("--diff", action="store_true", help="show what changes, line by line")


def add_deploy_options(parser: argparse.ArgumentParser) -> None:
    """Add a deploy's own options.

    Arguments:
        parser: of the runbook
    """
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
    """Add a rollback's own options.

    Arguments:
        parser: of the runbook
    """
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
        dest="back_to",
        metavar="RUN_ID",
        default="",
        help="the files that this run replaced, good or not (the last that passed every check)",
    )


def add_upgrade_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an upgrade.

    Arguments:
        parser: of the runbook
    """
    add_change_options(parser)
    add_accept_outage(parser, "restart the VIP's holder though the VIP cannot be moved to another node first")
    words = "let a package go back to an older version, where the inventory pins one"
    parser.add_argument("--allow-downgrade", action="store_true", help=words)


def add_remove_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of taking everything off again.

    Arguments:
        parser: of the runbook
    """
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
    """Add the options of a runbook that only looks.

    Arguments:
        parser: of the runbook
    """
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
    """Add `verify`'s own options to a parser.

    Arguments:
        parser: of the runbook
    """
    add_check_options(parser)
    add_kubeconfig_option(parser, "ask each apiserver for its health, too, with this credential")


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


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """Parse a command line. One that is wrong ends the process, for a monitoring system as UNKNOWN.

    Arguments:
        parser: of the command
        arguments: of the command line; the process's own if not given
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_args(arguments)
    except SystemExit as ended:
        sys.stderr.write(clean(said.getvalue()))  # argparse repeats what it does not know as it was given
        if not ended.code:
            sys.stdout.flush()  # of `--help`
        given = sys.argv[1:] if arguments is None else arguments
        if ended.code and ("nagios" in given or "--output=nagios" in given):
            sys.stdout.write("KUBE-HA UNKNOWN - the command line is wrong; stderr says what\n")
            raise SystemExit(NAGIOS_UNKNOWN) from None
        raise


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
        report_dir=arguments.report_dir,
        check=tuple(getattr(arguments, "check", ())),
        skip=tuple(getattr(arguments, "skip", ())),
        retry_timeout=getattr(arguments, "retry_timeout", 0),
        sleep=getattr(arguments, "sleep", 1),
        failover=FailoverOptions.of(arguments) if hasattr(arguments, "fault") else NO_FAILOVER,
        roll_out=roll_out_of(arguments),
        quick=getattr(arguments, "quick", False),
        bootstrap=getattr(arguments, "bootstrap", False),
        list_generations=getattr(arguments, "list_generations", False),
        back_to=getattr(arguments, "back_to", ""),
        yes=getattr(arguments, "yes", False),
        former=tuple(getattr(arguments, "former", ())),
        kubeconfig=getattr(arguments, "kubeconfig", None),
    )
