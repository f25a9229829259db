"""What manages packet filters, and how each calls a rule. One class each; another is a class more."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from nornir_kube_ha.firewall.model import FirewallFact
from nornir_kube_ha.packetfilter import VRRP, Chain, Packet, Ruleset, Table, stopping

MARK = "kube-ha"
PRIORITY = -28112  # of our rich rules, which know no comment: nobody else's number, and before rules that refuse
IPTABLES = frozenset({"filter", "mangle", "nat", "raw", "security"})
_IDENTIFIER = re.compile(r"[A-Za-z][\w/.-]*")


class Manager(Protocol):
    """What manages a packet filter."""

    def rules(self, packet: Packet, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """Rules that let a packet, and those like it, pass; none if it knows none.

        Arguments:
            packet: one of its kind
            ruleset: the host's
            ours: rules of ours that are there
        """

    def governs(self, table: Table, chain: Chain) -> bool:
        """Whether its rules decide what becomes of a packet in a base chain.

        Arguments:
            table: the chain's
            chain: the chain
        """

    def parse(self, text: str) -> frozenset[str]:
        """Our rules, out of what it lists.

        Arguments:
            text: all rules that it has
        """


class Firewalld:
    """firewalld: rich rules, of the zone that the node's interface is in. It stops nothing that the host sends."""

    def rules(self, packet: Packet, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """As firewalld prints it: so it is found again."""
        if packet.hook == "output":
            return ()
        source, port = f'source address="{packet.source}" protocol value="vrrp"', f'port port="{packet.port}"'
        what = source if packet.protocol == VRRP else f'{port} protocol="tcp"'
        return (f'rule priority="{PRIORITY}" family="ipv4" {what} accept',)

    def governs(self, table: Table, chain: Chain) -> bool:  # noqa: ARG002 - Manager's
        """In all of its own table."""
        return table.name == "firewalld"

    def parse(self, text: str) -> frozenset[str]:
        """Those of our priority."""
        return frozenset(line for line in text.splitlines() if line.startswith(f'rule priority="{PRIORITY}" '))


class Ufw:
    """ufw: rules with our comment. VRRP is known to it since 0.36.2."""

    def rules(self, packet: Packet, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG002 - Manager's
        """As `ufw show added` prints it: so it is found again."""
        if packet.protocol != VRRP:
            return (f"allow {packet.port}/tcp",)
        return (
            f"allow out to {packet.destination} proto vrrp"
            if packet.hook == "output"
            else f"allow from {packet.source} proto vrrp",
        )

    def governs(self, table: Table, chain: Chain) -> bool:
        """In iptables' filter, which it fills."""
        return (table.family, table.name, chain.name) in {("ip", "filter", "INPUT"), ("ip", "filter", "OUTPUT")}

    def parse(self, text: str) -> frozenset[str]:
        """Those with our comment."""
        return frozenset(re.findall(rf"^ufw (.+) comment '{MARK}'$", text, re.MULTILINE))


class Nftables:
    """nftables' own file: rules at the head of each base chain that may stop the packet."""

    def rules(self, packet: Packet, ruleset: Ruleset, ours: Iterable[str]) -> tuple[str, ...]:
        """`inet filter input tcp dport 8443 accept`: table, chain, and what stands in it."""
        end = f" {self._expression(packet)}"
        known = [rule.removesuffix(end) for rule in ours if rule.endswith(end)]
        met = [pair for pair in stopping(ruleset, packet) if self.governs(*pair)]
        found = [f"{table.family} {table.name} {chain.name}" for table, chain in met]
        return tuple(f"{chain}{end}" for chain in dict.fromkeys((*sorted(known), *found)))

    @staticmethod
    def _expression(packet: Packet) -> str:
        if packet.protocol != VRRP:
            return f"tcp dport {packet.port} accept"
        whose = f"ip daddr {packet.destination}" if packet.hook == "output" else f"ip saddr {packet.source}"
        return f"{whose} ip protocol {VRRP} accept"  # its name needs /etc/protocols, which small hosts are without

    def governs(self, table: Table, chain: Chain) -> bool:
        """Where nft may write: iptables could not read its own chains any more."""
        of_iptables = table.family == "ip" and table.name in IPTABLES and chain.name.isupper()
        return not of_iptables and all(_IDENTIFIER.fullmatch(name) for name in (table.name, chain.name))

    def parse(self, text: str) -> frozenset[str]:
        """Those with our comment, in our file."""
        return frozenset(re.findall(rf'^insert rule (.+) comment "{MARK}: .*"$', text, re.MULTILINE))


MANAGERS: Mapping[str, Manager] = {"firewalld": Firewalld(), "ufw": Ufw(), "nftables": Nftables()}


def parse_firewall(manager: str, place: str, live: str, kept: str) -> FirewallFact:
    """Read what a look found of a host's firewall.

    Arguments:
        manager: its name
        place: where rules belong
        live: what it lists of those in force
        kept: what it lists of those that are there again after a boot

    Raises:
        KeyError: there is no such manager
    """
    known = MANAGERS[manager]
    return FirewallFact(manager, place, known.parse(live), known.parse(kept))


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
