"""A packet, and a ruleset's verdict on it."""

from dataclasses import dataclass
from typing import Literal

from nornir_kube_ha.addresses import IPAddress

TCP = 6
UDP = 17
VRRP = 112


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of IPv4 or IPv6.

    It is the first of its connection, unfragmented and unmarked, and its source is routed back by the same interface.

    Arguments:
        hook: `input` if the host receives it, `output` if the host sends it
        protocol: IP protocol, 6 for TCP, 112 for VRRP
        source: source address
        destination: destination address
        interface: the interface it comes in by, or goes out by
        port: destination port; for TCP and UDP only

    Raises:
        ValueError: no packet has these fields
    """

    hook: Literal["input", "output"]
    protocol: int
    source: IPAddress
    destination: IPAddress
    interface: str
    port: int | None = None

    def __post_init__(self) -> None:
        """Reject fields that no packet has."""
        if self.hook not in {"input", "output"}:
            raise ValueError(f"hook: expected input or output, got {self.hook}")
        if not 0 <= self.protocol <= 255:
            raise ValueError(f"protocol: expected a number from 0 to 255, got {self.protocol}")
        if (self.port is not None) is not (self.protocol in {TCP, UDP}):
            raise ValueError(f"port: expected for TCP and UDP only, got protocol {self.protocol} and port {self.port}")
        if self.port is not None and not 0 < self.port < 65536:
            raise ValueError(f"port: expected a number from 1 to 65535, got {self.port}")
        if self.source.version != self.destination.version:
            raise ValueError(f"expected addresses of one family, got {self.source} and {self.destination}")

    @property
    def version(self) -> int:
        """IP version, 4 or 6."""
        return self.source.version


@dataclass(frozen=True, slots=True)
class Passage:
    """What a ruleset does with a packet.

    Arguments:
        verdict: `drop` includes rejects; `unknown` if the ruleset cannot be evaluated fully
        words: the rule or policy that decides; for `unknown`, the rule that is not understood
    """

    verdict: Literal["accept", "drop", "unknown"]
    words: str
