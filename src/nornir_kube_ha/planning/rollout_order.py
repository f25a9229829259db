"""The order in which a change goes over the hosts.

Serving hosts change one at a time by default, so that a fault that shows only under load hits one host. The VIP holder
changes last, so that the VIP moves at most once.

Where no host serves yet, the master goes first: the first node to start gets the VIP and keeps it. A host that joins a
serving cluster goes after all serving hosts. They must list it as a peer first, because a node that hears no adverts
takes the VIP.
"""

from collections.abc import Collection

from nornir_kube_ha.intent import Intent, Node


def batches(
    intent: Intent,
    hosts: Collection[str],
    serving: Collection[str] = (),
    holding: Collection[str] = (),
    *,
    serial: int = 1,
    joining: Collection[str] = (),
) -> tuple[tuple[str, ...], ...]:
    """Return groups of hosts to change in turn; the hosts of a group change at the same time.

    Arguments:
        intent: the intended state
        hosts: names of the hosts to change
        serving: those on which haproxy and keepalived run
        holding: those that hold a VIP; each is a group of its own
        serial: number of serving hosts in a group
        joining: those that have never been a node of their cluster

    Returns:
        Groups that are not empty
    """
    nodes = [node for node in intent.nodes if node.name in hosts]
    fresh = [node for node in nodes if node.name not in serving]
    untouched = [node for node in fresh if not _is_served(intent, node, serving)]
    first = tuple(node.name for node in untouched if node.role == "master")
    last_of_all = tuple(node.name for node in fresh if node.name in joining and node not in untouched)
    others = tuple(node.name for node in fresh if node.name not in (*first, *last_of_all))
    ready = sorted((node for node in nodes if node.name in serving), key=lambda node: node.role == "master")
    waiting = [node.name for node in ready if node.name not in holding]
    together = [tuple(waiting[start : start + serial]) for start in range(0, len(waiting), serial)]
    last = [(node.name,) for node in ready if node.name in holding]
    return tuple(group for group in (first, others, *together, *last, last_of_all) if group)


def _is_served(intent: Intent, node: Node, serving: Collection[str]) -> bool:
    """Return whether any node of the host's cluster serves."""
    return any(each.name in serving for each in intent.cluster_of(node.name).nodes)
