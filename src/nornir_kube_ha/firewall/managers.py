"""Firewall managers and their rule syntax, one class each."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from nornir_kube_ha.firewall.model import FirewallFact, Opening
from nornir_kube_ha.firewall.ruleset import VRRP, Chain, Ruleset, Table, stopping

MARK = "kube-ha"
LONGEST_RULE = 1000  # characters
PRIORITY = -28112  # marks kube-ha's rich rules, which cannot have a comment; ranks before rules that reject
_NFT_NAME = re.compile(r"[A-Za-z][\w/.-]*")


class Manager(Protocol):
    """A firewall manager."""

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """Return the rules that let a packet and others like it pass; empty if the manager has none.

        Arguments:
            opening: the packet that must pass
            ruleset: the rules in force
            ours: our existing rules
        """

    def governs(self, table: Table, chain: Chain) -> bool:
        """Return whether the manager's rules decide on packets in a base chain.

        Arguments:
            table: the chain's table
            chain: the base chain
        """


@dataclass(frozen=True, slots=True)
class Firewalld:
    """firewalld: rich rules in the zone of the node's interface. It does not filter outgoing packets.

    Arguments:
        fact: facts of the host's firewall
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """Return rich rules as firewalld prints them, so that they are recognised later."""
        packet = opening.packet
        if packet.hook == "output":
            return ()
        source = f'source address="{opening.only_from or packet.source}" '
        port = f'port port="{packet.port}" protocol="tcp"'
        what = f'{source}protocol value="vrrp"' if packet.protocol == VRRP else port
        what = source + what if opening.only_from else what
        return (f'rule priority="{PRIORITY}" family="ipv{packet.version}" {what} accept',)

    def governs(self, table: Table, chain: Chain) -> bool:  # noqa: ARG002 - Manager's
        """Return whether the table is firewalld's own."""
        return table.name == "firewalld"


@dataclass(frozen=True, slots=True)
class Ufw:
    """ufw: rules with our comment. ufw knows VRRP since 0.36.2.

    Arguments:
        fact: facts of the host's firewall
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """Return rules as `ufw show added` prints them, so that they are recognised later."""
        packet = opening.packet
        if opening.only_from:
            return (f"allow from {opening.only_from} to any port {packet.port} proto tcp",)
        if packet.protocol != VRRP:
            return (f"allow {packet.port}/tcp",)
        return (
            f"allow out to {packet.destination} proto vrrp"
            if packet.hook == "output"
            else f"allow from {packet.source} proto vrrp",
        )

    def governs(self, table: Table, chain: Chain) -> bool:
        """Return whether the chain is one of iptables' table `filter`, which ufw fills."""
        return table.family in {"ip", "ip6"} and table.name == "filter" and chain.name in {"INPUT", "OUTPUT"}


@dataclass(frozen=True, slots=True)
class Nftables:
    """nftables' own file: rules at the head of each of its base chains that may block the packet.

    Arguments:
        fact: facts of the host's firewall
    """

    fact: FirewallFact

    def rules(self, opening: Opening, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """Return rules as table, chain and expression: `inet filter input tcp dport 8443 accept`."""
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
            source = f"{header} saddr {opening.only_from} " if opening.only_from else ""
            return f"{source}tcp dport {packet.port} accept"
        way = f"daddr {packet.destination}" if packet.hook == "output" else f"saddr {packet.source}"
        # The number, because the name needs /etc/protocols, which minimal hosts lack.
        return f"{header} {way} {header} {protocol} {VRRP} accept"

    def governs(self, table: Table, chain: Chain) -> bool:
        """Return whether the file creates the table.

        Whatever else creates a table does so without our rules at the next boot.
        """
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
"""Pattern of our rules in each manager's listing."""


def manager_of(fact: FirewallFact) -> Manager | None:
    """Return the manager of a host's firewall.

    None if there is none, or if its rules would not survive a boot.

    Arguments:
        fact: facts of the host's firewall
    """
    if fact.manager not in MANAGERS or (fact.manager == "nftables" and not fact.place):
        return None
    return MANAGERS[fact.manager](fact)


def parse_firewall(manager: str, place: str, live: str, kept: str, tables: str = "") -> FirewallFact:
    """Parse what the fact gathering printed about a host's firewall.

    Arguments:
        manager: name of the manager
        place: zone or file that our rules belong in
        live: listing of the rules in force
        kept: listing of the rules that survive a boot
        tables: for nftables, the tables that its file creates, one a line

    Raises:
        KeyError: the manager is unknown
    """
    ours = _OURS[manager]
    in_force, to_stay = (frozenset(_found(ours, text)) for text in (live, kept))
    return FirewallFact(manager, place, in_force, to_stay, frozenset(tables.splitlines()))


def _found(ours: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield our rules.

    Line by line with a length limit, because the regexes take more than linear time on a long line.
    """
    for line in text.splitlines():
        if len(line) <= LONGEST_RULE and (match := ours.fullmatch(line)):
            yield match[match.lastindex or 0]


def rules_of(ruleset: Ruleset) -> frozenset[str]:
    """Return our rules in a ruleset, in the form of `Nftables.rules`."""
    return frozenset(
        f"{table.family} {table.name} {chain.name} {rule.comment.removeprefix(f'{MARK}: ')}"
        for table in ruleset.tables
        for chain in table.chains.values()
        for rule in chain.rules
        if rule.comment.startswith(f"{MARK}: ")
    )
