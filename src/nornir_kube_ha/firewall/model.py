"""The words of firewalls: what has to pass, what there is, what differs."""

from dataclasses import dataclass

from nornir_kube_ha.firewall.ruleset import Packet


@dataclass(frozen=True, slots=True)
class Opening:
    """What has to pass a host's packet filter.

    Arguments:
        what: in words, `VRRP from lb-2`
        packet: one of its kind
        is_vital: without it the VIP does not serve; the stats page and haproxy's peers do without
        only_from_source: whether nobody else than this packet's source may pass
    """

    what: str
    packet: Packet
    is_vital: bool = True
    only_from_source: bool = False


@dataclass(frozen=True, slots=True)
class FirewallFact:
    """What manages a host's packet filter, and which of its rules are ours.

    Arguments:
        manager: `firewalld`, `ufw` or `nftables`; "" where nothing is filtered, or by something that is not known
        place: where rules belong: firewalld's zone of the interface, the file that nftables.service loads; "" if there
            is none, and for ufw
        live: our rules that are in force, as far as the manager tells; those of nftables stand in the ruleset itself
        kept: our rules that are there again after a boot
        tables: of nftables only, those that the file makes: `inet filter`. Others are made by who knows whom
    """

    manager: str = ""
    place: str = ""
    live: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


NO_FIREWALL = FirewallFact()
"""Nothing that could be told."""


@dataclass(frozen=True, slots=True)
class FirewallChange:
    """What a host's firewall has to let through, and does not, or does for us no longer needed.

    Arguments:
        manager: `firewalld`, `ufw` or `nftables`
        place: as `FirewallFact.place`
        wanted: our rules as they should be, in the manager's own words
        opened: those of them that are not in force, or not after a boot
        closed: rules of ours that nothing needs any more
    """

    manager: str
    place: str
    wanted: tuple[str, ...]
    opened: tuple[str, ...]
    closed: tuple[str, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """What will be done, in order: `ufw: open allow 8443/tcp`."""
        opened = (f"{self.manager}: open {rule}" for rule in self.opened)
        return (*opened, *(f"{self.manager}: close {rule}" for rule in self.closed))

    @property
    def opened_diff(self) -> str:
        """What is opened, as text."""
        return "\n".join(f"+ {self.manager} {rule}" for rule in self.opened)

    @property
    def closed_diff(self) -> str:
        """What is closed, as text."""
        return "\n".join(f"- {self.manager} {rule}" for rule in self.closed)
