"""Former nodes: while keepalived runs there, the other nodes must keep them as peers.

A backup hears the holder's adverts. Once the others remove it from their unicast_peer it hears nobody, and takes the
VIP too.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nornir_kube_ha.addresses import IPAddress, rank
from nornir_kube_ha.daemons import parse_keepalived_conf
from nornir_kube_ha.engine.former_hosts import look_at_former
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError, PreflightError
from nornir_kube_ha.facts import Facts, Scope
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.membership import FormerPeer, further_addresses, is_member
from nornir_kube_ha.tasks import get_facts, get_former_peers


@dataclass(frozen=True, slots=True)
class Former:
    """A machine that nodes of a cluster are about to remove from their peers.

    Arguments:
        cluster: the cluster
        address: the machine's
        names: nodes that send it adverts, and would stop
        now: its name, if it is a node in the inventory; else ""
    """

    cluster: Cluster
    address: IPAddress
    names: tuple[str, ...]
    now: str


def refuse_former_nodes(run: Run, forget: Collection[str]) -> None:
    """Fail the hosts that would remove a former node from their peers while it may still take the VIP.

    Arguments:
        run: has looked at its hosts
        forget: addresses to remove even if they answer
    """
    machines = [each for each in _about_to_be_forgotten(run) if str(each.address) not in forget]
    asking: dict[str, list[IPAddress]] = {}
    for each in machines:
        for name in each.names:
            asking.setdefault(name, []).append(each.address)
    answers = run.each(get_former_peers, list(asking), intent=run.intent, addresses=asking)
    for each in machines:
        found = _together(answers, each)
        if not (found.answers or _speaks(run, each)):
            run.tell(f"{each.address}, which {', '.join(each.names)} will remove from the peers, does not answer")
        elif _may_take_over(run, each, found):
            _refuse(run, each.names[0], _words(run, each, found))


def _refuse(run: Run, name: str, words: str) -> None:
    """Fail a host. If it has failed already, add to the reason: each of several former nodes is named."""
    if run.ledger.failure_of(name):
        run.add_words(name, words)
    else:
        run.fail(name, PreflightError(name, words))


def _may_take_over(run: Run, former: Former, found: FormerPeer) -> bool:
    """Return whether keepalived runs there for the cluster: by its adverts, a login, or without one its answers."""
    if _speaks(run, former):
        return True
    if not (found.may_take_over or former.now):
        return False
    facts = _look_at(run, former)
    return found.may_take_over if facts is None else _is_still(former.cluster, facts)


def _about_to_be_forgotten(run: Run) -> Iterator[Former]:
    named = {node.address: node.name for node in run.intent.nodes}
    for cluster in run.clusters:
        forgetting: dict[IPAddress, tuple[str, ...]] = {}
        for node in cluster.nodes:
            for address in _forgotten_by(run, cluster, node.name):
                forgetting[address] = (*forgetting.get(address, ()), node.name)
        for address in sorted(forgetting, key=rank):
            yield Former(cluster, address, forgetting[address], named.get(address, ""))


def _forgotten_by(run: Run, cluster: Cluster, name: str) -> frozenset[IPAddress]:
    """Return the peers that a host sends adverts to now, and would not with its new keepalived.conf."""
    plan, facts = run.plans.get(name), run.facts.get(name)
    new = next((each.file for each in plan.write if each.file.path == KEEPALIVED_CONF), None) if plan else None
    if not (new and facts and is_member(cluster, facts)):
        return frozenset()
    named = parse_keepalived_conf(new.data).peers
    # Multicast names no peers and reaches every node. Whether such a change can roll is checked elsewhere.
    known = named or {node.address for node in cluster.nodes}
    return facts.keepalived_conf.peers - known - further_addresses(cluster, run.facts)


def _look_at(run: Run, former: Former) -> Facts | None:
    """Return the facts of a machine by a login of its own; None if there is no login."""
    if not former.now:
        return look_at_former(run.nornir, former.cluster, str(former.address))
    try:
        facts: Facts = run.facts.get(former.now) or run.one(get_facts, former.now, intent=run.intent, scope=Scope.OWN)
    except KubeHaError:
        return None
    return facts


def _is_still(cluster: Cluster, facts: Facts) -> bool:
    unit = facts.units["keepalived"]
    return is_member(cluster, facts) and (unit.is_active or unit.enabled)


def _together(answers: dict[str, dict[IPAddress, FormerPeer]], former: Former) -> FormerPeer:
    found = FormerPeer()
    for name in former.names:
        found |= answers.get(name, {}).get(former.address, FormerPeer())
    return found


def _speaks(run: Run, former: Former) -> bool:
    """Return whether any node has heard it use a VRID of the cluster.

    An advert of priority 0 means that it stops. What only the kernel remembers does not count: it may have stopped
    since.
    """
    vrids = former.cluster.virtual_router_ids
    return any(
        advert.source == former.address and advert.virtual_router_id in vrids and advert.priority
        for node in former.cluster.nodes
        if node.name in run.facts and (heard := run.facts[node.name].heard)
        for advert in heard.adverts
    )


def _words(run: Run, former: Former, found: FormerPeer) -> str:
    address, now, cluster = former.address, former.now, former.cluster
    how = [*sorted(found.answers), *(["VRRP adverts"] if _speaks(run, former) else [])]
    shown = f" ({', '.join(how)})" if how else ""
    answers = f"still answers{shown}"
    names = ", ".join(former.names)
    if now and run.intent.node(now).cluster == cluster.name:
        said = f"the new keepalived.conf of {names} no longer has {address} ({now}) as a peer, but it {answers}"
    else:
        where = f" ({now}, now in cluster {run.intent.node(now).cluster})" if now else ""
        said = f"{address}{where} is a peer in keepalived.conf of {names} and no longer a node of cluster "
        said += f"{cluster.name}, but it {answers}"
    command = f"kube-ha remove --limit {now}" if now else f"kube-ha remove --host {address}"
    return (
        f"{said}. Without adverts from the others, its keepalived would hold {cluster.addresses} as well. "
        f"Remove it first: {command}. If no keepalived runs there: deploy --forget {address}. Nothing was "
        "changed"
    )
