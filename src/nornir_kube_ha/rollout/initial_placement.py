"""Virtual routers that are new: an election is held, who starts first wins it, and their master shall have them.

The cluster's own goes to its master by the order in which hosts start. A further one has another master, and no order
suits both: so it is moved there, as planned, once all is well. Nobody is a client of what nobody has had.
"""

from collections.abc import Iterable

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.intent import Cluster, Node, Router
from nornir_kube_ha.planning.plan import UnitChange
from nornir_kube_ha.rollout.vip_move import move_vip

MARGIN = 0.4  # seconds in which keepalived starts
LONGEST = 30.0  # seconds that an election is waited for; a look sees what becomes of one that takes longer
Unheld = tuple[tuple[Cluster, Router], ...]
"""Virtual routers that nobody holds, each with its cluster."""


def unheld_routers(run: Run) -> Unheld:
    """The further virtual routers that no node holds, in clusters of which every node was seen.

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
    """Clusters that go on, and of which every node was looked at."""
    going = (cluster for cluster in run.clusters if cluster.name not in run.ledger.ended)
    return [cluster for cluster in going if all(node.name in run.facts for node in cluster.nodes)]


def _holds(run: Run, node: Node, vips: Iterable[IPInterface]) -> bool:
    return run.facts[node.name].holds_any(vips)


def election_seconds(run: Run) -> float:
    """How long the first election takes: where keepalived was just started, and nobody had the VIP. Else 0.

    Who asks for an address that nobody has waits for longer than that.

    Arguments:
        run: has changed its hosts, and not looked at them since they were
    """
    started = {name for name, plan in run.plans.items() if UnitChange("start", "keepalived") in plan.units}
    new = [cluster for cluster in _seen(run) if not any(_holds(run, node, cluster.vips) for node in cluster.nodes)]
    timers = (node.keepalived for cluster in new for node in cluster.nodes if node.name in started)
    # The lower a node's priority, the later it begins, by one interval at most (RFC 5798, 6.1).
    longest = max((each.down_seconds + each.advert_int + MARGIN for each in timers), default=0)
    return min(longest, LONGEST)


def bring_home(run: Run, routers: Iterable[tuple[Cluster, Router]]) -> bool:
    """Move virtual routers to their masters. One that cannot be moved stays where it is, which is told.

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
        run.tell(f"{router.vip.ip} was not brought to {router.master}: {error}")
        return False
