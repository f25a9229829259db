"""Command-line options around an inventory and a shell: `kube-ha init`, `schema` and `completion`."""

import argparse
from ipaddress import ip_interface
from pathlib import Path

from nornir_kube_ha.cli.options.argument_types import ip_address
from nornir_kube_ha.cli.options.lab import Parsers
from nornir_kube_ha.lazy import later

KINDS = ("hosts", "groups", "defaults")
SHELLS = ("bash", "zsh", "fish")
USER, INTERFACE = "root", "auto"
"""Values of `--user` and `--interface` if not given; `auto` is a copy of `AUTO_INTERFACE`, and a test compares them."""
LENGTHS = {4: 24, 6: 64}
"""Prefix length of a VIP if not given, by IP version. keepalived.conf has /32 for IPv4 in any case."""

Named = tuple[tuple[str, str], ...]
"""Pairs of name and address."""


def vip(text: str) -> str:
    """Parse a VIP, and return it with its prefix length: /24 or /64 if none is given."""
    try:
        interface = ip_interface(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an IP address, as 192.0.2.100, got {text!r}") from None
    length = interface.network.prefixlen if "/" in text else LENGTHS[interface.version]
    return f"{interface.ip}/{length}"


def nodes(text: str) -> Named:
    """Parse `lb-1=192.0.2.11,lb-2=192.0.2.12`; an address alone is called lb-1, lb-2, and so on."""
    return _named(text, "lb")


def apiservers(text: str) -> Named:
    """Parse `cp-1=192.0.2.21,cp-2=192.0.2.22`; an address alone is called cp-1, cp-2, and so on."""
    return _named(text, "cp")


def _named(text: str, prefix: str) -> Named:
    found = []
    for number, word in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        name, equals, address = word.rpartition("=")
        if equals and not name:
            raise argparse.ArgumentTypeError(f"expected NAME=ADDRESS, got {word!r}")
        found.append((name.strip() or f"{prefix}-{number}", ip_address(address.strip())))
    for what, values in (("name", [name for name, _ in found]), ("address", [address for _, address in found])):
        if twice := sorted({each for each in values if values.count(each) > 1}):
            raise argparse.ArgumentTypeError(f"the {what} {', '.join(twice)} is given twice")
    if not found:
        raise argparse.ArgumentTypeError(f"expected {prefix}-1=192.0.2.11,{prefix}-2=192.0.2.12, got {text!r}")
    return tuple(found)


def add_parsers(commands: Parsers) -> None:
    """Add `init`, `schema` and `completion` to a command line."""
    _add_init(commands)
    words = "print the JSON Schema of an inventory's file, for editors"
    schema = commands.add_parser("schema", help=words, description=f"{words[0].upper()}{words[1:]}.")
    schema.add_argument("kind", metavar="FILE", choices=KINDS, help="hosts, groups or defaults")
    schema.set_defaults(run=later("nornir_kube_ha.cli.setup.schema:run_schema"))
    words = "print the script that completes commands and options in a shell"
    completion = commands.add_parser("completion", help=words, description=f"{words[0].upper()}{words[1:]}.")
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    completion.set_defaults(run=later("nornir_kube_ha.cli.setup.completion:run_completion"))


def _add_init(commands: Parsers) -> None:
    words = "write a first inventory of your own to a folder"
    more = (
        f"{words[0].upper()}{words[1:]}. With --vip and --nodes nothing in it needs an edit. What is missing is asked "
        "for at a terminal. Otherwise, without options, the files have placeholder addresses."
    )
    parser = commands.add_parser("init", help=words, description=more)
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that does not exist yet, or is empty")
    parser.add_argument(
        "--vip",
        metavar="ADDRESS",
        type=vip,
        help="the VIP: a free address in the nodes' network (prefix length: /24, /64)",
    )
    parser.add_argument(
        "--nodes",
        metavar="NAME=ADDRESS[,...]",
        type=nodes,
        help="the load balancers, two or more; the first holds the VIP first. Without names: lb-1, lb-2, ...",
    )
    parser.add_argument(
        "--apiservers", metavar="NAME=ADDRESS[,...]", type=apiservers, help="the kube-apiservers (the nodes)"
    )
    parser.add_argument("--user", metavar="NAME", help=f"who logs in to the nodes: root, or a user with sudo ({USER})")
    parser.add_argument(
        "--interface",
        metavar="NAME",
        help=f"the nodes' network interface that gets the VIP ({INTERFACE}: the one that has the node's address)",
    )
    parser.set_defaults(run=later("nornir_kube_ha.cli.setup.init:run_init"))
