"""Allocation of VRIDs for clusters with `virtual_router_id: auto`."""

from collections.abc import Iterator

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.cluster import Cluster
from nornir_kube_ha.intent.fields import AUTO
from nornir_kube_ha.intent.intent import Intent, may_share_a_link

HIGHEST = 255


def with_vrids(intent: Intent) -> tuple[Intent, list[Problem]]:
    """Allocate a VRID for each `auto` cluster: the last eight bits of its VIP (255 for 0), or the next free number.

    Given numbers are reserved first; then clusters are served in the inventory's order. So a cluster that is appended,
    or whose last eight bits are free, renumbers no other. Within a /24, allocated numbers never collide.

    Arguments:
        intent: clusters whose VRID may be `AUTO`

    Returns:
        The intent with numbers; and problems: a cluster with mixed values, or no number left
    """
    problems: list[Problem] = []
    found: dict[str, Cluster] = {}
    for cluster in intent.clusters:
        if given := [node for node in cluster.nodes if node.virtual_router_id != AUTO]:
            found[cluster.name] = _with(cluster, given[0].virtual_router_id) if _is_mixed(cluster) else cluster
            if _is_mixed(cluster):
                message = (
                    f"{given[0].virtual_router_id} on this host, auto on others; all nodes of "
                    f"{cluster.name} must have the same"
                )
                problems.append(Problem(given[0].name, "virtual_router_id", message))
    for cluster in intent.clusters:
        if cluster.name in found:
            continue
        # Clusters not allocated yet count too: the VRIDs of their `virtual_routers` are always given.
        known = [found.get(each.name, each) for each in intent.clusters]
        around = [each for each in known if each is cluster or may_share_a_link(each, cluster)]
        taken = {number for each in around for number in each.virtual_router_ids} - {AUTO}
        number = next((each for each in _candidates(cluster) if each not in taken), None)
        if number is None:
            message = f"auto: all {HIGHEST} VRIDs are used by clusters that may be on the same network"
            problems.append(Problem(cluster.nodes[0].name, "virtual_router_id", message))
            continue
        found[cluster.name] = _with(cluster, number)
    return Intent(tuple(found.get(cluster.name, cluster) for cluster in intent.clusters)), problems


def _is_mixed(cluster: Cluster) -> bool:
    return any(node.virtual_router_id == AUTO for node in cluster.nodes)


def _candidates(cluster: Cluster) -> Iterator[int]:
    """Yield all VRIDs, starting from the last eight bits of the VIP; 1 follows 255."""
    first = int(cluster.vip.ip) & HIGHEST or HIGHEST
    yield from range(first, HIGHEST + 1)
    yield from range(1, first)


def _with(cluster: Cluster, number: int) -> Cluster:
    nodes = (node.model_copy(update={"virtual_router_id": number}) for node in cluster.nodes)
    return Cluster(cluster.name, tuple(nodes))
