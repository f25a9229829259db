"""The VIP as something to be moved: `kube-ha vip move --to HOST`."""

from nornir_kube_ha.errors import KubeHaError, MoveError
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.tasks.move import get_vip_arrival, prefer_for_vip, release_vip


def move_vip(run: Run, cluster: Cluster, to: str) -> None:
    """Move a cluster's VIP to one of its nodes. The run has looked at all of them.

    Arguments:
        run: logs in
        cluster: whose VIP it is
        to: name of the node that shall have it

    Raises:
        MoveError: it cannot go there, or does not
    """
    node = cluster.node(to)
    if not node.keepalived.events:
        raise MoveError(to, "keepalived.events is false: this cluster is not made for planned moves")
    holders = [each.name for each in cluster.nodes if run.facts[each.name].holds(cluster.vip)]
    if holders == [to]:
        return
    if to in holders or not holders:
        raise MoveError(to, f"{cluster.vip.ip} is held by {', '.join(holders) or 'nobody'}: see `verify` first")
    run.one(prefer_for_vip, to, intent=run.intent, preferred=True)
    try:
        for holder in holders:
            run.one(release_vip, holder, intent=run.intent)
        run.one(get_vip_arrival, to, intent=run.intent)
    except KubeHaError:
        run.one(prefer_for_vip, to, intent=run.intent, preferred=False)
        raise
    for other in cluster.nodes:  # with preemption the preference must last, or the master would take it back
        if other.name != to or not node.keepalived.preempt or node.role == "master":
            run.one(prefer_for_vip, other.name, intent=run.intent, preferred=False)
