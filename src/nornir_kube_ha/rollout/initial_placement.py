"""Move newly created VIPs to their configured master.

The node that starts first wins the election of a new virtual router. The order in which hosts start gives the cluster's
first router to its master. Further routers may have other masters, which no single order can serve. Each of them moves
to its master by a planned move, once every check passes. No client uses it yet.
"""

from collections.abc import Iterable

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.intent import Cluster, Node, Router
from nornir_kube_ha.planning.plan import UnitChange
from nornir_kube_ha.rollout.vip_move import move_vip

MARGIN = 0.4  # seconds for keepalived to start
LONGEST = 30.0  # seconds to wait for an election; the next look shows the result of a longer one
Unheld = tuple[tuple[Cluster, Router], ...]
"""Virtual routers without a holder, each with its cluster."""


def unheld_routers(run: Run) -> Unheld:
    """Return the further virtual routers that no node holds, in clusters where every node was looked at.

    Arguments:
        run: has looked at its hosts
    """
    return tuple(
        (cluster, router)
        for cluster in _seen(run)
        for router in cluster.further_routers
        if not any(_holds(run, node, router.vips) for node in cluster.nodes)
    )


def _seen(run: Run) -> list[Cluster]:
    """Return the clusters that go on, and of which every node was looked at."""
    going = (cluster for cluster in run.clusters if cluster.name not in run.ledger.ended)
    return [cluster for cluster in going if all(node.name in run.facts for node in cluster.nodes)]


def _holds(run: Run, node: Node, vips: Iterable[IPInterface]) -> bool:
    return run.facts[node.name].holds_any(vips)


def election_seconds(run: Run) -> float:
    """Return the seconds that the first election takes; 0 unless keepalived was just started and nobody had the VIP.

    A request to an address that nobody has would take longer than that.

    Arguments:
        run: has changed its hosts, and not looked at them since
    """
    started = {name for name, plan in run.plans.items() if UnitChange("start", "keepalived") in plan.units}
    new = [cluster for cluster in _seen(run) if not any(_holds(run, node, cluster.vips) for node in cluster.nodes)]
    timers = (node.keepalived for cluster in new for node in cluster.nodes if node.name in started)
    # A node of lower priority waits longer, by one interval at most (Skew_Time, RFC 5798, 6.1).
    longest = max((each.down_seconds + each.advert_int + MARGIN for each in timers), default=0)
    return min(longest, LONGEST)


def move_to_masters(run: Run, routers: Iterable[tuple[Cluster, Router]]) -> bool:
    """Move virtual routers to their masters. One that cannot be moved stays where it is, and is reported.

    Arguments:
        run: has just looked at its hosts
        routers: each with its cluster

    Returns:
        Whether any has moved
    """
    moved = [_is_moved(run, cluster, router) for cluster, router in routers if cluster.name not in run.ledger.ended]
    return any(moved)


def _is_moved(run: Run, cluster: Cluster, router: Router) -> bool:
    try:
        return move_vip(run, cluster, router.master, router) != router.master
    except KubeHaError as error:
        run.tell(f"{router.vip.ip} was not moved to {router.master}: {error}")
        return False
