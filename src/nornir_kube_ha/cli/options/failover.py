"""Command-line options of `failover-test`, beyond those of every runbook."""

import argparse
from typing import Any

from nornir_kube_ha.cli.confirm import confirmation
from nornir_kube_ha.cli.options.argument_types import add_kubeconfig_option, positive, seconds


def add_failover_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `failover-test`."""
    what = parser.add_argument_group("what is broken")
    what.add_argument(
        "--list",
        dest="list_faults",
        action="store_true",
        help="list every fault, what it may cost and where it can be made",
    )
    what.add_argument(
        "--fault", metavar="NAME", action="append", default=[], help="break this; repeatable, also as 'haproxy-*'"
    )
    what.add_argument("--all", action="store_true", help="break everything that can be broken on these hosts")
    what.add_argument("--repeat", metavar="N", type=positive, default=1, help="how often each (1)")
    what.add_argument(
        "--hold", metavar="TIME", type=seconds, help="how long each lasts: 10m; its own time unless given"
    )
    what.add_argument("--yes", action="store_true", help="do not ask before anything is broken: for machines")
    how = parser.add_argument_group("how it is measured")
    how.add_argument(
        "--limit-seconds", metavar="N", type=seconds, help="outage that new connections may see; each fault's own else"
    )
    how.add_argument("--rate", metavar="N", type=positive, default=50, help="new connections a second (50)")
    how.add_argument(
        "--connections",
        metavar="N",
        type=positive,
        default=10,
        help="long-lived connections, a request every 0.2 s (10)",
    )
    add_kubeconfig_option(how, "measure reads, writes and watches, too, with this credential")
    how.add_argument(
        "--vantage", metavar="HOST", default="", help="run the client on this host of the inventory, not here"
    )


def failover_arguments(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of a failover test that parsed options mean.

    Arguments:
        parsed: from a parser with the options of `add_failover_options`
    """
    return {
        "faults": None if parsed.all else tuple(parsed.fault),
        "repeat": parsed.repeat,
        "hold": parsed.hold,
        "limit": parsed.limit_seconds,
        "vantage": parsed.vantage,
        "rate": parsed.rate,
        "connections": parsed.connections,
        "kubeconfig": parsed.kubeconfig,
        "confirm": confirmation(parsed),
    }
