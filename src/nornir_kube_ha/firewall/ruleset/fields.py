"""Evaluate nft expressions for a packet: `meta iifname`, `ip saddr`, `tcp dport`, `ct state`, ..."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from nornir_kube_ha.firewall.ruleset.model import TCP, VRRP, Packet
from nornir_kube_ha.firewall.ruleset.values import PROTOCOLS, Absent, Span, Value, exactly, masked

OTHER_HEADERS = frozenset({"ip", "ip6", "arp", "vlan"})  # in these hooks a packet has only its own one
PACKET = "packet"  # a change that may have altered any field
FOUND = exactly(1)  # reverse route to the sender by the same interface; nft compares a missing one as 0
PORTS = frozenset({"tcp", "udp", "th"})
EPHEMERAL = Span(1024, 65535)  # ip_local_port_range cannot include privileged ports
BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class View:
    """A packet as a rule sees it.

    Arguments:
        packet: the packet as it came
        tracked: whether conntrack has seen it
        changed: what earlier rules may have changed: `mark`, `ct`, `saddr`, or a set, `@peers`
    """

    packet: Packet
    tracked: bool = True
    changed: frozenset[str] = frozenset()

    def but(self, *names: str) -> "View":
        """Return the view after a rule that may have changed something.

        Arguments:
            names: what the rule may have changed
        """
        return replace(self, changed=self.changed | set(names))

    def value(self, expression: object) -> Value:
        """Return the value of an expression.

        Arguments:
            expression: the `left` of a match or the `key` of a verdict map, as JSON
        """
        value: Value = None
        match expression:
            case {"meta": {"key": str(key)}}:
                value = self._meta(key)
            case {"payload": {"protocol": str(header), "field": str(name)}}:
                value = self._payload(header, name)
            case {"ct": {"key": str(key), **rest}} if not rest:
                value = self._ct(key)
            case {"fib": {"result": "type", "flags": "daddr" | ["daddr"]}}:
                value = self._address_type()
            case {"fib": {"result": "oif", "flags": [*flags]}} if {"saddr", "iif"} <= set(flags):
                value = FOUND
            case {"&": [left, mask]}:
                value = masked(self.value(left), mask)
            case {"concat": [*parts]}:
                value = tuple(self.value(part) for part in parts)
        return value

    def _meta(self, key: str) -> Value:
        known: dict[str, Value] = {
            "l4proto": exactly(self.packet.protocol),
            "nfproto": f"ipv{self.packet.version}",
            "protocol": self._header,
            "iif": self._interface("input"),
            "iifname": self._interface("input"),
            "oif": self._interface("output"),
            "oifname": self._interface("output"),
            "mark": None if "mark" in self.changed else exactly(0),
            "pkttype": self._packet_type(),
        }
        return known.get(key)

    def _interface(self, hook: str) -> str:
        """Return the interface name.

        It is "" in the other hook, and since Linux 5.4 rules compare "" like any name.
        """
        return self.packet.interface if self.packet.hook == hook else ""

    def _packet_type(self) -> Value:
        if self.packet.hook == "output":
            return None
        return {"local": "host"}.get(self._kind(), self._kind())

    def _payload(self, header: str, name: str) -> Value:
        if header == self._header:
            return self._ip(name)
        if header in OTHER_HEADERS or PROTOCOLS.get(header, self.packet.protocol) != self.packet.protocol:
            return Absent.HEADER
        return self._transport(name) if header in PORTS else None

    @property
    def _header(self) -> str:
        return "ip" if self.packet.version == 4 else "ip6"

    def _ip(self, name: str) -> Value:
        protocol = "protocol" if self.packet.version == 4 else "nexthdr"
        known: dict[str, Value] = {
            "version": exactly(self.packet.version),
            protocol: exactly(self.packet.protocol),
            "saddr": None if "saddr" in self.changed else exactly(int(self.packet.source)),
            "daddr": exactly(int(self.packet.destination)),
            # RFC 5798, 5.1.1.3. Over IPv6, keepalived's unicast adverts have the kernel's default hop limit.
            "ttl": exactly(255) if self.packet.protocol == VRRP else None,
        }
        return known.get(name)

    def _transport(self, name: str) -> Value:
        if self.packet.port is None:
            return None
        known: dict[str, Value] = {"dport": exactly(self.packet.port), "sport": EPHEMERAL}
        if self.packet.protocol == TCP:
            known["flags"] = frozenset({"syn"})
        return known.get(name)

    def _ct(self, key: str) -> Value:
        known: dict[str, Value] = {"state": frozenset({"new"}), "status": frozenset()}
        return known.get(key) if self.tracked and "ct" not in self.changed else None

    def _address_type(self) -> Value:
        """Return the routing type of the destination.

        A unicast packet in the input hook is local by definition; in the output hook the type is unknown.
        """
        return None if (self.packet.hook, self._kind()) == ("output", "local") else self._kind()

    def _kind(self) -> str:
        if self.packet.destination.is_multicast:
            return "multicast"
        return "broadcast" if self.packet.destination == BROADCAST else "local"
