"""The packets that a load balancer's packet filter must pass."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nornir_kube_ha.addresses import VRRP_GROUPS, IPAddress, IPInterface, IPNetwork, rank
from nornir_kube_ha.daemons import parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.firewall.model import Opening
from nornir_kube_ha.firewall.ruleset import TCP, VRRP, Packet
from nornir_kube_ha.intent import Cluster, Node
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF


def openings(cluster: Cluster, node: Node) -> tuple[Opening, ...]:
    """Return what a node's packet filter must pass.

    That is VRRP with the node's peers, haproxy's peers protocol with them, and client connections to haproxy.
    """
    listeners = {each.port: cluster.sources_of(name) for name, each in node.haproxy.listeners.items()}
    return (
        *(*_vrrp(cluster, node), *_ports(cluster, node), *_tables(cluster, node)),
        *(way for port, sources in listeners.items() for way in _clients(port, sources, cluster, node)),
    )


def openings_of(files: Iterable[ConfigFile], cluster: Cluster, node: Node) -> tuple[Opening, ...]:
    """Return what earlier files of a node need; their peers and ports may differ from the inventory's.

    Arguments:
        files: haproxy's and keepalived's among them
        cluster: the node's cluster
        node: the node
    """
    content = {file.path: file.data for file in files}
    listed = parse_keepalived_conf(content.get(KEEPALIVED_CONF, b"")).peers
    # A node speaks VRRP in its own address family only.
    own = (address for address in sorted(listed, key=rank) if address.version == node.address.version)
    peers = [(str(address), address) for address in own]
    known = [(peer.name, peer.address) for peer in cluster.peers(node)]
    unicast = bool(peers)
    haproxy = parse_haproxy_cfg(content.get(HAPROXY_CFG, b""))
    return (
        *(way for name, address in peers or known for way in _ways(name, address, node, unicast=unicast)),
        *(way for port, sources in haproxy.clients for way in _clients(port, sources, cluster, node)),
        *(_table(peer, port, node) for peer in cluster.peers(node) for port in haproxy.peers_ports),
    )


def _vrrp(cluster: Cluster, node: Node) -> Iterator[Opening]:
    for peer in cluster.peers(node):
        yield from _ways(peer.name, peer.address, node, unicast=node.keepalived.unicast)


def _ways(name: str, address: IPAddress, node: Node, *, unicast: bool) -> Iterator[Opening]:
    group = VRRP_GROUPS[address.version]
    there, here = (address, node.address) if unicast else (group, group)
    yield Opening(f"VRRP to {name}", Packet("output", VRRP, node.address, there, node.interface))
    yield Opening(f"VRRP from {name}", Packet("input", VRRP, address, here, node.interface))


def _ports(cluster: Cluster, node: Node) -> Iterator[Opening]:
    stats = node.haproxy.stats
    for peer in cluster.peers(node):
        yield from _from(peer, node.haproxy.port, node)
        if not stats.bind.is_loopback:
            yield from (replace(way, is_vital=False) for way in _from(peer, stats.port, node))
    yield from _from_others(node.haproxy.port, node)
    if not stats.bind.is_loopback:
        yield from (replace(way, is_vital=False) for way in _from_others(stats.port, node))


def _tables(cluster: Cluster, node: Node) -> Iterator[Opening]:
    """Yield the connections by which peers copy haproxy's table of clients."""
    if node.keepalived.tickle:
        yield from (_table(peer, node.haproxy.peers_port, node) for peer in cluster.peers(node))


def _table(peer: Node, port: int, node: Node) -> Opening:
    packet = Packet("input", TCP, peer.address, node.address, node.interface, port)
    return Opening(f"port {port} from {peer.name}'s haproxy", packet, is_vital=False, only_from=peer.address)


def _from(peer: Node, port: int, node: Node) -> Iterator[Opening]:
    """Yield connections from a peer, which stand for those of all clients."""
    for vip in node.vips_of(node.address.version):
        where = "" if vip == node.vip else f" at {vip.ip}"
        packet = Packet("input", TCP, peer.address, vip.ip, node.interface, port)
        yield Opening(f"port {port}{where} from {peer.name}", packet)


def _clients(port: int, sources: Iterable[IPNetwork], cluster: Cluster, node: Node) -> Iterator[Opening]:
    """Yield connections of clients in some networks; of all clients if there are none."""
    if not sources:
        for peer in cluster.peers(node):
            yield from _from(peer, port, node)
        yield from _from_others(port, node)
    vips = {vip.ip for vip in node.vips}  # the holder's own connections, over the loopback interface
    for source in (each for each in sources if each.num_addresses > 1 or each.network_address not in vips):
        only = source.network_address if source.num_addresses == 1 else source
        for vip in node.vips_of(source.version):
            packet = Packet("input", TCP, _first_of(source), vip.ip, node.interface, port)
            yield Opening(f"port {port} from {only}", packet, only_from=only)


def _from_others(port: int, node: Node) -> Iterator[Opening]:
    """Yield connections of the address family that the peers do not have.

    A neighbour of the VIP stands for all clients.
    """
    for vip in node.vips_of(10 - node.address.version):  # the other family: 4 + 6 = 10
        packet = Packet("input", TCP, _neighbour(vip), vip.ip, node.interface, port)
        yield Opening(f"port {port} at {vip.ip}", packet)


def _first_of(network: IPNetwork) -> IPAddress:
    return network.network_address + min(1, network.num_addresses - 1)


def _neighbour(vip: IPInterface) -> IPAddress:
    """Return another address in a VIP's network; the VIP itself if it is alone there."""
    first = _first_of(vip.network)
    return first if first != vip.ip else vip.network[-1]
