"""Faults that are an operator's changes: a move of the VIP, a new configuration, a restart of all daemons."""

import contextlib
from collections.abc import Callable, Mapping

from nornir_kube_ha.checks import ALL
from nornir_kube_ha.engine.ledger import StoppedError
from nornir_kube_ha.engine.retry import failing, look_until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import FaultError, KubeHaError
from nornir_kube_ha.failover.faults import Fault
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.rollout.rolling import roll_over_hosts
from nornir_kube_ha.rollout.send_away import send_vips_away
from nornir_kube_ha.rollout.vip_move import move_vip
from nornir_kube_ha.tasks.services import restart_services
from nornir_kube_ha.trials.fault_injectors import ChangeInjector, FaultInjector

SETTLE_TIMEOUT = 60.0  # seconds until every check must pass after a restart
COMMENT = "# changed by a failover test, and back again"


def change_injector(run: Run, cluster: Cluster, fault: Fault, holder: str) -> FaultInjector:
    """Return the injector for one of these changes.

    Arguments:
        run: logs in
        cluster: the cluster to change
        fault: one of these changes
        holder: name of the VIP holder
    """
    names = [node.name for node in cluster.nodes]
    following = names[(names.index(holder) + 1) % len(names)]
    original = run.intent
    makers: Mapping[str, Callable[[], FaultInjector]] = {
        "vip-move": lambda: ChangeInjector(f"{holder} to {following}", lambda: _move(run, cluster, following)),
        "config-change": lambda: ChangeInjector(
            ", ".join(names), lambda: _configure(run, commented(original)), lambda: _configure(run, original)
        ),
        "rolling-restart": lambda: ChangeInjector(", ".join(names), lambda: _restart(run, cluster, holder)),
    }
    return makers[fault.name]()


def commented(intent: Intent) -> Intent:
    """Return an intent with one more comment in both daemons' configuration of every node: a change without effect.

    Arguments:
        intent: desired state, from the inventory
    """
    return Intent(tuple(Cluster(each.name, tuple(map(_commented, each.nodes))) for each in intent.clusters))


def _commented(node: Node) -> Node:
    haproxy = node.haproxy.model_copy(update={"global_lines": (*node.haproxy.global_lines, COMMENT)})
    lines = (*node.keepalived.global_lines, COMMENT)
    keepalived = node.keepalived.model_copy(update={"global_lines": lines})
    return node.model_copy(update={"haproxy": haproxy, "keepalived": keepalived})


def _move(run: Run, cluster: Cluster, to: str) -> None:
    run.look()
    try:
        move_vip(run, cluster, to)
    except KubeHaError as error:
        raise FaultError(to, str(error)) from error


def _configure(run: Run, intent: Intent) -> None:
    run.expect(intent)
    run.start_over()
    run.look()
    with contextlib.suppress(StoppedError):
        run.ledger.stop_if_failed()
        roll_over_hosts(run, ALL, RollOut())
    if failed := [name for name in run.hosts if name not in run.reached]:
        raise FaultError(", ".join(failed), "the change stopped there")


def _restart(run: Run, cluster: Cluster, holder: str) -> None:
    names = sorted((node.name for node in cluster.nodes), key=lambda name: name == holder)
    for number, name in enumerate(names):
        try:
            send_vips_away(run, name, names[:number])
            run.one(restart_services, name, lease=run.lease)
        except KubeHaError as error:
            raise FaultError(name, getattr(error, "message", str(error))) from error
        report = look_until_passed(run, timeout=SETTLE_TIMEOUT, sleep=0.2)
        if not report.passed:
            raise FaultError(name, f"fails its checks after its daemons were restarted: {failing(report)}")
