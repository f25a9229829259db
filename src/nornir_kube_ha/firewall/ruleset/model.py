"""The question and its answer: a packet, and whether it passes."""

from dataclasses import dataclass
from typing import Literal

from nornir_kube_ha.addresses import IPAddress

TCP = 6
UDP = 17
VRRP = 112


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of IPv4 or IPv6: the first of its connection, whole, unmarked, from where routes lead back to.

    Arguments:
        hook: `input` if the host is to receive it, `output` if the host sends it
        protocol: IP protocol, 6 for TCP, 112 for VRRP
        source: where it comes from
        destination: where it goes
        interface: the one it comes in by, or goes out by
        port: destination port; of TCP and UDP only

    Raises:
        ValueError: there is no such packet
    """

    hook: Literal["input", "output"]
    protocol: int
    source: IPAddress
    destination: IPAddress
    interface: str
    port: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no packet can be."""
        if self.hook not in {"input", "output"}:
            raise ValueError(f"hook is input or output, not {self.hook}")
        if not 0 <= self.protocol <= 255:
            raise ValueError(f"an IP protocol is a number from 0 to 255, not {self.protocol}")
        if (self.port is not None) is not (self.protocol in {TCP, UDP}):
            raise ValueError(f"TCP and UDP have a port, and only they: protocol {self.protocol}, port {self.port}")
        if self.port is not None and not 0 < self.port < 65536:
            raise ValueError(f"a port is a number from 1 to 65535, not {self.port}")
        if self.source.version != self.destination.version:
            raise ValueError(f"no packet goes from {self.source} to {self.destination}")

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.source.version


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes of a packet.

    Arguments:
        verdict: `drop` if it is rejected, too; `unknown` if that depends on what is not known here
        words: the rule or the policy that decides; the rule that would have to be understood
    """

    verdict: Literal["accept", "drop", "unknown"]
    words: str
