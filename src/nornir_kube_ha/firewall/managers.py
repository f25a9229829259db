"""What manages packet filters, and how each calls a rule. One class each; another is a class more."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from nornir_kube_ha.firewall.model import FirewallFact, Opening
from nornir_kube_ha.firewall.ruleset import VRRP, Chain, Ruleset, Table, stopping

MARK = "kube-ha"
LONGEST_RULE = 1000  # characters
PRIORITY = -28112  # of our rich rules, which know no comment: nobody else's number, and before rules that refuse
_NFT_NAME = re.compile(r"[A-Za-z][\w/.-]*")


class Manager(Protocol):
    """What manages a packet filter."""

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """Rules that let its packet, and those like it, pass; none if it knows none.

        Arguments:
            opening: what has to pass
            ruleset: the host's
            ours: rules of ours that are there
        """

    def governs(self, table: Table, chain: Chain) -> bool:
        """Whether its rules decide what becomes of a packet in a base chain.

        Arguments:
            table: the chain's
            chain: the chain
        """


@dataclass(frozen=True, slots=True)
class Firewalld:
    """firewalld: rich rules, of the zone that the node's interface is in. It stops nothing that the host sends.

    Arguments:
        fact: the host's
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """As firewalld prints it: so it is found again."""
        packet = opening.packet
        if packet.hook == "output":
            return ()
        source = f'source address="{packet.source}" '
        port = f'port port="{packet.port}" protocol="tcp"'
        what = f'{source}protocol value="vrrp"' if packet.protocol == VRRP else port
        what = source + what if opening.only_from_source else what
        return (f'rule priority="{PRIORITY}" family="ipv{packet.version}" {what} accept',)

    def governs(self, table: Table, chain: Chain) -> bool:  # noqa: ARG002 - Manager's
        """In all of its own table."""
        return table.name == "firewalld"


@dataclass(frozen=True, slots=True)
class Ufw:
    """ufw: rules with our comment. VRRP is known to it since 0.36.2.

    Arguments:
        fact: the host's
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """As `ufw show added` prints it: so it is found again."""
        packet = opening.packet
        if opening.only_from_source:
            return (f"allow from {packet.source} to any port {packet.port} proto tcp",)
        if packet.protocol != VRRP:
            return (f"allow {packet.port}/tcp",)
        return (
            f"allow out to {packet.destination} proto vrrp"
            if packet.hook == "output"
            else f"allow from {packet.source} proto vrrp",
        )

    def governs(self, table: Table, chain: Chain) -> bool:
        """In iptables' filter, which it fills."""
        return table.family in {"ip", "ip6"} and table.name == "filter" and chain.name in {"INPUT", "OUTPUT"}


@dataclass(frozen=True, slots=True)
class Nftables:
    """nftables' own file: rules at the head of each base chain of it that may stop the packet.

    Arguments:
        fact: the host's
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """`inet filter input tcp dport 8443 accept`: table, chain, and what stands in it."""
        packet, expression = opening.packet, self._expression(opening)
        there = [pair for pair in ruleset.base_chains(packet.hook, packet.version) if self.governs(*pair)]
        stops = [*stopping(ruleset, packet)]
        known = frozenset(ours)
        found = ((f"{table.family} {table.name} {chain.name} {expression}", (table, chain)) for table, chain in there)
        return tuple(rule for rule, pair in found if pair in stops or rule in known)

    @staticmethod
    def _expression(opening: Opening) -> str:
        packet = opening.packet
        header, protocol = ("ip", "protocol") if packet.version == 4 else ("ip6", "nexthdr")
        if packet.protocol != VRRP:
            source = f"{header} saddr {packet.source} " if opening.only_from_source else ""
            return f"{source}tcp dport {packet.port} accept"
        way = f"daddr {packet.destination}" if packet.hook == "output" else f"saddr {packet.source}"
        # By its number: its name needs /etc/protocols, which small hosts are without.
        return f"{header} {way} {header} {protocol} {VRRP} accept"

    def governs(self, table: Table, chain: Chain) -> bool:
        """In tables that the file makes: who else makes one, makes it without our rules at the next boot."""
        names = all(_NFT_NAME.fullmatch(name) for name in (table.name, chain.name))
        return names and f"{table.family} {table.name}" in self.fact.tables


MANAGERS: Mapping[str, Callable[[FirewallFact], Manager]] = {
    "firewalld": Firewalld,
    "ufw": Ufw,
    "nftables": Nftables,
}
_OURS = {
    "firewalld": re.compile(rf'^rule priority="{PRIORITY}" .*$', re.MULTILINE),
    "ufw": re.compile(rf"^ufw (.+) comment '{MARK}'$", re.MULTILINE),
    "nftables": re.compile(rf'^insert rule (.+) comment "{MARK}: .*"$', re.MULTILINE),
}
"""Our rules among those that each lists."""


def manager_of(fact: FirewallFact) -> Manager | None:
    """None where there is none, or where what it is told would be forgotten at the next boot.

    Arguments:
        fact: the host's
    """
    if fact.manager not in MANAGERS or (fact.manager == "nftables" and not fact.place):
        return None
    return MANAGERS[fact.manager](fact)


def parse_firewall(manager: str, place: str, live: str, kept: str, tables: str = "") -> FirewallFact:
    """Read what a look found of a host's firewall.

    Arguments:
        manager: its name
        place: where rules belong
        live: what it lists of those in force
        kept: what it lists of those that are there again after a boot
        tables: of nftables, those that its file makes, one a line

    Raises:
        KeyError: there is no such manager
    """
    ours = _OURS[manager]
    in_force, to_stay = (frozenset(_found(ours, text)) for text in (live, kept))
    return FirewallFact(manager, place, in_force, to_stay, frozenset(tables.splitlines()))


def _found(ours: re.Pattern[str], text: str) -> Iterator[str]:
    """Our rules, line by line: no rule of ours is long, and what is sought in a line takes longer than it is."""
    for line in text.splitlines():
        if len(line) <= LONGEST_RULE and (match := ours.fullmatch(line)):
            yield match[match.lastindex or 0]


def rules_of(ruleset: Ruleset) -> frozenset[str]:
    """Our rules that stand in a ruleset, as `Nftables` calls them.

    Arguments:
        ruleset: the host's
    """
    return frozenset(
        f"{table.family} {table.name} {chain.name} {rule.comment.removeprefix(f'{MARK}: ')}"
        for table in ruleset.tables
        for chain in table.chains.values()
        for rule in chain.rules
        if rule.comment.startswith(f"{MARK}: ")
    )
