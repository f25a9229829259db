"""In which order a change goes over the hosts.

Backups first, masters last, so that the VIP moves at most once; and hosts that serve one at a time, so that a change
which only shows its fault in life meets one of them and not all.
"""

from collections.abc import Collection

from nornir_kube_ha.intent import Intent


def batches(intent: Intent, hosts: Collection[str], serving: Collection[str] = ()) -> tuple[tuple[str, ...], ...]:
    """Groups of hosts, one after the other; within a group all at once.

    Arguments:
        intent: what should be
        hosts: names of the hosts that take part
        serving: those of them on which haproxy and keepalived run

    Returns:
        The groups that have any host in them
    """
    nodes = [node for node in intent.nodes if node.name in hosts]
    groups: list[tuple[str, ...]] = []
    for role in ("backup", "master"):
        names = [node.name for node in nodes if node.role == role]
        groups.append(tuple(name for name in names if name not in serving))
        groups += [(name,) for name in names if name in serving]
    return tuple(group for group in groups if group)
