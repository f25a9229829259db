"""Turn an intent into lab layouts: every node and every apiserver becomes a host."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_interface
from itertools import islice

from nornir_kube_ha.addresses import IPAddress, IPInterface, IPNetwork, rank, with_port
from nornir_kube_ha.intent import Apiserver, Cluster, Intent, Node
from nornir_kube_ha.intent.names import AUTO_INTERFACE
from nornir_kube_ha.lab.errors import LabRequestError
from nornir_kube_ha.lab.layout import ControlPlane, LabHost, Layout

_INTERFACE = "eth0"  # of an apiserver's own host: the intent does not say
_PREFIX_LENGTHS = {4: 24, 6: 64}  # by IP version, where the VIP's network does not say


def with_control_plane(intent: Intent, control_plane: str | None, etcd: str | None) -> Intent:
    """Return an intent whose labs have another control plane than the inventory says.

    Arguments:
        intent: intent of the whole inventory
        control_plane: `real` or `stand-in`; None: as in the inventory
        etcd: `stacked` or `listed`; None: as in the inventory
    """
    chosen = {"lab_control_plane": control_plane, "lab_etcd": etcd}
    update = {name: value for name, value in chosen.items() if value}
    return Intent(
        tuple(
            Cluster(cluster.name, tuple(node.model_copy(update=update) for node in cluster.nodes))
            for cluster in intent.clusters
        )
    )


def has_real_plane(intent: Intent) -> bool:
    """Return whether any lab of an inventory has a real control plane."""
    return any(node.lab and node.lab_control_plane == "real" for node in intent.nodes)


def layouts_of(intent: Intent, version: str = "") -> tuple[Layout, ...]:
    """Return the layouts of all labs of an inventory.

    Arguments:
        intent: intent of the whole inventory; nodes that name no lab are left out
        version: kube-apiserver's version in a real control plane

    Raises:
        LabRequestError: no node names a lab, or a layout is impossible
    """
    names = dict.fromkeys(node.lab for node in intent.nodes if node.lab)
    if not names:
        raise LabRequestError("no host of this inventory is in a lab; set `lab: NAME` in their data")
    return tuple(layout_of(name, [c for c in intent.clusters if c.nodes[0].lab == name], version) for name in names)


def layout_of(lab: str, clusters: list[Cluster], version: str = "") -> Layout:
    """Return the layout of a lab for these clusters, with their own addresses.

    Arguments:
        lab: name of the lab
        clusters: the clusters whose nodes and apiservers become hosts
        version: kube-apiserver's version in a real control plane

    Raises:
        LabRequestError: two hosts would have one name or one address
    """
    hosts: dict[IPAddress, LabHost] = {}
    for node in (node for cluster in clusters for node in cluster.nodes):
        host, before = _node_host(node), hosts.get(node.address)
        hosts[node.address] = (
            replace(host, apiserver_port=host.apiserver_port or before.apiserver_port) if before else host
        )
    taken = {host.name for host in hosts.values()}
    for cluster, apiserver in _apiservers(clusters):
        if apiserver.address not in hosts:
            host = _apiserver_host(cluster, apiserver, taken)
            hosts[apiserver.address] = host
            taken.add(host.name)
    for cluster in clusters:
        if cluster.nodes[0].lab_control_plane == "real":
            for apiserver in cluster.apiservers:
                plane = ControlPlane(cluster.name, _endpoint(cluster), cluster.nodes[0].lab_etcd, version)
                hosts[apiserver.address] = replace(hosts[apiserver.address], plane=plane)
    vips = tuple(dict.fromkeys(vip for cluster in clusters for vip in cluster.vips))
    names = dict.fromkeys(name for cluster in clusters for name in cluster.nodes[0].server_names)
    dns = tuple(name for name in names if name not in {str(vip.ip) for vip in vips})
    return Layout(lab, _with_other_family([*hosts.values()], vips), vips, dns)


def layout_of_both(lab: str, old: Intent | None, new: Intent, version: str = "") -> Layout:
    """Return the layout of a lab in which an inventory's old state can be replaced by its new state.

    It has the hosts and VIPs of both.

    Arguments:
        lab: name of the lab
        old: intent of the old state, if there is one
        new: intent of the new state
        version: kube-apiserver's version in a real control plane

    Raises:
        LabRequestError: a host of both has another address, interface or release, or the layout is impossible
    """
    before = {node.name: node for node in old.nodes} if old else {}
    for node in new.nodes:
        was, now = _machine(before.get(node.name, node)), _machine(node)
        if was != now:
            raise LabRequestError(
                f"{node.name} is {was}, then {now}: a lab boots each host once, so change only one state"
            )
    return layout_of(lab, [*(old.clusters if old else ()), *new.clusters], version)


def _machine(node: Node) -> str:
    return f"{node.lab_suite} with {node.address} on {node.interface}"


def _endpoint(cluster: Cluster) -> str:
    node = cluster.nodes[0]
    return node.control_plane_endpoint or with_port(node.vip.ip, node.haproxy.port)


def _with_other_family(hosts: list[LabHost], vips: tuple[IPInterface, ...]) -> tuple[LabHost, ...]:
    """Return the hosts, each with an address in the network of each VIP whose family its own address does not have."""
    taken = {host.address.ip for host in hosts} | {vip.ip for vip in vips}
    networks = {vip.network for vip in vips if vip.network.prefixlen < vip.network.max_prefixlen - 1}
    for network in sorted(networks, key=rank):
        strangers = [number for number, host in enumerate(hosts) if host.address.version != network.version]
        for number, address in zip(strangers, islice(_free(network, taken), len(strangers)), strict=False):
            hosts[number] = replace(hosts[number], also=(*hosts[number].also, address))
            taken.add(address.ip)
    return tuple(hosts)


def _free(network: IPNetwork, taken: set[IPAddress]) -> Iterator[IPInterface]:
    return (ip_interface((each, network.prefixlen)) for each in network.hosts() if each not in taken)


def _apiservers(clusters: list[Cluster]) -> Iterator[tuple[Cluster, Apiserver]]:
    ports: dict[IPAddress, int] = {}
    for cluster in clusters:
        for apiserver in cluster.apiservers:
            if ports.setdefault(apiserver.address, apiserver.port) != apiserver.port:
                raise LabRequestError(f"expected one apiserver per lab host, got several at {apiserver.address}")
            yield cluster, apiserver


def _node_host(node: Node) -> LabHost:
    port = next((each.port for each in node.apiservers if each.address == node.address), None)
    interface = _INTERFACE if node.interface == AUTO_INTERFACE else node.interface
    return LabHost(node.name, interface, _in_network_of(node.vips, node.address), port, node.lab_suite)


def _apiserver_host(cluster: Cluster, apiserver: Apiserver, taken: set[str]) -> LabHost:
    name = f"{cluster.name}-{apiserver.name}" if apiserver.name in taken else apiserver.name
    return LabHost(name, _INTERFACE, _in_network_of(cluster.vips, apiserver.address), apiserver.port)


def _in_network_of(vips: tuple[IPInterface, ...], address: IPAddress) -> IPInterface:
    """Return an address with the prefix length of the VIP's network that it lies in, or else a default."""
    networks = [vip.network for vip in vips if vip.network.prefixlen < vip.network.max_prefixlen - 1]
    shared = [network.prefixlen for network in networks if address in network]
    return ip_interface((address, shared[0] if shared else _PREFIX_LENGTHS[address.version]))
