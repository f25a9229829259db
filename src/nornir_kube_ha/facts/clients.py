"""A node's knowledge of the VIPs' clients, which it needs to notify them of a move."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CONNECTED = "ESTA"  # haproxy's `show peers`: established
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of the VIPs, as one node knows them.

    Arguments:
        peers: state of the haproxy peers connection to each other node, by its name: `ESTA`, `CONN`
        known: entries in haproxy's table, including connections closed in the last minute; None if unknown
        connected: connections to the VIPs that this node holds; None if unknown
        problems: reasons why the node could not tell clients that the VIP has moved
    """

    peers: Mapping[str, str] = field(default_factory=dict)
    known: int | None = None
    connected: int | None = None
    problems: tuple[str, ...] = ()


def parse_clients(text: str) -> Clients | None:
    """Parse the output of `kube-ha-clients check`; return None if it was not run."""
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
