"""Command-line options of `adopt`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nornir_kube_ha.cli.options.lab import Parsers
from nornir_kube_ha.cli.options.runbook import add_inventory_option

DEFAULT = Path("adopted")


def add_adopt(commands: Parsers, run: Callable[..., Any]) -> None:
    """Add the command `adopt`.

    Arguments:
        commands: gets it
        run: takes the parsed options, returns the exit code
    """
    words = "write an inventory of hosts that already run keepalived and haproxy, of any origin; change nothing"
    parser = commands.add_parser("adopt", help=words, description=f"{words[0].upper()}{words[1:]}.")
    words = (
        "[USER@]HOST[:PORT] of each node of the cluster, an IPv6 address in brackets; with -i a name in that inventory"
    )
    parser.add_argument("hosts", metavar="HOST", nargs="*", help=words)
    add_inventory_option(parser)
    words = f"a folder for the inventory, which does not exist yet or is empty ({DEFAULT})"
    parser.add_argument("-o", "--output-dir", dest="folder", metavar="DIR", type=Path, default=DEFAULT, help=words)
    parser.set_defaults(run=run)
