"""Command-line options of `kube-ha lab`."""

import argparse
from pathlib import Path
from typing import TypeAlias

from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.cli.options.runbook import add_inventory_option
from nornir_kube_ha.lazy import later

ABOUT = "Boot an inventory's hosts on this machine, inspect them, break them, and take them down."
# A copy of `lab.control_plane.stand_in.MODES`, which `--help` need not import; a test compares the two.
MODES = ("ok", "slow", "error", "unauthorized", "hang")
Parsers: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - it has no public name


def add_parser(subparsers: Parsers) -> None:
    """Add `lab` and its verbs to a command line.

    Each verb sets `run`: a function that takes the parsed options and returns the exit code.
    """
    lab = subparsers.add_parser("lab", help="boot an inventory's hosts on this machine", description=ABOUT)
    verbs = lab.add_subparsers(metavar="VERB", required=True)

    def add(verb: str, words: str) -> argparse.ArgumentParser:
        parser = verbs.add_parser(verb, help=words, description=words)
        parser.set_defaults(run=later(f"nornir_kube_ha.cli.lab:run_{verb}"))
        if verb != "up":
            parser.add_argument(
                "--lab", metavar="NAME", help="name of the lab, if several are up and the inventory does not name one"
            )
        return parser

    _add_up(add("up", "boot all hosts of an inventory that have a `lab`"))
    add("down", "end the lab and delete its hosts; images are kept")
    add("status", "show each host; exit code 1 unless all hosts answer")
    ssh = add("ssh", "log in to a host, or run a command on it")
    ssh.add_argument("host", metavar="HOST")
    ssh.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER)
    inside = add("exec", "run a command of this machine in the lab's network")
    inside.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER)
    kubectl = add("kubectl", "run kubectl in the lab's network, against its real control plane")
    kubectl.add_argument("command", metavar="ARG", nargs=argparse.REMAINDER)
    apiserver = add("apiserver", "change how a host's kube-apiserver behaves")
    apiserver.add_argument("host", metavar="HOST")
    apiserver.add_argument("mode", choices=[*MODES, "gone"], metavar="MODE", help=f"{', '.join(MODES)} or gone")
    apiserver.add_argument("--seconds", type=float, default=1.0, help="delay in mode `slow` (%(default)s)")
    for verb, words in (("off", "cut a host's power"), ("on", "switch a host on again")):
        add(verb, words).add_argument("host", metavar="HOST")


def _add_up(up: argparse.ArgumentParser) -> None:
    add_inventory_option(up)
    up.add_argument(
        "--installed", action="store_true", help="install the load balancers' packages on new hosts in advance"
    )
    up.add_argument(
        "--control-plane",
        choices=("real", "stand-in"),
        help="control plane of the lab (the inventory's lab_control_plane)",
    )
    up.add_argument(
        "--etcd", choices=("stacked", "listed"), help="etcd members that each apiserver uses (the inventory's lab_etcd)"
    )
    up.add_argument(
        "--kube-apiserver",
        type=Path,
        metavar="PATH",
        help="kube-apiserver program of a real control plane (built once)",
    )
