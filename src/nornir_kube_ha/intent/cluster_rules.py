"""The rules that span several nodes of a cluster."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from socket import inet_aton

from nornir_kube_ha.addresses import IPNetwork
from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.cluster import Cluster
from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.intent.keepalived import FOREMOST
from nornir_kube_ha.intent.listeners.rules import listener_problems
from nornir_kube_ha.intent.node import Node

MIN_NODES = 2  # one master and at least one backup
MOST_HEARD = 14  # VIPs and VRIDs per cluster: each adds a line to what a look hears, which must fit one pipe write
PER_NODE = {
    *("name", "role", "address", "interface", "host_keys", "login", "keepalived"),
    *("firewall", "packages", "templates", "lab_suite"),
}
PER_NODE_KEEPALIVED = {"router_id", "priority", "state"}


def cluster_problems(cluster: Cluster) -> Iterator[Problem]:
    """Yield a problem for each rule that a cluster breaks.

    Arguments:
        cluster: of an inventory
    """
    yield from _roles(cluster)
    yield from _shared_values(cluster)
    yield from _priorities(cluster)
    yield from _further_routers(cluster)
    for node in cluster.nodes:
        yield from _addresses(cluster, node)
        yield from _families(cluster, node)
        yield from _ports(node)
        yield from listener_problems(node)


def _roles(cluster: Cluster) -> Iterator[Problem]:
    masters = [node.name for node in cluster.nodes if node.role == "master"]
    if len(masters) != 1:
        seen = ", ".join(masters) or "none"
        yield Problem("", "role", f"cluster {cluster.name}: expected exactly one master, got {seen}")
    if len(cluster.nodes) < MIN_NODES:
        names = ", ".join(node.name for node in cluster.nodes)
        yield Problem(
            "", "role", f"cluster {cluster.name} has one node ({names}); high availability needs {MIN_NODES} or more"
        )


def _shared_values(cluster: Cluster) -> Iterator[Problem]:
    first = cluster.nodes[0]
    expected = _flat(first)
    for node in cluster.nodes[1:]:
        for key, value in _flat(node).items():
            if key in expected and value != expected[key]:
                yield Problem(
                    node.name,
                    key,
                    f"{_shown(value)} differs from {_shown(expected[key])} on {first.name}; it must be "
                    f"the same on all nodes of cluster {cluster.name}",
                )


def _priorities(cluster: Cluster) -> Iterator[Problem]:
    masters = [node for node in cluster.nodes if node.role == "master"]
    for node in cluster.nodes:
        for master in masters:
            if node.role == "backup" and node.keepalived.priority >= master.keepalived.priority:
                yield Problem(
                    node.name,
                    "keepalived.priority",
                    f"{node.keepalived.priority} must be below the master's: "
                    f"{master.name} has {master.keepalived.priority}",
                )
        if node.role == "backup" and node.keepalived.state == "MASTER":
            yield Problem(
                node.name,
                "keepalived.state",
                "only the master may have state MASTER: two nodes would take the VIP at each boot",
            )
    yield from _equal_priorities(cluster)
    yield from _weight(cluster)


def _equal_priorities(cluster: Cluster) -> Iterator[Problem]:
    seen: dict[int, str] = {}
    for node in cluster.nodes:
        other = seen.setdefault(node.keepalived.priority, node.name)
        if other != node.name and not node.keepalived.preempt:
            yield Problem(
                node.name,
                "keepalived.priority",
                f"{node.keepalived.priority} is also {other}'s; without preempt each node needs its own",
            )


def _weight(cluster: Cluster) -> Iterator[Problem]:
    first = cluster.nodes[0]
    weight = first.keepalived.check.weight
    priorities = [node.keepalived.priority for node in cluster.nodes]
    gap = max(priorities) - min(priorities)
    if weight and not first.keepalived.preempt:
        yield Problem(
            first.name,
            "keepalived.check.weight",
            f"{weight} has no effect while keepalived.preempt is false: backups leave the holder alone "
            "whatever its priority. Set 0, which releases the VIP at once, or preempt: true",
        )
    if weight and abs(weight) <= gap:
        yield Problem(
            first.name,
            "keepalived.check.weight",
            f"{weight} does not move the VIP between all nodes: priorities are {gap} apart. Set more than "
            f"{gap}, or 0, which releases the VIP at once",
        )
    if max(priorities) + weight > FOREMOST:
        yield Problem(
            first.name,
            "keepalived.check.weight",
            f"{weight} added to priority {max(priorities)} exceeds {FOREMOST}, keepalived's maximum, so "
            "nodes would be equal",
        )


def _addresses(cluster: Cluster, node: Node) -> Iterator[Problem]:
    own = len(cluster.routers[0].vips)
    for number, vip in enumerate(cluster.vips):
        key = "virtual_routers" if number >= own else "additional_vips" if number else "vip"
        if vip.ip in {other.ip for other in cluster.vips[:number]}:
            yield Problem(node.name, key, f"{vip.ip} is listed twice; list each VIP once")
        if vip.ip == node.address:
            yield Problem(node.name, key, f"{vip.ip} is this host's own address; the VIP must be an unused address")
        elif any(vip.ip == apiserver.address for apiserver in node.apiservers):
            yield Problem(node.name, key, f"{vip.ip} is an apiserver's address; the VIP must be an unused address")
        if vip.network.num_addresses > 2 and vip.ip in _no_hosts(vip.network):
            yield Problem(node.name, key, f"expected a host address in {vip.network}, got {vip.ip}")
        if node.haproxy.stats.bind == vip.ip:
            yield Problem(
                node.name,
                "haproxy.stats.bind",
                f"{vip.ip} is the VIP, which only its holder can bind; set 0.0.0.0",
            )


def _further_routers(cluster: Cluster) -> Iterator[Problem]:
    first, names = cluster.nodes[0], [node.name for node in cluster.nodes]
    vips, vrids = len(cluster.vips), len(cluster.virtual_router_ids)
    if vips + vrids > MOST_HEARD:
        message = f"cluster {cluster.name} has {vips} VIPs and {vrids} VRIDs, expected at most {MOST_HEARD} in total"
        yield Problem(first.name, "virtual_routers", message)
    seen = {cluster.virtual_router_id}
    for router in first.virtual_routers:
        number = router.virtual_router_id
        if number in seen:
            message = f"{number} is used twice in cluster {cluster.name}; each virtual router needs its own"
            yield Problem(first.name, "virtual_routers.virtual_router_id", message)
        seen.add(number)
        if any(line.split()[0] == "use_vmac" and len(line.split()) > 1 for line in first.keepalived.instance_lines):
            message = "all virtual routers would share the interface of `use_vmac NAME`; remove NAME"
            yield Problem(first.name, "keepalived.instance_lines", message)
        if router.master not in names:
            message = f"expected a node of cluster {cluster.name} ({', '.join(names)}), got {router.master}"
            yield Problem(first.name, "virtual_routers.master", message)


def _families(cluster: Cluster, node: Node) -> Iterator[Problem]:
    vip = cluster.vip
    for router in cluster.routers:
        if router.vip.version != node.address.version:
            yield Problem(
                node.name,
                "vip" if router.is_first else "virtual_routers.vip",
                f"{router.vip.ip} is IPv{router.vip.version}, but this host's address {node.address} is "
                f"IPv{node.address.version}. VRRP runs in the VIP's family; put a VIP of the other family "
                "into additional_vips",
            )
    if vip.version == node.address.version == 6 and node.keepalived.vrrp_version == 2:
        yield Problem(node.name, "keepalived.vrrp_version", "2 does not support IPv6; set 3")


def _ports(node: Node) -> Iterator[Problem]:
    own = {apiserver.port: apiserver.name for apiserver in node.apiservers if apiserver.address == node.address}
    ports = [("haproxy.port", node.haproxy.port), ("haproxy.stats.port", node.haproxy.stats.port)]
    if node.keepalived.tickle:
        ports.append(("haproxy.peers_port", node.haproxy.peers_port))
    for key, taken in ports:
        if taken in own:
            yield Problem(
                node.name,
                key,
                f"{taken} is used by the apiserver {own[taken]} on the same host; set different ports, "
                "for example 8443 and 6443",
            )
    if node.control_plane_endpoint:
        port = node.control_plane_endpoint.rpartition(":")[2]
        if port != str(node.haproxy.port):
            yield Problem(
                node.name,
                "control_plane_endpoint",
                f"{node.control_plane_endpoint}: expected port {node.haproxy.port} (haproxy.port), or "
                "clients would not reach haproxy",
            )
        yield from _endpoint(node)


def _endpoint(node: Node) -> Iterator[Problem]:
    """Yield a problem if the control-plane endpoint is an address that is not a VIP, and so does not fail over."""
    name = (node.control_plane_endpoint or "").rpartition(":")[0].strip("[]")
    try:
        known = ip_address(name) in {vip.ip for vip in node.vips}
    except ValueError:
        known = not _is_number(name)
    if name and not known:
        vips = ", ".join(str(vip.ip) for vip in node.vips)
        words = f"expected a name, or a VIP of the cluster ({vips}), got {name}; clients would bypass the VIP"
        yield Problem(node.name, "control_plane_endpoint", words)


def _is_number(name: str) -> bool:
    """Return whether a resolver reads it as an IPv4 address, like `192.0.2.010`, `3221225994` or `0xc000020a`."""
    try:
        inet_aton(name)
    except OSError:
        return not any(char.isalpha() for char in name)
    return True


def _no_hosts(network: IPNetwork) -> set[object]:
    """Return the addresses of a network that no host can have; IPv6 has no broadcast address."""
    return {network.network_address, *({network.broadcast_address} if network.version == 4 else ())}


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 and "\n" not in text else "its value"


def _flat(node: Node) -> dict[str, object]:
    """Return all settings that the nodes of a cluster must agree on, by dotted path."""
    shared: dict[str, object] = {}

    def walk(prefix: str, settings: Settings, skip: set[str]) -> None:
        for key, value in settings:
            path = f"{prefix}{key}"
            if key in skip:
                continue
            if isinstance(value, Settings):
                walk(f"{path}.", value, set())
            elif isinstance(value, Mapping):
                shared[path] = tuple(sorted(value))
                for name, each in value.items():
                    walk(f"{path}.{name}.", each, set())
            else:
                shared[path] = value

    walk("", node, PER_NODE)
    walk("keepalived.", node.keepalived, PER_NODE_KEEPALIVED)
    return shared
