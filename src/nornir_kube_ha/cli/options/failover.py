"""Command-line options of `failover-test`, beyond those of every runbook."""

import argparse
from typing import Any

from nornir_kube_ha.cli.confirm import confirmation
from nornir_kube_ha.cli.options.argument_types import add_kubeconfig_option, positive, seconds


def add_failover_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `failover-test`."""
    what = parser.add_argument_group("faults")
    what.add_argument(
        "--list",
        dest="list_faults",
        action="store_true",
        help="list every fault with its limit, and where it can be injected",
    )
    what.add_argument(
        "--fault",
        metavar="NAME",
        action="append",
        default=[],
        help="inject this fault; repeatable, also as a pattern like 'haproxy-*'",
    )
    what.add_argument("--all", action="store_true", help="inject every fault that is possible on these hosts")
    what.add_argument("--repeat", metavar="N", type=positive, default=1, help="number of trials of each fault (1)")
    what.add_argument(
        "--hold", metavar="TIME", type=seconds, help="duration of each fault, for example 10m (the fault's own)"
    )
    what.add_argument("--yes", action="store_true", help="inject without asking for confirmation, for scripts")
    how = parser.add_argument_group("measurement")
    how.add_argument(
        "--limit-seconds",
        metavar="N",
        type=seconds,
        help="outage that new connections may see (each fault's own limit)",
    )
    how.add_argument("--rate", metavar="N", type=positive, default=50, help="new connections per second (50)")
    how.add_argument(
        "--connections",
        metavar="N",
        type=positive,
        default=10,
        help="number of long-lived connections, each with a request every 0.2 s (10)",
    )
    add_kubeconfig_option(how, "also measure reads, writes and watches, with this credential")
    how.add_argument(
        "--vantage", metavar="HOST", default="", help="run the client on this host of the inventory (this machine)"
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
