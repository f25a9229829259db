"""In which order a change goes over the hosts: backups first, masters last, so that the VIP moves at most once."""

from collections.abc import Collection

from nornir_kube_ha.intent import Intent


def batches(intent: Intent, hosts: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of hosts, one after the other; within a group all at once.

    Arguments:
        intent: what should be
        hosts: names of the hosts that take part

    Returns:
        The groups that have any host in them
    """
    nodes = [node for node in intent.nodes if node.name in hosts]
    groups = (tuple(node.name for node in nodes if node.role == role) for role in ("backup", "master"))
    return tuple(group for group in groups if group)
