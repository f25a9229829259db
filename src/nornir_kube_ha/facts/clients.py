"""What a node knows of the clients that are connected to the VIPs: what it needs to tell them that a VIP has moved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CONNECTED = "ESTA"  # haproxy's word
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of the VIPs, as a node knows them.

    Arguments:
        peers: the other nodes' haproxies by name, each with haproxy's word for the connection to it, `ESTA` or `CONN`
        known: clients in haproxy's table, which has those that ended in the last minute as well; none if unknown
        connected: clients that are connected to a VIP of the node's own; none if unknown
        problems: why it could not tell clients that the VIP has moved
    """

    peers: Mapping[str, str] = field(default_factory=dict)
    known: int | None = None
    connected: int | None = None
    problems: tuple[str, ...] = ()


def parse_clients(text: str) -> Clients | None:
    """Read what `kube-ha-clients check` printed, none if it was not asked.

    Arguments:
        text: the section's body
    """
    pairs = [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines()]
    peers = (words.split() for kind, words in pairs if kind == "peer")
    numbers = {kind: int(words) for kind, words in pairs if _NUMBER.fullmatch(words)}
    if not pairs:
        return None
    return Clients(
        peers={words[0]: words[1] for words in peers if len(words) == 2},
        known=numbers.get("known"),
        connected=numbers.get("connected"),
        problems=tuple(words for kind, words in pairs if kind == "problem"),
    )
