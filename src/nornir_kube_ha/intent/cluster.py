"""A cluster: the load-balancer nodes that share one VIP, and the rules that span several nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from nornir_kube_ha.addresses import IPInterface, IPNetwork
from nornir_kube_ha.intent.haproxy import Apiserver
from nornir_kube_ha.intent.keepalived import FOREMOST
from nornir_kube_ha.intent.node import Node
from nornir_kube_ha.intent.router import Router


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

    def sources_of(self, listener: str) -> tuple[IPNetwork, ...]:
        """Return the networks whose clients may connect to a further listener; empty if all may.

        The nodes' own addresses are among them, since each node checks the listener at the VIP. So are the VIPs: the
        holder's own connections to a VIP come from it.

        Arguments:
            listener: its name

        Raises:
            KeyError: there is no such listener
        """
        given = self.nodes[0].haproxy.listeners[listener].sources
        own = map(ip_network, (*(node.address for node in self.nodes), *(vip.ip for vip in self.vips)))
        return (*given, *(each for each in own if not _is_within(each, given))) if given else ()

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


def _is_within(network: IPNetwork, others: Iterable[IPNetwork]) -> bool:
    return any(network.version == other.version and network.network_address in other for other in others)
