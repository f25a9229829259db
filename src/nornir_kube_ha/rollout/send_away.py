"""Free a node of the VIPs that it holds before its daemons are restarted."""

from collections.abc import Collection

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import MoveError
from nornir_kube_ha.intent import Cluster, Router
from nornir_kube_ha.rollout.vip_move import move_vip


def send_vips_away(run: Run, name: str, done: Collection[str], hint: str = "") -> None:
    """Move each VIP that a node holds to another node.

    Nodes that are done come first, so that the VIP does not move again. Among them, nodes without another VIP come
    first, so that each load balancer keeps its share of the clients.

    Arguments:
        run: has looked at the node
        name: the node's name
        done: names of the nodes whose turn is over
        hint: what an operator can do if that fails

    Raises:
        MoveError: a VIP cannot be moved away
    """
    cluster = run.intent.cluster_of(name)
    for lost, error in run.look_at_each([node.name for node in cluster.nodes if node.name in run.reached]).items():
        run.fail(lost, error)
    held = [router for router in cluster.routers if run.facts[name].holds_any(router.vips)]
    for number, router in enumerate(held):
        gone = ", ".join(each.addresses for each in held[:number])
        _send_away(run, router, name, done, "; ".join(filter(None, (gone and f"{gone} was moved", hint))))


def _vips_held(run: Run, cluster: Cluster, name: str) -> int:
    return sum(run.facts[name].holds(vip) for vip in cluster.vips) if name in run.facts else 0


def _send_away(run: Run, router: Router, name: str, done: Collection[str], more: str) -> None:
    cluster = run.intent.cluster_of(name)
    others = [node.name for node in cluster.nodes if node.name != name and node.name in run.reached]
    refusals = []
    for other in sorted(others, key=lambda other: (other not in done, _vips_held(run, cluster, other))):
        try:
            move_vip(run, cluster, other, router)
        except MoveError as error:
            refusals.append(str(error))
        else:
            return
    words = "; ".join(refusals) or "this run includes no other node of its cluster"
    raise MoveError(name, f"cannot move {router.vip.ip} away first: {words}{more and f'; {more}'}")
