"""Command-line options of `kube-ha lab`."""

import argparse
from pathlib import Path
from typing import TypeAlias

from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.cli.options.runbook import add_inventory_option
from nornir_kube_ha.lazy import later

ABOUT = "Boot an inventory's hosts on this machine, look around on them, break them, and take them down."
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
                "--lab", metavar="NAME", help="which lab, where several are up and the inventory in use does not tell"
            )
        return parser

    up = add("up", "boot every host of an inventory that lives in a lab")
    add_inventory_option(up)
    up.add_argument(
        "--installed", action="store_true", help="new hosts have what a load balancer needs installed already"
    )
    up.add_argument(
        "--control-plane", choices=("real", "stand-in"), help="instead of the inventory's lab_control_plane"
    )
    up.add_argument("--etcd", choices=("stacked", "listed"), help="instead of the inventory's lab_etcd")
    up.add_argument(
        "--kube-apiserver", type=Path, metavar="PATH", help="the program of a real control plane (default: built once)"
    )
    add("down", "end the lab and all that belongs to it, but the images")
    add("status", "show each host; exit code 1 unless all answer")
    ssh = add("ssh", "log in to a host, or run a command on it")
    ssh.add_argument("host", metavar="HOST")
    ssh.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER)
    inside = add("exec", "run a command of this machine in the lab's network")
    inside.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER)
    kubectl = add("kubectl", "run kubectl in the lab's network, against its real control plane")
    kubectl.add_argument("command", metavar="ARG", nargs=argparse.REMAINDER)
    apiserver = add("apiserver", "let a host's kube-apiserver behave in another way")
    apiserver.add_argument("host", metavar="HOST")
    apiserver.add_argument("mode", choices=[*MODES, "gone"], metavar="MODE", help=f"{', '.join(MODES)} or gone")
    apiserver.add_argument("--seconds", type=float, default=1.0, help="how slow, with `slow` (default: %(default)s)")
    for verb, words in (("off", "cut a host's power"), ("on", "switch a host on again")):
        add(verb, words).add_argument("host", metavar="HOST")
