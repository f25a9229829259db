"""Virtual routers that are new: an election is held, who starts first wins it, and their master shall have them.

The cluster's own goes to its master by the order in which hosts start. A further one has another master, and no order
suits both: so it is moved there, as planned, once all is well. Nobody is a client of what nobody has had.
"""

from collections.abc import Iterable

from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.intent import Cluster, Router
from nornir_kube_ha.plan import UnitChange
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.runbooks.vip import move_vip

MARGIN = 0.4  # seconds in which keepalived starts
Unheld = tuple[tuple[Cluster, Router], ...]
"""Virtual routers that nobody holds, each with its cluster."""


def unheld_routers(run: Run) -> Unheld:
    """The further virtual routers that no node holds, in clusters of which every node was seen.

    Arguments:
        run: has looked at its hosts
    """
    seen = [cluster for cluster in run.clusters if all(node.name in run.facts for node in cluster.nodes)]
    return tuple(
        (cluster, router)
        for cluster in seen
        for router in cluster.further_routers
        if not any(run.facts[node.name].holds_any(router.vips) for node in cluster.nodes)
    )


def election_seconds(run: Run) -> float:
    """How long the first election takes where keepalived was just started and nobody had the VIP; 0 where none is held.

    Who asks for an address that nobody has waits for longer than that.

    Arguments:
        run: has changed its hosts, and not looked at them since they were
    """
    started = {name for name, plan in run.plans.items() if UnitChange("start", "keepalived") in plan.units}
    new = [
        cluster
        for cluster in run.clusters
        if not any(run.facts[node.name].holds_any(cluster.vips) for node in cluster.nodes if node.name in run.facts)
    ]
    timers = (node.keepalived for cluster in new for node in cluster.nodes if node.name in started)
    return max((each.down_timer_adverts * each.advert_int + MARGIN for each in timers), default=0)


def bring_home(run: Run, routers: Iterable[tuple[Cluster, Router]]) -> bool:
    """Move virtual routers to their masters. One that cannot be moved stays where it is, which is told.

    Arguments:
        run: has just looked at its hosts
        routers: each with its cluster

    Returns:
        Whether any has moved
    """
    moved = [_is_moved(run, cluster, router) for cluster, router in routers if cluster.name not in run.ended]
    return any(moved)


def _is_moved(run: Run, cluster: Cluster, router: Router) -> bool:
    try:
        return move_vip(run, cluster, router.master, router) != router.master
    except KubeHaError as error:
        run.tell(f"{router.vip.ip} was not brought to {router.master}: {error}")
        return False
