"""Cluster membership by live configuration: which hosts join, and which machines are former nodes. No I/O.

With unicast VRRP, a node hears only peers that list it. A node that no peer lists hears nothing and takes the VIP.
That happens to a node that joins before its peers list it, and to a former node whose keepalived still runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign import is_ours


def is_member(cluster: Cluster, facts: Facts) -> bool:
    """Return whether a host's live keepalived.conf makes it a node of a cluster.

    It does if kube-ha wrote it for the cluster, or if it has one of the cluster's VIPs under that VIP's VRID.

    Arguments:
        cluster: the cluster, from the inventory
        facts: facts of the host
    """
    if KEEPALIVED_CONF not in facts.files:
        return False
    if is_ours(cluster, facts, KEEPALIVED_CONF):
        return True
    wanted = {(str(router.virtual_router_id), vip.ip) for router in cluster.routers for vip in router.vips}
    routers = facts.keepalived_conf.vrrp_instances
    return any((each.virtual_router_id, vip) in wanted for each in routers for vip in each.vips)


def carries_vip(cluster: Cluster, facts: Facts) -> bool:
    """Return whether a host's live keepalived.conf has one of the cluster's VIPs, whatever its VRID there."""
    return any(vip.ip in each.vips for each in facts.keepalived_conf.vrrp_instances for vip in cluster.vips)


def joining(cluster: Cluster, names: Collection[str], facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return the hosts that join a cluster: not a node yet, or stopped and not listed by a running node.

    Arguments:
        cluster: the cluster, from the inventory
        names: hosts of the cluster that are changed
        facts: facts of the cluster's hosts that were read
    """
    return tuple(name for name in names if not is_member(cluster, facts[name]) or _is_unknown(cluster, name, facts))


def _is_unknown(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> bool:
    return not _runs(facts[name]) and bool(strangers_to(cluster, name, facts))


def strangers_to(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return the running unicast nodes that do not list a host as a peer, and so send it no adverts.

    Arguments:
        cluster: the cluster, from the inventory
        name: name of the host
        facts: facts of the cluster's hosts that were read
    """
    address = cluster.node(name).address
    return tuple(
        node.name
        for node in cluster.peers(cluster.node(name))
        if node.name in facts
        and _runs(facts[node.name])
        and is_member(cluster, facts[node.name])
        and (peers := facts[node.name].keepalived_conf.peers)
        and address not in peers
    )


def _runs(facts: Facts) -> bool:
    return facts.units["keepalived"].is_active


def further_addresses(cluster: Cluster, facts: Mapping[str, Facts]) -> frozenset[IPAddress]:
    """Return the addresses of nodes other than their VRRP source addresses, for example earlier ones.

    Arguments:
        cluster: the cluster, from the inventory
        facts: facts of the hosts that were read
    """
    seen = [facts[node.name] for node in cluster.nodes if node.name in facts]
    there = {address.ip for each in seen for _, address in each.addresses}
    return frozenset(there - {node.address for node in cluster.nodes})


def why_not_to_join(cluster: Cluster, name: str, facts: Mapping[str, Facts]) -> str:
    """Return why a joining host may become a second holder; "" if it will not.

    Nodes that were not read may hold the VIP without listing the host. Adverts from them prove that they list it.

    Arguments:
        cluster: the cluster, from the inventory
        name: host that joins
        facts: facts of the cluster's hosts that were read
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
        f"it joins cluster {cluster.name}, {cluster.vip.ip} answers, and {names}, not seen by this run, "
        f"send it no VRRP adverts: it would hold the VIP as well. Deploy all nodes of {cluster.name} in "
        "one run"
    )


@dataclass(frozen=True, slots=True)
class FormerPeer:
    """What the nodes of a cluster observe about a former node.

    Arguments:
        answers: how it answers: `ping`, `ARP`, `port 8443` (haproxy's); empty if it does not answer
        rejects_vrrp: whether its kernel rejects VRRP packets, which means that no keepalived runs there
    """

    answers: frozenset[str] = frozenset()
    rejects_vrrp: bool = False

    @property
    def may_take_over(self) -> bool:
        """Whether its keepalived may run or start again.

        Where haproxy is still installed, keepalived may start at the next boot.
        """
        return bool(self.answers) and not (self.rejects_vrrp and not self._serves)

    @property
    def _serves(self) -> bool:
        return any(each.startswith("port ") for each in self.answers)

    def __or__(self, other: "FormerPeer") -> "FormerPeer":
        """Merge the observations of two nodes."""
        return FormerPeer(self.answers | other.answers, self.rejects_vrrp or other.rejects_vrrp)
