"""The whole inventory: its clusters, and the rules that span several clusters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from nornir_kube_ha.addresses import IPNetwork, rank
from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.cluster import Cluster
from nornir_kube_ha.intent.cluster_rules import cluster_problems
from nornir_kube_ha.intent.node import Node


@dataclass(frozen=True)
class Intent:
    """The intended state of all clusters of an inventory.

    Arguments:
        clusters: in the inventory's order
    """

    clusters: tuple[Cluster, ...]

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node of every cluster."""
        return tuple(node for cluster in self.clusters for node in cluster.nodes)

    def node(self, name: str) -> Node:
        """Return a node by its name in the inventory.

        Raises:
            KeyError: no cluster has such a node
        """
        return self.cluster_of(name).node(name)

    def cluster_of(self, name: str) -> Cluster:
        """Return the cluster of a node, by the node's name in the inventory.

        Raises:
            KeyError: no cluster has such a node
        """
        return self._clusters[name]

    @cached_property
    def keeps_passwords_on_hosts(self) -> bool:
        """Whether the stats password of any node comes from the hosts."""
        return any(node.haproxy.stats.is_kept_on_hosts for node in self.nodes)

    @cached_property
    def _clusters(self) -> dict[str, Cluster]:
        """Clusters by node name; cached, since the tasks of a large inventory look up every host."""
        return {node.name: cluster for cluster in self.clusters for node in cluster.nodes}

    def problems(self) -> Iterator[Problem]:
        """Yield a problem for each rule that is broken, within a cluster or between clusters."""
        for cluster in self.clusters:
            yield from cluster_problems(cluster)
        owners: dict[tuple[str, str], str] = {}
        for cluster in self.clusters:
            for host, key, value, owner in _claims(cluster):
                other = owners.setdefault((key, value), owner)
                if other != owner:
                    yield Problem(host, key, f"{value} is also {other}'s; {owner} needs its own")
        same: dict[int, list[Cluster]] = {}
        for cluster in self.clusters:
            for number in dict.fromkeys(cluster.virtual_router_ids):
                same.setdefault(number, []).append(cluster)
        for number, clusters in same.items():
            for first, second in sharing_a_link(clusters):
                yield Problem(
                    second.nodes[0].name,
                    "virtual_router_id" if number == second.virtual_router_id else "virtual_routers.virtual_router_id",
                    f"{number} is also cluster {first.name}'s, which may be on the same network; cluster "
                    f"{second.name} needs its own",
                )


def sharing_a_link(clusters: Sequence[Cluster]) -> Iterator[tuple[Cluster, Cluster]]:
    """Yield each pair of clusters that may share a link, in the clusters' order.

    Two overlapping networks are always nested. Sorted, each network needs comparing only with those that contain it.
    """
    spans = sorted(
        (*rank(network.network_address), network.prefixlen, number, network)
        for number, cluster in enumerate(clusters)
        for network in _networks(cluster)
    )
    found: set[tuple[int, int]] = set()
    around: list[tuple[int, IPNetwork]] = []
    for *_, number, network in spans:
        around = [(other, wide) for other, wide in around if wide.version == network.version and wide.overlaps(network)]
        found.update((min(number, other), max(number, other)) for other, _wide in around if other != number)
        around.append((number, network))
    for one, other in sorted(found):
        if may_share_a_link(clusters[one], clusters[other]):
            yield clusters[one], clusters[other]


def may_share_a_link(first: Cluster, second: Cluster) -> bool:
    """Return whether routers of both clusters may hear each other's adverts.

    The nodes' addresses count as well, since a VIP with /32 does not show its network.
    """
    if first.vip.version != second.vip.version:  # VRIDs of IPv4 and IPv6 are independent (RFC 5798)
        return False
    return any(one.overlaps(other) for one in _networks(first) for other in _networks(second))


def _networks(cluster: Cluster) -> set[IPNetwork]:
    lengths = {4: 24, 6: 64}
    around = {ip_network((node.address, lengths[node.address.version]), strict=False) for node in cluster.nodes}
    return {*(vip.network for vip in cluster.vips), *around}


def _claims(cluster: Cluster) -> Iterator[tuple[str, str, str, str]]:
    """Yield host, key, value and owner of each value that must be unique in the inventory."""
    for vip in cluster.vips:
        yield cluster.nodes[0].name, "address", str(vip.ip), f"cluster {cluster.name}'s VIP"
    for node in cluster.nodes:
        yield node.name, "address", str(node.address), node.name
        yield node.name, "keepalived.router_id", node.keepalived.router_id, node.name
