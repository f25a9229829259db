"""Who belongs to a cluster by its live configuration: who joins it, and who was part of it and is no more. Pure.

VRRP by unicast hears only those that send to it. A node that no peer names hears nobody and takes the VIP for itself:
one that joins before the others know it, and one that the others forget while its keepalived runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign import is_ours, parse_keepalived_conf


def is_member(cluster: Cluster, facts: Facts) -> bool:
    """Return whether a host's live keepalived.conf makes it a node of a cluster.

    It does if we wrote it for the cluster, or if it has one of the cluster's VIPs with the VRID of that VIP.

    Arguments:
        cluster: as it should be
        facts: of the host
    """
    live = facts.files.get(KEEPALIVED_CONF)
    if live is None:
        return False
    if is_ours(cluster, facts, KEEPALIVED_CONF):
        return True
    wanted = {(str(router.virtual_router_id), vip.ip) for router in cluster.routers for vip in router.vips}
    routers = parse_keepalived_conf(live.content).routers
    return any((each.virtual_router_id, vip) in wanted for each in routers for vip in each.vips)


def joining(cluster: Cluster, names: Collection[str], facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return the hosts that join a cluster: no node of it yet, or stopped and unknown to a node that runs.

    Arguments:
        cluster: as it should be
        names: of its hosts that are changed
        facts: of its hosts that were seen
    """
    return tuple(name for name in names if not is_member(cluster, facts[name]) or _is_unknown(cluster, name, facts))


def _is_unknown(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> bool:
    return not _runs(facts[name]) and bool(strangers_to(cluster, name, facts))


def strangers_to(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return the nodes that run, speak by unicast, and send a host of their cluster no adverts.

    Arguments:
        cluster: as it should be
        name: of the host
        facts: of the cluster's hosts that were seen
    """
    address = cluster.node(name).address
    return tuple(
        node.name
        for node in cluster.peers(cluster.node(name))
        if node.name in facts
        and _runs(facts[node.name])
        and is_member(cluster, facts[node.name])
        and (peers := live_peers(facts[node.name]))
        and address not in peers
    )


def _runs(facts: Facts) -> bool:
    return facts.units["keepalived"].is_active


def live_peers(facts: Facts) -> frozenset[IPAddress]:
    """Return the unicast peers that a host's live keepalived.conf names.

    Arguments:
        facts: of the host
    """
    live = facts.files.get(KEEPALIVED_CONF)
    return parse_keepalived_conf(live.content).peers if live else frozenset()


def further_addresses(cluster: Cluster, facts: Mapping[str, Facts]) -> frozenset[IPAddress]:
    """Return the addresses that nodes of a cluster have beside those that they speak VRRP from, such as earlier ones.

    Arguments:
        cluster: as it should be
        facts: of hosts that were seen
    """
    seen = [facts[node.name] for node in cluster.nodes if node.name in facts]
    there = {address.ip for each in seen for _, address in each.addresses}
    return frozenset(there - {node.address for node in cluster.nodes})


def why_not_to_join(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> str:
    """Return why a host that joins may become a second holder, "" if nothing speaks for that.

    Nodes that were not seen may hold the VIP and not know the host. They do know it if their adverts reach it.

    Arguments:
        cluster: as it should be
        name: of the host that joins
        facts: of the cluster's hosts that were seen
    """
    unseen = [node for node in cluster.nodes if node.name not in facts]
    if not unseen or any(facts[node.name].holds_any(cluster.vips) for node in cluster.nodes if node.name in facts):
        return ""
    own, vips = facts[name], {vip.ip for vip in cluster.vips}
    sources = {advert.source for advert in own.heard.adverts} if own.heard else set()
    is_claimed = own.heard is not None and any(each.address in vips for each in own.heard.answers)
    if not (own.reachable.ping or is_claimed) or sources & {node.address for node in unseen}:
        return ""
    names = ", ".join(node.name for node in unseen)
    return (
        f"it joins cluster {cluster.name}, {cluster.vip.ip} answers, and {names}, not seen by this run, send it no "
        f"VRRP adverts: it would hold the VIP as well. Deploy all nodes of {cluster.name} in one run"
    )


@dataclass(frozen=True, slots=True)
class FormerPeer:
    """What nodes found out about a machine that was a node of their cluster.

    Arguments:
        answers: how it answers: `ping`, `ARP`, `port 8443` (haproxy's); empty if it is silent
        rejects_vrrp: its kernel rejects VRRP packets: no keepalived runs there
    """

    answers: frozenset[str] = frozenset()
    rejects_vrrp: bool = False

    @property
    def may_take_over(self) -> bool:
        """Whether its keepalived may run, or start again: it does at the next boot where haproxy was left in place."""
        return bool(self.answers) and not (self.rejects_vrrp and not self._serves)

    @property
    def _serves(self) -> bool:
        return any(each.startswith("port ") for each in self.answers)

    def __or__(self, other: "FormerPeer") -> "FormerPeer":
        """What both found out together."""
        return FormerPeer(self.answers | other.answers, self.rejects_vrrp or other.rejects_vrrp)
