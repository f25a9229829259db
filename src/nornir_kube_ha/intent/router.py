"""A virtual router: VIPs that always sit on the same node, with a VRRP election of their own."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.intent.fields import AddressWithPrefix, Name, Settings


class VirtualRouter(Settings):
    """An item of `virtual_routers` in the inventory: a virtual router in addition to the cluster's first one."""

    virtual_router_id: Annotated[int, Field(ge=1, le=255)]
    """The VRID, unique on its network."""
    vip: AddressWithPrefix
    """The VIP with its prefix length, of the same IP family as the nodes' addresses."""
    additional_vips: tuple[AddressWithPrefix, ...] = Field(default=(), max_length=8)
    """Up to eight more VIPs of either family; they always move with this `vip`."""
    master: Name
    """The node that holds these VIPs first; here it swaps priorities with the cluster's master."""

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """All VIPs of the router, `vip` first."""
        return self.vip, *self.additional_vips


@dataclass(frozen=True, slots=True)
class Router:
    """One virtual router of a cluster.

    Arguments:
        virtual_router_id: the VRID
        vips: the VIPs; the first one sets the IP family of the adverts
        master: name of the node that holds the VIPs first
        is_first: whether it is the cluster's first router, which has unsuffixed names on the hosts
    """

    virtual_router_id: int
    vips: tuple[IPInterface, ...]
    master: str
    is_first: bool = False

    @property
    def vip(self) -> IPInterface:
        """The first VIP."""
        return self.vips[0]

    @property
    def addresses(self) -> str:
        """All VIPs without prefix lengths, separated by commas."""
        return ", ".join(str(vip.ip) for vip in self.vips)

    @property
    def advertised_vips(self) -> tuple[IPInterface, ...]:
        """VIPs listed in adverts: those of the first VIP's family."""
        return tuple(vip for vip in self.vips if vip.version == self.vip.version)

    @property
    def carried_vips(self) -> tuple[IPInterface, ...]:
        """VIPs of the other family. A VRRP router has one family (RFC 5798), so keepalived moves these unadvertised."""
        return tuple(vip for vip in self.vips if vip.version != self.vip.version)

    def name(self, of_the_first: str) -> str:
        """Return this router's name for a file or section that each router has.

        Arguments:
            of_the_first: the first router's name for it; other routers append their VRID
        """
        return of_the_first if self.is_first else f"{of_the_first}-{self.virtual_router_id}"
