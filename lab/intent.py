"""From what should be to the labs that can play it: every load-balancer node, and every apiserver, becomes a host."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

from nornir_kube_ha.intent import Apiserver, Cluster, Intent, Node
from nornir_kube_ha.lab.errors import LabRequestError
from nornir_kube_ha.lab.layout import LabHost, Layout

_INTERFACE = "eth0"  # of an apiserver's own host: nothing in the intent tells
_PREFIX_LENGTH = 24  # where the VIP's network does not tell


def layouts_of(intent: Intent) -> tuple[Layout, ...]:
    """Return the labs that an inventory's hosts live in.

    Arguments:
        intent: all that the inventory says; nodes that name no lab are left out

    Raises:
        LabRequestError: no node names a lab, or a lab cannot be as they say
    """
    names = dict.fromkeys(node.lab for node in intent.nodes if node.lab)
    if not names:
        raise LabRequestError("no host of this inventory lives in a lab: give them `lab: NAME` in their data")
    return tuple(layout_of(name, [c for c in intent.clusters if c.nodes[0].lab == name]) for name in names)


def layout_of(lab: str, clusters: list[Cluster]) -> Layout:
    """Return the lab in which these clusters can run as they are, addresses included.

    Arguments:
        lab: its name
        clusters: those whose nodes and apiservers are its hosts

    Raises:
        LabRequestError: two hosts would have one name or one address
    """
    hosts = {node.address: _node_host(node) for cluster in clusters for node in cluster.nodes}
    taken = {host.name for host in hosts.values()}
    for cluster, apiserver in _apiservers(clusters):
        if apiserver.address not in hosts:
            host = _apiserver_host(cluster, apiserver, taken)
            hosts[apiserver.address] = host
            taken.add(host.name)
    vips = dict.fromkeys(cluster.vip for cluster in clusters)
    return Layout(lab, tuple(hosts.values()), tuple(vips))


def _apiservers(clusters: list[Cluster]) -> Iterator[tuple[Cluster, Apiserver]]:
    ports: dict[IPv4Address, int] = {}
    for cluster in clusters:
        for apiserver in cluster.apiservers:
            if ports.setdefault(apiserver.address, apiserver.port) != apiserver.port:
                raise LabRequestError(f"a lab host has one apiserver; {apiserver.address} would need several")
            yield cluster, apiserver


def _node_host(node: Node) -> LabHost:
    port = next((each.port for each in node.apiservers if each.address == node.address), None)
    return LabHost(node.name, node.interface, _in_network_of(node.vip, node.address), port, node.lab_suite)


def _apiserver_host(cluster: Cluster, apiserver: Apiserver, taken: set[str]) -> LabHost:
    name = f"{cluster.name}-{apiserver.name}" if apiserver.name in taken else apiserver.name
    return LabHost(name, _INTERFACE, _in_network_of(cluster.vip, apiserver.address), apiserver.port)


def _in_network_of(vip: IPv4Interface, address: IPv4Address) -> IPv4Interface:
    """Return an address with its prefix length: the VIP's if it lies in the VIP's network."""
    shares = address in vip.network and vip.network.prefixlen < 31
    return IPv4Interface((address, vip.network.prefixlen if shares else _PREFIX_LENGTH))
