"""What has to pass a load balancer's packet filter."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address

from nornir_kube_ha.config import HAPROXY_CFG, KEEPALIVED_CONF, ConfigFile
from nornir_kube_ha.firewall.model import Opening
from nornir_kube_ha.intent import Cluster, Node
from nornir_kube_ha.packetfilter import TCP, VRRP, Packet

VRRP_GROUP = IPv4Address("224.0.0.18")
_PEERS = re.compile(r"unicast_peer\s*\{([^}]*)\}")
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_BIND = re.compile(r"^\s*bind\s+([\d.]*|\*):(\d+)", re.MULTILINE)


def openings(cluster: Cluster, node: Node) -> tuple[Opening, ...]:
    """What has to pass a node's packet filter: VRRP from and to its peers and nobody else, and what asks haproxy.

    Arguments:
        cluster: the node's
        node: the node
    """
    return (*_vrrp(cluster, node), *_ports(cluster, node))


def openings_of(files: Iterable[ConfigFile], cluster: Cluster, node: Node) -> tuple[Opening, ...]:
    """What files that a node had once need, which may be other peers and ports than the inventory's.

    Arguments:
        files: haproxy's and keepalived's among them
        cluster: the node's
        node: the node
    """
    content = {file.path: file.content for file in files}
    listed = _PEERS.search(content.get(KEEPALIVED_CONF, ""))
    peers = [(text, IPv4Address(text)) for text in _ADDRESS.findall(listed[1] if listed else "")]
    known = [(peer.name, peer.address) for peer in cluster.peers(node)]
    unicast = bool(peers)
    binds = _BIND.findall(content.get(HAPROXY_CFG, ""))
    ports = dict.fromkeys(int(port) for address, port in binds if not address.startswith("127."))
    return (
        *(way for name, address in peers or known for way in _ways(name, address, node, unicast=unicast)),
        *(_port(port, name, address, node) for name, address in known for port in ports),
    )


def _vrrp(cluster: Cluster, node: Node) -> Iterator[Opening]:
    for peer in cluster.peers(node):
        yield from _ways(peer.name, peer.address, node, unicast=node.keepalived.unicast)


def _ways(name: str, address: IPv4Address, node: Node, *, unicast: bool) -> Iterator[Opening]:
    there, here = (address, node.address) if unicast else (VRRP_GROUP, VRRP_GROUP)
    yield Opening(f"VRRP to {name}", Packet("output", VRRP, node.address, there, node.interface))
    yield Opening(f"VRRP from {name}", Packet("input", VRRP, address, here, node.interface))


def _ports(cluster: Cluster, node: Node) -> Iterator[Opening]:
    stats = node.haproxy.stats
    for peer in cluster.peers(node):
        yield _port(node.haproxy.port, peer.name, peer.address, node)
        if not stats.bind.is_loopback:
            yield replace(_port(stats.port, peer.name, peer.address, node), is_vital=False)


def _port(port: int, name: str, address: IPv4Address, node: Node) -> Opening:
    """Whoever asks there: a peer stands for all."""
    return Opening(f"port {port} from {name}", Packet("input", TCP, address, node.vip.ip, node.interface, port))
