"""Prevent a second VIP holder, on a host where a run has started keepalived, however the run ends."""

import time
from collections.abc import Collection, Mapping

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import GateError, KubeHaError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster, Node
from nornir_kube_ha.planning.plan import HostPlan, UnitChange
from nornir_kube_ha.tasks import stop_keepalived

MARGIN = 1.0  # seconds for keepalived to start and to make its first check
INTERVAL = 0.5  # seconds between two looks; a take-over that both nodes hear is done within one


def starts_keepalived(plan: HostPlan) -> bool:
    """Return whether a plan starts keepalived.

    Arguments:
        plan: of a host
    """
    return UnitChange("start", "keepalived") in plan.units


def watch_for_second_holders(
    run: Run, cluster: Cluster, started: Collection[str], plans: Mapping[str, HostPlan]
) -> None:
    """Wait until hosts just started would have taken the VIP; stop keepalived on second holders.

    Arguments:
        run: has changed the hosts
        cluster: theirs
        started: names of the hosts where this run has started keepalived
        plans: what was changed, by host name
    """
    deadline = time.monotonic() + max(map(take_over_seconds, map(run.intent.node, started)), default=0)
    second: tuple[str, ...] = ()
    while True:
        facts = run.glance(cluster)
        before, second = second, second_holders(cluster, facts, started)
        if twice := set(before) & set(second):
            step_back(run, cluster, sorted(twice), facts, plans)
            return
        if time.monotonic() >= deadline and not second:
            return
        time.sleep(INTERVAL)


def take_over_seconds(node: Node) -> float:
    """Return the seconds within which a node just started takes the VIP, if it hears nobody.

    Arguments:
        node: desired state of the host
    """
    timers = node.keepalived
    return timers.down_seconds + timers.advert_int + timers.check.interval + MARGIN


def leave_single_holder(run: Run, started: Mapping[str, Collection[str]], plans: Mapping[str, HostPlan]) -> None:
    """Look again at clusters whose change ended early; stop keepalived where this run has made a second holder.

    Arguments:
        run: a host of it has failed
        started: names of the hosts where this run has started keepalived, by cluster
        plans: what was changed, by host name
    """
    for cluster in run.clusters:
        own = {node.name for node in cluster.nodes}
        if not own & run.ledger.changed or not own - set(run.reached):
            continue
        if new := started.get(cluster.name):
            watch_for_second_holders(run, cluster, new, plans)
        run.ledger.aftermath[cluster.name] = run.glance(cluster)


def second_holders(cluster: Cluster, facts: Mapping[str, Facts], started: Collection[str]) -> tuple[str, ...]:
    """Return the hosts just started that hold a VIP which a node that ran before also holds.

    Arguments:
        cluster: theirs
        facts: of its hosts that were looked at
        started: names of the hosts just started
    """
    found: list[str] = []
    for router in cluster.routers:
        holders = [name for name, each in facts.items() if each.holds_any(router.vips)]
        if any(name not in started for name in holders):
            found += [name for name in holders if name in started]
    return tuple(dict.fromkeys(found))


def step_back(
    run: Run, cluster: Cluster, names: Collection[str], facts: Mapping[str, Facts], plans: Mapping[str, HostPlan]
) -> None:
    """Stop keepalived on hosts, and fail them.

    Arguments:
        run: has started it there
        cluster: theirs
        names: of the hosts
        facts: of the cluster's hosts, as just seen
        plans: what was changed, by host name
    """
    others = [name for name, each in facts.items() if each.holds_any(cluster.vips) and name not in names]
    for name in names:
        words = f"it held {cluster.addresses} at the same time as {', '.join(others)}, which ran before"
        try:
            disable = UnitChange("enable", "keepalived") in plans[name].units
            run.one(stop_keepalived, name, disable=disable, lease=run.lease)
            words += "; keepalived was stopped on it"
        except KubeHaError as error:
            words += f"; keepalived could not be stopped: {getattr(error, 'message', error)}"
        words += ". The nodes do not receive each other's VRRP: see vrrp.adverts and host.firewall, then deploy again"
        if run.ledger.failure_of(name):
            run.add_words(name, words)
        else:
            run.fail(name, GateError(name, words))
