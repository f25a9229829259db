"""Virtual router ids that are not given but allocated: `virtual_router_id: auto`."""

from collections.abc import Iterator

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.cluster import Cluster
from nornir_kube_ha.intent.fields import AUTO
from nornir_kube_ha.intent.intent import Intent, may_share_a_link

HIGHEST = 255


def with_vrids(intent: Intent) -> tuple[Intent, list[Problem]]:
    """Give each cluster a VRID that has none: the last eight bits of its VIP, or the next one that is free.

    Numbers that are given go first; then the inventory's order counts. So a cluster that is added at the end moves no
    other, and neither does one whose own last bits are free, wherever it stands. Within a network of 255 addresses
    none ever meet.

    Arguments:
        intent: what should be; clusters may have `AUTO` for their VRID

    Returns:
        The same with numbers, and what is wrong if there is none left
    """
    problems: list[Problem] = []
    found: dict[str, Cluster] = {}
    for cluster in intent.clusters:
        if given := [node for node in cluster.nodes if node.virtual_router_id != AUTO]:
            found[cluster.name] = _with(cluster, given[0].virtual_router_id) if _is_mixed(cluster) else cluster
            if _is_mixed(cluster):
                message = f"{given[0].virtual_router_id} here, and auto on others; all nodes of {cluster.name} share it"
                problems.append(Problem(given[0].name, "virtual_router_id", message))
    for cluster in intent.clusters:
        if cluster.name in found:
            continue
        # Numbers of further virtual routers are given, also in clusters whose own is not allocated yet.
        known = [found.get(each.name, each) for each in intent.clusters]
        around = [each for each in known if each is cluster or may_share_a_link(each, cluster)]
        taken = {number for each in around for number in each.virtual_router_ids} - {AUTO}
        number = next((each for each in _candidates(cluster) if each not in taken), None)
        if number is None:
            message = f"auto: all {HIGHEST} are taken by clusters that may be on the same network"
            problems.append(Problem(cluster.nodes[0].name, "virtual_router_id", message))
            continue
        found[cluster.name] = _with(cluster, number)
    return Intent(tuple(found.get(cluster.name, cluster) for cluster in intent.clusters)), problems


def _is_mixed(cluster: Cluster) -> bool:
    return any(node.virtual_router_id == AUTO for node in cluster.nodes)


def _candidates(cluster: Cluster) -> Iterator[int]:
    """All numbers, from the cluster's own on: 1 follows 255."""
    first = int(cluster.vip.ip) & HIGHEST or HIGHEST
    yield from range(first, HIGHEST + 1)
    yield from range(1, first)


def _with(cluster: Cluster, number: int) -> Cluster:
    nodes = (node.model_copy(update={"virtual_router_id": number}) for node in cluster.nodes)
    return Cluster(cluster.name, tuple(nodes))
