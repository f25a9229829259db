"""The `kube-ha` command: the runbooks, a first inventory, and the lab."""

import argparse
import sys
from functools import partial
from typing import Any

from nornir_kube_ha.cli.exit_codes import guarded
from nornir_kube_ha.cli.options import setup
from nornir_kube_ha.cli.options.adopt import add_adopt
from nornir_kube_ha.cli.options.argument_types import drain_seconds, seconds
from nornir_kube_ha.cli.options.lab import Parsers
from nornir_kube_ha.cli.options.lab import add_parser as add_lab_parser
from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.cli.options.rehearsal import add_rehearsal_options
from nornir_kube_ha.cli.options.runbook import add_inventory_option, add_options, parse
from nornir_kube_ha.cli.runbooks import RUNBOOKS
from nornir_kube_ha.lazy import later, postpone

postpone("invoke")  # paramiko needs it only for `Match exec` in an ssh_config; importing it takes 60 ms


def main(arguments: list[str] | None = None) -> int:
    """Run `kube-ha`.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """

    def run() -> int:
        parsed = parse(make_parser(), arguments)
        exit_code: int = parsed.run(parsed)
        return exit_code

    return guarded(run, owns_process=arguments is None)


def make_parser() -> Parser:
    """Return the parser of the whole command line.

    What a command needs is imported when the command runs, so that `--help` stays fast.
    """
    parser = Parser(
        prog="kube-ha",
        description="A highly available endpoint for a Kubernetes control plane, with keepalived and haproxy.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in RUNBOOKS.items():
        words = command.words
        parser_of_runbook = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        add_options(parser_of_runbook, command.add_options)
        parser_of_runbook.set_defaults(run=partial(_run_runbook, name.replace("-", "_")))
    _add_rehearse(commands)
    _add_vip(commands)
    _add_drain(commands)
    _add_hostkeys(commands)
    _add_checks(commands)
    add_adopt(commands, later("nornir_kube_ha.runbooks.adopt:run_adopt"))
    setup.add_parsers(commands)
    add_lab_parser(commands)
    return parser


class _Version(argparse.Action):
    """Print the version on `--version`. argparse's own action would need it when the parser is built."""

    def __call__(self, parser: argparse.ArgumentParser, *_unused: Any) -> None:  # noqa: ANN401 - argparse's own
        sys.stdout.write(f"nornir-kube-ha {later('importlib.metadata:version')('nornir-kube-ha')}\n")
        parser.exit()


def _run_runbook(name: str, arguments: argparse.Namespace) -> int:
    run, runbook = later("nornir_kube_ha.cli.command:run_runbook"), f"nornir_kube_ha.runbooks.{name}:{name}"
    exit_code: int = run(name, later(runbook), arguments)
    return exit_code


def _add_rehearse(commands: Parsers) -> None:
    words = (
        "make a change first on disposable Debian containers on this machine that run the real daemons; "
        "contacts no host of the inventory"
    )
    more = f"{words[0].upper()}{words[1:]}. Needs root on Debian 12, and the packages that `make setup` installs."
    parser = commands.add_parser("rehearse", help=words, description=more)
    add_rehearsal_options(parser)
    parser.set_defaults(run=later("nornir_kube_ha.runbooks.rehearse:run_rehearse"))


def _add_vip(commands: Parsers) -> None:
    parser = commands.add_parser("vip", help="move the VIP to another node")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    words = "move a cluster's VIP to one of its nodes, without restarting a daemon or waiting for a time-out"
    move = verbs.add_parser("move", help=words, description=words)
    add_inventory_option(move)
    move.add_argument("--to", metavar="HOST", required=True, help="node that takes the VIP")
    words = (
        "VIP to move if the cluster has several virtual routers (the cluster's own); all VIPs of a router move together"
    )
    move.add_argument("--vip", metavar="ADDRESS", default="", help=words)
    words = "how long open connections continue on the old holder before they are reset (0.5; 0 resets them at once)"
    move.add_argument("--drain", metavar="TIME", type=drain_seconds, default=0.5, help=words)
    _add_allow_unreachable(move, "move the VIP even if another node of the cluster is unreachable")
    move.set_defaults(run=later("nornir_kube_ha.runbooks.vip:run_move"))


def _add_drain(commands: Parsers) -> None:
    words = "stop new connections to an apiserver on all load balancers, for a limited time; open connections continue"
    drain = commands.add_parser("drain", help=words, description=f"{words[0].upper()}{words[1:]}.")
    drain.add_argument(
        "--for",
        dest="seconds",
        metavar="TIME",
        type=seconds,
        default=3600,
        help="length of the drain, for example 30m; each load balancer then ends it by itself (1h)",
    )
    words = "end a drain: allow new connections to an apiserver again, on all load balancers"
    ready = commands.add_parser("ready", help=words, description=f"{words[0].upper()}{words[1:]}.")
    for name, parser in (("drain", drain), ("ready", ready)):
        parser.add_argument("apiserver", metavar="APISERVER", help="name of the apiserver in the inventory")
        add_inventory_option(parser)
        _add_allow_unreachable(parser, "go on without load balancers that are unreachable")
        parser.set_defaults(run=later(f"nornir_kube_ha.runbooks.drain:run_{name}"))


def _add_allow_unreachable(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--allow-unreachable", action="store_true", help=words)


def _add_hostkeys(commands: Parsers) -> None:
    words = "show and pin the hosts' SSH keys"
    parser = commands.add_parser("hostkeys", help=words, description=f"{words[0].upper()}{words[1:]}.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    words = "show the fingerprint of each host's SSH key, and pin unknown keys in a known_hosts file of the inventory"
    enroll = verbs.add_parser("enroll", help=words, description=f"{words[0].upper()}{words[1:]}.")
    enroll.add_argument(
        "hosts",
        metavar="HOST",
        nargs="*",
        help="host in the inventory; all hosts with kube-ha settings if none is given",
    )
    add_inventory_option(enroll)
    enroll.add_argument(
        "--yes",
        action="store_true",
        help="pin without asking; only on a network where nobody can impersonate the hosts",
    )
    enroll.set_defaults(run=later("nornir_kube_ha.runbooks.hostkeys:run_enroll"))


def _add_checks(commands: Parsers) -> None:
    words = "list every check that verify makes, with its meaning"
    parser = commands.add_parser("checks", help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.set_defaults(run=later("nornir_kube_ha.cli.lists.checks:run_list"))


if __name__ == "__main__":
    sys.exit(main())
