"""A virtual router: addresses that sit on one node and come and go together, by elections of their own."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.intent.fields import AddressWithPrefix, Name, Settings


class VirtualRouter(Settings):
    """A further virtual router of a cluster, beside its own: what the inventory says of it."""

    virtual_router_id: Annotated[int, Field(ge=1, le=255)]
    """Its VRID, unlike any other on its network."""
    vip: AddressWithPrefix
    """Its virtual IP, with its prefix length, of the family of the nodes' addresses."""
    additional_vips: tuple[AddressWithPrefix, ...] = Field(default=(), max_length=8)
    """Further virtual IPs of either family, eight at most; always where this `vip` is."""
    master: Name
    """The node that holds it while all is well, and changes places with the cluster's master in the order of nodes."""

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """All its virtual IPs, `vip` first."""
        return self.vip, *self.additional_vips


@dataclass(frozen=True, slots=True)
class Router:
    """One of a cluster's virtual routers, its own or a further one.

    Arguments:
        virtual_router_id: its VRID
        vips: its virtual IPs, the first says which family VRRP is spoken in
        master: name of the node that holds it while all is well
        is_first: whether it is the cluster's own
    """

    virtual_router_id: int
    vips: tuple[IPInterface, ...]
    master: str
    is_first: bool = False

    @property
    def vip(self) -> IPInterface:
        """The first of its virtual IPs."""
        return self.vips[0]

    @property
    def addresses(self) -> str:
        """Its virtual IPs, in words."""
        return ", ".join(str(vip.ip) for vip in self.vips)

    @property
    def advertised_vips(self) -> tuple[IPInterface, ...]:
        """Those that its adverts name: of the family that VRRP is spoken in."""
        return tuple(vip for vip in self.vips if vip.version == self.vip.version)

    @property
    def carried_vips(self) -> tuple[IPInterface, ...]:
        """Those of the other family: VRRP knows one family in a virtual router, so keepalived only carries them."""
        return tuple(vip for vip in self.vips if vip.version != self.vip.version)

    def name(self, of_the_first: str) -> str:
        """What something of its own is called, so that two routers never share it.

        Arguments:
            of_the_first: what the cluster's own router calls it
        """
        return of_the_first if self.is_first else f"{of_the_first}-{self.virtual_router_id}"
