"""Command-line options of `failover-test`, beyond those of every runbook."""

import argparse
from dataclasses import dataclass

from nornir_kube_ha.cli.options.argument_types import add_kubeconfig_option, positive, seconds


@dataclass(frozen=True, slots=True)
class FailoverOptions:
    """A failover test's own options, parsed.

    Arguments:
        faults: names or patterns of the faults to inject, in order
        every: inject every fault that is possible on these hosts
        repeat: number of trials of each fault
        hold: seconds that each fault lasts; None: the fault's own time
        limit: seconds of outage that new connections may see; None: the fault's own limit
        yes: do not ask for confirmation
        vantage: host that the client runs on; empty: the controller
        rate: new connections a second
        connections: number of long-lived connections
        list_faults: list the faults and do nothing else
    """

    faults: tuple[str, ...] = ()
    every: bool = False
    repeat: int = 1
    hold: float | None = None
    limit: float | None = None
    yes: bool = False
    vantage: str = ""
    rate: int = 50
    connections: int = 10
    list_faults: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "FailoverOptions":
        """Return the options in parsed arguments.

        Arguments:
            arguments: from a parser with the options of `add_failover_options`
        """
        return cls(
            tuple(arguments.fault),
            arguments.all,
            arguments.repeat,
            arguments.hold,
            arguments.limit_seconds,
            arguments.yes,
            arguments.vantage,
            arguments.rate,
            arguments.connections,
            arguments.list,
        )


def add_failover_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `failover-test`."""
    what = parser.add_argument_group("what is broken")
    what.add_argument("--list", action="store_true", help="list every fault, what it may cost and where it can be made")
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
