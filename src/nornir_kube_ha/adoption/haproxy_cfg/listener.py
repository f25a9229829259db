"""Find the haproxy listener that leads to the apiservers, and the stats page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from nornir_kube_ha.addresses import ANY_ADDRESSES
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Proxy
from nornir_kube_ha.adoption.haproxy_cfg.servers import Server, servers_of
from nornir_kube_ha.intent.names import LAST_RESORT, LISTENER

FRONTS = frozenset({"frontend", "listen"})
HEALTH = re.compile(r"/(?:healthz|readyz|livez)\b")
_KUBE = re.compile(r"kube|k8s|api-?server|control-?plane|master", re.IGNORECASE)
_STATS = ("enable", "uri", "auth", "refresh", "realm", "hide-version", "admin")
_APISERVER_PORTS = frozenset({6443, 8443, 9443, 16443})
LEAST = 4
"""Points that a listener needs: one server on port 6443, or a health check of Kubernetes and a name or a port."""
_SOCKET = re.compile(r"(?:(?:ipv|tcp)[46]?@)?([^@/]*):(\d{1,5})(?:-\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener with the sections that its connections go to.

    Arguments:
        front: the `frontend` or `listen` section
        backs: sections with the servers; the `listen` section itself among them
    """

    front: Proxy
    backs: tuple[Proxy, ...]

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, each once."""
        found = (server for back in self.backs for server in servers_of(back))
        return tuple({(each.host, each.port): each for each in found}.values())

    @property
    def back(self) -> Proxy:
        """The section with the first server."""
        return self.backs[0]

    @property
    def sections(self) -> tuple[Proxy, ...]:
        """All its sections, the front first."""
        return (self.front, *(each for each in self.backs if each is not self.front))


def sockets_of(proxy: Proxy) -> list[tuple[str, int]]:
    """Return host and first port of each TCP address that a section listens on."""
    words = (each for word in proxy.section.bound("bind") for each in word.split(","))
    return [(found[1], int(found[2])) for found in map(_SOCKET.fullmatch, words) if found]


def is_any(host: str) -> bool:
    """Return whether a host of a `bind` line stands for all addresses."""
    try:
        return not host or host == "*" or ip_address(host.strip("[]")) in ANY_ADDRESSES
    except ValueError:
        return False


def listeners_of(proxies: Sequence[Proxy]) -> tuple[Listener, ...]:
    """Return every listener that has servers, in file order.

    Arguments:
        proxies: of a host
    """
    backends = {each.name: each for each in proxies if each.kind in {"backend", "listen"}}
    found = []
    for front in (each for each in proxies if each.kind in FRONTS and sockets_of(each)):
        named = [front.name] if front.kind == "listen" and servers_of(front) else []
        named += [line.word(1) for line in front.own if line.words[0] in {"use_backend", "default_backend"}]
        if (line := front.last("default_backend")) and line.word(1) not in named:
            named.append(line.word(1))
        backs = [backends[name] for name in dict.fromkeys(named) if name in backends and name != LAST_RESORT]
        if backs := [each for each in backs if servers_of(each)]:
            found.append(Listener(front, tuple(backs)))
    return tuple(found)


def apiserver_listeners(listeners: Iterable[Listener]) -> list[Listener]:
    """Return the listeners that lead to apiservers, the most likely one first.

    Arguments:
        listeners: of a host
    """
    rated = [(points(each), each) for each in listeners]
    return [each for rate, each in sorted(rated, key=lambda pair: -pair[0]) if rate >= LEAST]


def points(listener: Listener) -> int:
    """Return how likely a listener leads to apiservers, as a number of points."""
    names = [listener.front.name, *(each.name for each in listener.backs)]
    asks = [line.raw for each in listener.backs for line in (*each.inherited, *each.own)]
    found = 4 if any(server.port == 6443 for server in listener.servers) else 0
    found += 3 if any(HEALTH.search(raw) for raw in asks) else 0
    found += 2 if any(map(_KUBE.search, names)) else 0
    found += 1 if any(port in _APISERVER_PORTS for _, port in sockets_of(listener.front)) else 0
    found += 3 if listener.front.name == LISTENER else 0
    return found - (4 if listener.front.mode != "tcp" else 0)


def stats_page(proxies: Iterable[Proxy]) -> Proxy | None:
    """Return the section of the stats page; None if there is none.

    Arguments:
        proxies: of a host
    """
    pages = [each for each in proxies if each.kind in FRONTS and sockets_of(each) and _is_stats(each)]
    return pages[0] if pages else None


def _is_stats(proxy: Proxy) -> bool:
    return any(line.words[0] == "stats" and line.word(1) in _STATS for line in proxy.own)


def users_of(proxies: Iterable[Proxy]) -> Mapping[str, set[str]]:
    """Return the names of the listeners that use each backend, by the backend's name.

    Arguments:
        proxies: of a host
    """
    found: dict[str, set[str]] = {}
    for each in proxies:
        for line in (*each.inherited, *each.own):
            if line.words[0] in {"use_backend", "default_backend"} and each.kind in FRONTS:
                found.setdefault(line.word(1), set()).add(each.name)
    return found
