"""In which order a change goes over the hosts.

Hosts that serve go one at a time, unless told otherwise, so that a change which only shows its fault in life meets one
of them and not all, and the VIP's holder goes last, so that the VIP moves at most once. Where none serves yet, the
master goes first: whoever starts first gets the VIP, and keeps it. A host that joins a cluster which serves comes after
all that do: only once they know it do they send it their adverts, and one that hears none takes the VIP, too.
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
    """Groups of hosts, one after the other; within a group all at once.

    Arguments:
        intent: what should be
        hosts: names of the hosts that take part
        serving: those of them on which haproxy and keepalived run
        holding: those of them that hold a VIP; each goes alone
        serial: how many of those that serve go at once
        joining: those that have never been part of their cluster

    Returns:
        The groups that have any host in them
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
    """Whether any node of its cluster serves."""
    return any(each.name in serving for each in intent.cluster_of(node.name).nodes)
