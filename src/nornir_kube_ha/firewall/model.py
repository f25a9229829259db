"""Values for firewalls: what must pass, what is there, and the change."""

from dataclasses import dataclass

from nornir_kube_ha.addresses import IPAddress, IPNetwork
from nornir_kube_ha.firewall.ruleset import Packet


@dataclass(frozen=True, slots=True)
class Opening:
    """A packet that a host's packet filter must pass.

    Arguments:
        what: description, `VRRP from lb-2`
        packet: an example of such a packet
        is_vital: whether the VIP fails without it; the stats page and haproxy's peers are not vital
        only_from: the sources whose packets pass; None for any
    """

    what: str
    packet: Packet
    is_vital: bool = True
    only_from: IPAddress | IPNetwork | None = None


@dataclass(frozen=True, slots=True)
class FirewallFact:
    """The manager of a host's packet filter, and kube-ha's rules in it.

    Arguments:
        manager: `firewalld`, `ufw` or `nftables`; "" if there is no filter or an unknown manager
        place: firewalld's zone of the interface, or the file that nftables.service loads; "" for ufw or if none
        live: kube-ha's rules in force as listed by the manager; those of nftables are in the ruleset itself
        kept: kube-ha's rules that survive a boot
        tables: for nftables, the tables that its file creates: `inet filter`; other programs create the rest
    """

    manager: str = ""
    place: str = ""
    live: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


NO_FIREWALL = FirewallFact()
"""No firewall, or one that kube-ha cannot manage."""


@dataclass(frozen=True, slots=True)
class FirewallChange:
    """Rules to add to a host's firewall, and kube-ha's rules to remove.

    Arguments:
        manager: `firewalld`, `ufw` or `nftables`
        place: as `FirewallFact.place`
        wanted: all rules that the host needs, in the manager's syntax
        opened: those that are not in force, or do not survive a boot
        closed: kube-ha's rules that are no longer needed
    """

    manager: str
    place: str
    wanted: tuple[str, ...]
    opened: tuple[str, ...]
    closed: tuple[str, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps in order: `ufw: open allow 8443/tcp`."""
        opened = (f"{self.manager}: open {rule}" for rule in self.opened)
        return (*opened, *(f"{self.manager}: close {rule}" for rule in self.closed))

    @property
    def opened_diff(self) -> str:
        """Rules to add, as text."""
        return "\n".join(f"+ {self.manager} {rule}" for rule in self.opened)

    @property
    def closed_diff(self) -> str:
        """Rules to remove, as text."""
        return "\n".join(f"- {self.manager} {rule}" for rule in self.closed)
