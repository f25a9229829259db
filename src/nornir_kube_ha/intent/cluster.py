"""A cluster: the load-balancer nodes that share one VIP, and the rules that span several nodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from socket import inet_aton

from nornir_kube_ha.addresses import IPInterface, IPNetwork
from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.intent.haproxy import Apiserver
from nornir_kube_ha.intent.keepalived import FOREMOST
from nornir_kube_ha.intent.node import Node
from nornir_kube_ha.intent.router import Router

MIN_NODES = 2  # one master and at least one backup
MOST_HEARD = 14  # VIPs and VRIDs per cluster: each adds a line to what a look hears, which must fit one pipe write
PER_NODE = {
    *("name", "role", "address", "interface", "host_keys", "login", "keepalived"),
    *("firewall", "packages", "templates", "lab_suite"),
}
PER_NODE_KEEPALIVED = {"router_id", "priority", "state"}


@dataclass(frozen=True)
class Cluster:
    """The nodes that share one VIP.

    Arguments:
        name: the cluster's name
        nodes: its nodes, in the inventory's order
    """

    name: str
    nodes: tuple[Node, ...]

    @property
    def vip(self) -> IPInterface:
        """The first VIP, with its prefix length."""
        return self.nodes[0].vip

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """All VIPs of all virtual routers, `vip` first."""
        return self.nodes[0].vips

    @property
    def addresses(self) -> str:
        """All VIPs without prefix lengths, separated by commas."""
        return ", ".join(str(vip.ip) for vip in self.vips)

    @property
    def virtual_router_id(self) -> int:
        """The VRID of the cluster's first virtual router."""
        return self.nodes[0].virtual_router_id

    @property
    def virtual_router_ids(self) -> tuple[int, ...]:
        """The VRIDs of all virtual routers, the cluster's first router first."""
        return self.virtual_router_id, *(each.virtual_router_id for each in self.nodes[0].virtual_routers)

    @cached_property
    def master(self) -> Node:
        """The node with role `master`; the first node if none has it."""
        return next((node for node in self.nodes if node.role == "master"), self.nodes[0])

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """All virtual routers: the cluster's first one, then those of `virtual_routers`."""
        first = self.nodes[0]
        own = Router(first.virtual_router_id, (first.vip, *first.additional_vips), self.master.name, is_first=True)
        return own, *self.further_routers

    @cached_property
    def further_routers(self) -> tuple[Router, ...]:
        """The virtual routers that `virtual_routers` adds to the first one."""
        return tuple(Router(each.virtual_router_id, each.vips, each.master) for each in self.nodes[0].virtual_routers)

    def router(self, virtual_router_id: int | None = None) -> Router:
        """Return the virtual router with a VRID.

        Arguments:
            virtual_router_id: None selects the cluster's first router

        Raises:
            KeyError: the cluster has no such virtual router
        """
        for router in self.routers:
            if virtual_router_id in {None, router.virtual_router_id}:
                return router
        raise KeyError(virtual_router_id)

    def place(self, node: Node, router: Router) -> Node:
        """Return the node whose configured priority and state `node` uses in a virtual router.

        Where a router has its own master, that node and the cluster's master swap priority and state.

        Arguments:
            node: one of this cluster's nodes
            router: one of its virtual routers
        """
        changed = {router.master: self.master.name, self.master.name: router.master}
        return self.node(changed.get(node.name, node.name))

    @property
    def apiservers(self) -> tuple[Apiserver, ...]:
        """All kube-apiservers."""
        return self.nodes[0].apiservers

    @property
    def preferred_priority(self) -> int:
        """Priority that a planned move gives the new holder.

        Well below 254 by default: RFC 5798's skew time then exceeds the time the old holder needs to remove the VIP.
        """
        return min(FOREMOST, max(node.keepalived.priority for node in self.nodes) + 20)

    def node(self, name: str) -> Node:
        """Return a node by its name in the inventory.

        Raises:
            KeyError: the cluster has no such node
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def peers(self, node: Node) -> tuple[Node, ...]:
        """Return all nodes except this one."""
        return tuple(other for other in self.nodes if other.name != node.name)

    def problems(self) -> Iterator[Problem]:
        """Yield a problem for each rule that the cluster breaks."""
        yield from self._roles()
        yield from self._shared_values()
        yield from self._priorities()
        yield from self._further_routers()
        for node in self.nodes:
            yield from self._addresses(node)
            yield from self._families(node)
            yield from self._ports(node)

    def _roles(self) -> Iterator[Problem]:
        masters = [node.name for node in self.nodes if node.role == "master"]
        if len(masters) != 1:
            seen = ", ".join(masters) or "none"
            yield Problem("", "role", f"cluster {self.name} needs exactly one master, has {seen}")
        if len(self.nodes) < MIN_NODES:
            names = ", ".join(node.name for node in self.nodes)
            yield Problem(
                "", "role", f"cluster {self.name} has one node ({names}); high availability needs {MIN_NODES} or more"
            )

    def _shared_values(self) -> Iterator[Problem]:
        first = self.nodes[0]
        expected = _flat(first)
        for node in self.nodes[1:]:
            for key, value in _flat(node).items():
                if value != expected[key]:
                    yield Problem(
                        node.name,
                        key,
                        f"{_shown(value)} differs from {_shown(expected[key])} on {first.name}; "
                        f"all nodes of cluster {self.name} share it",
                    )

    def _priorities(self) -> Iterator[Problem]:
        masters = [node for node in self.nodes if node.role == "master"]
        for node in self.nodes:
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
                    node.name, "keepalived.state", "MASTER is the master's: two would both take the VIP at each boot"
                )
        yield from self._equal_priorities()
        yield from self._weight()

    def _equal_priorities(self) -> Iterator[Problem]:
        seen: dict[int, str] = {}
        for node in self.nodes:
            other = seen.setdefault(node.keepalived.priority, node.name)
            if other != node.name and not node.keepalived.preempt:
                yield Problem(
                    node.name,
                    "keepalived.priority",
                    f"{node.keepalived.priority} is {other}'s too; without preempt each node needs its own",
                )

    def _weight(self) -> Iterator[Problem]:
        first = self.nodes[0]
        weight = first.keepalived.check.weight
        priorities = [node.keepalived.priority for node in self.nodes]
        gap = max(priorities) - min(priorities)
        if weight and not first.keepalived.preempt:
            yield Problem(
                first.name,
                "keepalived.check.weight",
                f"{weight} moves nothing while keepalived.preempt is false: backups then leave a holder alone whatever "
                "its priority; take 0, which gives the VIP up at once, or preempt: true",
            )
        if weight and abs(weight) <= gap:
            yield Problem(
                first.name,
                "keepalived.check.weight",
                f"{weight} does not move the VIP between all nodes: priorities are {gap} apart, so more than {gap} is "
                "needed (or 0, which gives the VIP up at once)",
            )
        if max(priorities) + weight > FOREMOST:
            yield Problem(
                first.name,
                "keepalived.check.weight",
                f"{weight} on top of priority {max(priorities)} is more than {FOREMOST}, where keepalived stops "
                "and nodes become equal",
            )

    def _addresses(self, node: Node) -> Iterator[Problem]:
        own = len(self.routers[0].vips)
        for number, vip in enumerate(self.vips):
            key = "virtual_routers" if number >= own else "additional_vips" if number else "vip"
            if vip.ip in {other.ip for other in self.vips[:number]}:
                yield Problem(node.name, key, f"lists {vip.ip} once more; each VIP is named once")
            if vip.ip == node.address:
                yield Problem(node.name, key, f"{vip.ip} is this host's own address; the VIP must be a free one")
            elif any(vip.ip == apiserver.address for apiserver in node.apiservers):
                yield Problem(node.name, key, f"{vip.ip} is an apiserver's address; the VIP must be a free one")
            if vip.network.num_addresses > 2 and vip.ip in _no_hosts(vip.network):
                yield Problem(node.name, key, f"{vip.ip} is no host's address in {vip.network}")
            if node.haproxy.stats.bind == vip.ip:
                yield Problem(
                    node.name,
                    "haproxy.stats.bind",
                    f"{vip.ip} is the VIP, which only its holder can bind; use 0.0.0.0",
                )

    def _further_routers(self) -> Iterator[Problem]:
        first, names = self.nodes[0], [node.name for node in self.nodes]
        vips, vrids = len(self.vips), len(self.virtual_router_ids)
        if vips + vrids > MOST_HEARD:
            message = (
                f"cluster {self.name} has {vips} VIPs and {vrids} VRIDs; one look has room for {MOST_HEARD} in all"
            )
            yield Problem(first.name, "virtual_routers", message)
        seen = {self.virtual_router_id}
        for router in first.virtual_routers:
            number = router.virtual_router_id
            if number in seen:
                message = f"{number} is used twice in cluster {self.name}; each virtual router needs its own"
                yield Problem(first.name, "virtual_routers.virtual_router_id", message)
            seen.add(number)
            if any(line.split()[0] == "use_vmac" and len(line.split()) > 1 for line in first.keepalived.instance_lines):
                message = "`use_vmac NAME` would be one interface for several virtual routers; leave NAME out"
                yield Problem(first.name, "keepalived.instance_lines", message)
            if router.master not in names:
                message = f"{router.master} is no node of cluster {self.name}; there are {', '.join(names)}"
                yield Problem(first.name, "virtual_routers.master", message)

    def _families(self, node: Node) -> Iterator[Problem]:
        vip = self.vip
        for router in self.routers:
            if router.vip.version != node.address.version:
                yield Problem(
                    node.name,
                    "vip" if router.is_first else "virtual_routers.vip",
                    f"{router.vip.ip} is IPv{router.vip.version}, and this host's address {node.address} "
                    f"IPv{node.address.version}: VRRP is spoken between these addresses, in the family of the VIP; one "
                    "of the other family belongs into additional_vips",
                )
        if vip.version == node.address.version == 6 and node.keepalived.vrrp_version == 2:
            yield Problem(node.name, "keepalived.vrrp_version", "2 knows no IPv6; take 3")

    def _ports(self, node: Node) -> Iterator[Problem]:
        own = {apiserver.port: apiserver.name for apiserver in node.apiservers if apiserver.address == node.address}
        ports = [("haproxy.port", node.haproxy.port), ("haproxy.stats.port", node.haproxy.stats.port)]
        if node.keepalived.tickle:
            ports.append(("haproxy.peers_port", node.haproxy.peers_port))
        for key, taken in ports:
            if taken in own:
                yield Problem(
                    node.name,
                    key,
                    f"{taken} is taken by the apiserver {own[taken]} on this very host; "
                    "where both share a node the ports must differ (8443 and 6443)",
                )
        if node.control_plane_endpoint:
            port = node.control_plane_endpoint.rpartition(":")[2]
            if port != str(node.haproxy.port):
                yield Problem(
                    node.name,
                    "control_plane_endpoint",
                    f"{node.control_plane_endpoint} is not on port {node.haproxy.port} (haproxy.port), "
                    "so clients would not find haproxy",
                )
            yield from self._endpoint(node)

    @staticmethod
    def _endpoint(node: Node) -> Iterator[Problem]:
        """Yield a problem if the control-plane endpoint is an address that is not a VIP, and so does not fail over."""
        name = (node.control_plane_endpoint or "").rpartition(":")[0].strip("[]")
        try:
            known = ip_address(name) in {vip.ip for vip in node.vips}
        except ValueError:
            known = not _is_number(name)
        if name and not known:
            vips = ", ".join(str(vip.ip) for vip in node.vips)
            words = f"expected a name, or a VIP of the cluster ({vips}), got {name}; clients would go past the VIP"
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
            else:
                shared[path] = value

    walk("", node, PER_NODE)
    walk("keepalived.", node.keepalived, PER_NODE_KEEPALIVED)
    return shared
