"""`kube-ha vip move --to HOST`: move a cluster's VIP; `--vip ADDRESS` selects another of its virtual routers."""

import argparse
from ipaddress import ip_interface

from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.cli.verbs import looked_at
from nornir_kube_ha.engine.unseen import refuse_unseen
from nornir_kube_ha.errors import MoveError, UsageError
from nornir_kube_ha.intent import Cluster, Intent, Router
from nornir_kube_ha.nearest import hint
from nornir_kube_ha.rollout.vip_move import move_vip


def run_move(arguments: argparse.Namespace) -> int:
    """Run `kube-ha vip move`.

    Arguments:
        arguments: parsed: `inventory`, `to`, `vip`, `drain` and `allow_unreachable`

    Returns:
        The exit code

    Raises:
        KubeHaError: the VIP did not move
    """
    with looked_at("vip_move", arguments.inventory, lambda intent: [_cluster_of(intent, arguments.to)]) as run:
        [cluster] = run.clusters
        refuse_unseen(run, cluster, MoveError, allowed=arguments.allow_unreachable)
        router = _router_of(cluster, arguments.vip)
        source = move_vip(run, cluster, arguments.to, router, drain=arguments.drain)
    words = f"is already on {arguments.to}" if source == arguments.to else (f"moved from {source} to {arguments.to}")
    show([f"{router.vip.ip} {words}"])
    return 0


def _cluster_of(intent: Intent, name: str) -> Cluster:
    try:
        return intent.cluster_of(name)
    except KeyError:
        known = [node.name for node in intent.nodes]
        words = f"known nodes: {', '.join(known)}{hint([name], known)}"
        raise UsageError(f"--to: no node is called {name}; {words}") from None


def _router_of(cluster: Cluster, vip: str) -> Router:
    """Return the virtual router that has a VIP; the cluster's own if `vip` is empty."""
    try:
        address = ip_interface(vip).ip if vip else cluster.vip.ip
    except ValueError:
        raise UsageError(f"--vip: expected an IP address, got {vip}") from None
    for router in cluster.routers:
        if address in {each.ip for each in router.vips}:
            return router
    raise UsageError(f"--vip: cluster {cluster.name} has no VIP {vip}; its VIPs: {cluster.addresses}")
