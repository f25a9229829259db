"""Command-line options of `rehearse`."""

import argparse
from pathlib import Path

from nornir_kube_ha.cli.options.rollout import add_rollout_options, add_takeover_options
from nornir_kube_ha.cli.options.runbook import add_inventory_option

OUTPUTS = ("terminal", "json", "junit", "markdown", "html")


def add_rehearsal_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rehearse`."""
    what = parser.add_argument_group("what is rehearsed")
    add_inventory_option(what)
    old = what.add_mutually_exclusive_group()
    old.add_argument("--from", dest="old", metavar="PATH", type=Path, help="the inventory that production has now")
    words = "production has this inventory as it is at a git revision, as HEAD~1; without any --from, "
    words += "hosts have nothing yet"
    old.add_argument("--from-git", dest="revision", metavar="REV", default="", help=words)
    words = "production is as `kube-ha snapshot` saw it: hosts get the files and unit states of this file"
    old.add_argument("--from-snapshot", dest="snapshot", metavar="FILE", type=Path, help=words)
    words = "inject this fault in the new state; repeatable, also as 'haproxy-*' (`kube-ha failover-test --list`)"
    what.add_argument("--fault", dest="faults", metavar="NAME", action="append", default=[], help=words)
    lab = parser.add_argument_group("where")
    words = "real: etcd and kube-apiserver instead of a stand-in (the inventory's lab_control_plane)"
    lab.add_argument("--control-plane", choices=("real", "stand-in"), help=words)
    lab.add_argument("--lab", metavar="NAME", default="", help="the lab's name, 1 to 8 of a-z and 0-9 (generated)")
    lab.add_argument("--keep", action="store_true", help="leave the lab up afterwards")
    add_rollout_options(parser)
    add_takeover_options(parser)
    show = parser.add_argument_group("how")
    show.add_argument("--diff", action="store_true", help="show what changes, line by line")
    show.add_argument("--output", choices=OUTPUTS, default="terminal", help="the report's format on stdout (terminal)")
    words = "leave checks that passed everywhere out of the terminal's report"
    show.add_argument("--only-failed", action="store_true", help=words)
    words = "write the report there too, in every format; created if missing"
    show.add_argument("--report-dir", metavar="DIR", type=Path, help=words)
