"""What has to pass a load balancer's packet filter."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from nornir_kube_ha.firewall.model import Opening
from nornir_kube_ha.intent import Cluster, Node
from nornir_kube_ha.packetfilter import TCP, VRRP, Packet

VRRP_GROUP = IPv4Address("224.0.0.18")


def openings(cluster: Cluster, node: Node) -> tuple[Opening, ...]:
    """What has to pass a node's packet filter: VRRP from and to its peers and nobody else, and what asks haproxy.

    Arguments:
        cluster: the node's
        node: the node
    """
    return (*_vrrp(cluster, node), *_ports(cluster, node))


def _vrrp(cluster: Cluster, node: Node) -> Iterator[Opening]:
    for peer in cluster.peers(node):
        there = peer.address if node.keepalived.unicast else VRRP_GROUP
        here = node.address if node.keepalived.unicast else VRRP_GROUP
        yield Opening(f"VRRP to {peer.name}", Packet("output", VRRP, node.address, there, node.interface))
        yield Opening(f"VRRP from {peer.name}", Packet("input", VRRP, peer.address, here, node.interface))


def _ports(cluster: Cluster, node: Node) -> Iterator[Opening]:
    stats = node.haproxy.stats
    for peer in cluster.peers(node):
        yield Opening(*_port(node.haproxy.port, peer, node))
        if not stats.bind.is_loopback:
            yield Opening(*_port(stats.port, peer, node), is_vital=False)


def _port(port: int, peer: Node, node: Node) -> tuple[str, Packet]:
    """Whoever asks there: a peer stands for all."""
    return f"port {port} from {peer.name}", Packet("input", TCP, peer.address, node.vip.ip, node.interface, port)
