"""A cluster: the load-balancer nodes that share one VIP, and the rules that only all of them together can break."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.fields import Settings
from nornir_kube_ha.intent.haproxy import Apiserver
from nornir_kube_ha.intent.node import Node

MIN_NODES = 2  # one master and at least one backup
PER_NODE = {"name", "role", "address", "interface", "keepalived"}
PER_NODE_KEEPALIVED = {"router_id", "priority", "state"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The nodes that share one VIP.

    Arguments:
        name: the cluster's name
        nodes: its nodes, in the inventory's order
    """

    name: str
    nodes: tuple[Node, ...]

    @property
    def master(self) -> Node:
        """The node that holds the VIP while all is well."""
        return next(node for node in self.nodes if node.role == "master")

    @property
    def vip(self) -> IPv4Interface:
        """The virtual IP, with its prefix length."""
        return self.nodes[0].vip

    @property
    def apiservers(self) -> tuple[Apiserver, ...]:
        """All kube-apiservers."""
        return self.nodes[0].apiservers

    def node(self, name: str) -> Node:
        """The node of that name.

        Arguments:
            name: the host's name in the inventory

        Raises:
            KeyError: the cluster has no such node
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def peers(self, node: Node) -> tuple[Node, ...]:
        """All other nodes.

        Arguments:
            node: one of this cluster's nodes
        """
        return tuple(other for other in self.nodes if other.name != node.name)

    def problems(self) -> Iterator[Problem]:
        """Each rule that the nodes break together."""
        yield from self._roles()
        yield from self._shared_values()
        yield from self._priorities()
        for node in self.nodes:
            yield from self._addresses(node)
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
        priorities = [node.keepalived.priority for node in self.nodes]
        gap = max(priorities) - min(priorities)
        weight = self.nodes[0].keepalived.check.weight
        if weight and abs(weight) <= gap:
            yield Problem(
                self.nodes[0].name,
                "keepalived.check.weight",
                f"{weight} never moves the VIP: priorities are {gap} apart, so more than {gap} is needed "
                "(or 0, which gives the VIP up at once)",
            )

    def _addresses(self, node: Node) -> Iterator[Problem]:
        if node.address == self.vip.ip:
            yield Problem(node.name, "vip", f"{self.vip.ip} is this host's own address; the VIP must be a free one")

    def _ports(self, node: Node) -> Iterator[Problem]:
        own = {apiserver.port: apiserver.name for apiserver in node.apiservers if apiserver.address == node.address}
        for key, taken in (("haproxy.port", node.haproxy.port), ("haproxy.stats.port", node.haproxy.stats.port)):
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


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 and "\n" not in text else "its value"


def _flat(node: Node) -> dict[str, object]:
    """All values that the nodes of a cluster share, by dotted path."""
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


@dataclass(frozen=True, slots=True)
class Intent:
    """All that an inventory says should be.

    Arguments:
        clusters: its clusters, in the inventory's order
    """

    clusters: tuple[Cluster, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node of every cluster."""
        return tuple(node for cluster in self.clusters for node in cluster.nodes)

    def node(self, name: str) -> Node:
        """The node of that name.

        Arguments:
            name: the host's name in the inventory

        Raises:
            KeyError: no cluster has it
        """
        return self.cluster_of(name).node(name)

    def cluster_of(self, name: str) -> Cluster:
        """The cluster that a node belongs to.

        Arguments:
            name: the host's name in the inventory

        Raises:
            KeyError: no cluster has it
        """
        for cluster in self.clusters:
            if any(node.name == name for node in cluster.nodes):
                return cluster
        raise KeyError(name)

    def problems(self) -> Iterator[Problem]:
        """Each rule that is broken, within a cluster or between them."""
        for cluster in self.clusters:
            yield from cluster.problems()
        owners: dict[tuple[str, str], str] = {}
        for cluster in self.clusters:
            for host, key, value, owner in _claims(cluster):
                other = owners.setdefault((key, value), owner)
                if other != owner:
                    yield Problem(host, key, f"{value} is {other}'s already; {owner} needs its own")


def _claims(cluster: Cluster) -> Iterator[tuple[str, str, str, str]]:
    """Host, key, value and owner of each value that no other may have."""
    first = cluster.nodes[0]
    yield first.name, "vip", str(cluster.vip.ip), f"cluster {cluster.name}"
    # Routers hear each other within a network, so that is where a VRID must be alone.
    vrid = f"{first.virtual_router_id} on {cluster.vip.network}"
    yield first.name, "virtual_router_id", vrid, f"cluster {cluster.name}"
    for node in cluster.nodes:
        yield node.name, "address", str(node.address), node.name
        yield node.name, "keepalived.router_id", node.keepalived.router_id, node.name
