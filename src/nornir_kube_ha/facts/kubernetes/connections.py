"""Connections to an apiserver's own port that neither haproxy nor the apiserver's own node makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.sections import whole


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Connections of one of the host's processes to an apiserver on another host.

    Arguments:
        process: its name; `?` if unknown
        apiserver: ADDRESS:PORT
        count: number of connections
    """

    process: str
    apiserver: str
    count: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """Connections of another machine to the host's own apiserver.

    Arguments:
        peer: the machine's address
        count: number of connections
    """

    peer: IPAddress
    count: int


@dataclass(frozen=True, slots=True)
class DirectConnections:
    """Connections past haproxy that existed during the whole look. See `facts.wire.direct_filter`.

    Arguments:
        outgoing: by process and apiserver
        incoming: by peer
        more: number of further processes and peers, which the host did not list
    """

    outgoing: tuple[Outgoing, ...] = ()
    incoming: tuple[Incoming, ...] = ()
    more: int = 0


def parse_direct_connections(text: str | None) -> DirectConnections | None:
    """Parse section `direct_clients`: `out COUNT APISERVER PROCESS`, `in COUNT PEER`, `more COUNT`.

    Arguments:
        text: of the section; None if the host was not asked, or could not list its connections

    Raises:
        ValueError: a line is malformed
    """
    if text is None:
        return None
    lines = [line.split(" ", 3) for line in sorted(text.splitlines()) if line]
    return DirectConnections(
        tuple(Outgoing(process, apiserver, whole(count)) for kind, count, apiserver, process in _of("out", lines)),
        tuple(Incoming(_address(peer), whole(count)) for kind, count, peer in _of("in", lines)),
        sum(whole(count) for kind, count in _of("more", lines)),
    )


def _of(kind: str, lines: list[list[str]]) -> Iterator[list[str]]:
    return (words for words in lines if words[0] == kind)


def _address(text: str) -> IPAddress:
    return ip_address(text.removeprefix("[").removesuffix("]").partition("%")[0])
