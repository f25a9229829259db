"""The VIP as something to be moved: `kube-ha vip move --to HOST`."""

import argparse
import sys
from contextlib import suppress

from nornir_kube_ha.errors import HostError, MoveError, UsageError
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.runbooks.verbs import looked_at
from nornir_kube_ha.tasks import get_vip_arrival, prefer_for_vip, release_vip

ATTEMPTS = 3  # elections take milliseconds: on a busy machine a third node may be the first to claim the VIP
HEALTH = ("haproxy.", "keepalived.", "host.interface")  # checks that a node must pass before the VIP is sent to it


def run_move(arguments: argparse.Namespace) -> int:
    """`vip move`.

    Arguments:
        arguments: parsed: `inventory` and `to`

    Returns:
        The exit code

    Raises:
        KubeHaError: the VIP did not move
    """
    with looked_at("vip_move", arguments.inventory, lambda intent: [_cluster_of(intent, arguments.to)]) as run:
        [cluster] = run.clusters
        source = move_vip(run, cluster, arguments.to)
    words = f"is there already: {arguments.to}" if source == arguments.to else f"moved: {source} -> {arguments.to}"
    sys.stdout.write(f"{cluster.vip.ip} {words}\n")
    return 0


def _cluster_of(intent: Intent, name: str) -> Cluster:
    try:
        return intent.cluster_of(name)
    except KeyError:
        known = ", ".join(node.name for node in intent.nodes)
        raise UsageError(f"--to: no node is called {name}; there are {known}") from None


def move_vip(run: Run, cluster: Cluster, to: str) -> str:
    """Move a cluster's VIP to one of its nodes.

    Arguments:
        run: has just looked at the cluster
        cluster: whose VIP it is
        to: name of the node that shall have it

    Returns:
        Name of the node that had it

    Raises:
        MoveError: it cannot go there, or does not: another node of the cluster has it
        HostError: a node does not answer
    """
    holder = _holder(run, cluster, to)
    if holder == to:
        return holder
    _refuse_unfit(run, cluster, to)
    names = [node.name for node in cluster.nodes if node.name in run.facts]
    asked = [to, *(name for name in names if name not in (to, holder))]
    try:
        _prefer(run, asked, to)
        _hand_over(run, cluster, holder, to)
    except BaseException:  # also when it is interrupted
        for name in asked:
            with suppress(HostError):  # who no longer answers: the others are put back, and it is told why it failed
                _prefer(run, [name], None)
        raise
    # Where nodes preempt, the preference has to last, or the master would take the VIP back.
    settled = not cluster.node(to).keepalived.preempt or cluster.node(to).role == "master"
    _prefer(run, [name for name in names if name != to or settled], None)
    return holder


def _prefer(run: Run, names: list[str], preferred: str | None) -> None:
    for name in names:
        run.one(prefer_for_vip, name, intent=run.intent, preferred=preferred)


def _hand_over(run: Run, cluster: Cluster, holder: str, to: str) -> None:
    for left in reversed(range(ATTEMPTS)):
        run.one(release_vip, holder, intent=run.intent)
        try:
            run.one(get_vip_arrival, to, intent=run.intent)
        except MoveError:
            if not left:
                raise
            run.look()
            holder = _holder(run, cluster, to)
        else:
            return
        if holder == to:  # it was only late
            return


def _holder(run: Run, cluster: Cluster, to: str) -> str:
    if not cluster.nodes[0].keepalived.events:
        raise MoveError(to, "keepalived.events is false: this cluster is not made for planned moves")
    holders = [name for name, facts in run.facts.items() if facts.holds(cluster.vip)]
    if len(holders) != 1:
        unseen = [node.name for node in cluster.nodes if node.name not in run.facts]
        missing = f", {', '.join(unseen)} does not" if unseen else ""
        seen = f"is held by {' and '.join(holders) or 'none'} of those that answer"
        raise MoveError(to, f"{cluster.vip.ip} {seen}{missing}; see `verify`")
    return holders[0]


def _refuse_unfit(run: Run, cluster: Cluster, to: str) -> None:
    host = run.report().hosts[to]
    if host.failure:
        raise MoveError(to, f"cannot be looked at: {host.failure.message}")
    failed = [each.id for each in host.findings if each.status == "fail" and each.id.startswith(HEALTH)]
    if failed:
        raise MoveError(to, f"is not fit for {cluster.vip.ip}: {', '.join(failed)}; see `verify`. Nothing was moved")
