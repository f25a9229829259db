"""Read a haproxy.cfg of any origin. No I/O; time is linear in the length of the text."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_network

from pydantic import SecretStr

from nornir_kube_ha.addresses import IPNetwork
from nornir_kube_ha.daemons.text import MOST_KEPT, text_of

# From cfg_parse.c. A line that begins with any other word belongs to the section above it.
SECTIONS = frozenset(
    {
        *("global", "defaults", "frontend", "listen", "backend", "peers", "resolvers", "userlist", "mailers", "cache"),
        *("program", "http-errors", "ring", "log-forward", "log-profile", "fcgi-app", "crt-store", "traces", "acme"),
    }
)
SETTINGS = frozenset({"global", "defaults", "traces"})  # have no traffic of their own
TCP, UDP = "bind", "dgram-bind"
WITH_ADDRESS = frozenset({"frontend", "listen"})  # `listen NAME ADDRESS:PORT`, accepted before haproxy 1.9
MOST_PORTS = 100  # of a range of ports
# A quote without its partner stands for itself. At most one of each kind looks for it in vain, so matching is linear.
_PART = re.compile(r"""'([^']*+)'|"((?:[^"\\]|\\.)*+)"|\\([ \\#'"])|([^\s"'\\#]++|["'\\])|(\s)|#""")
_QUOTED, _SPACE = 2, 5
_ESCAPED = re.compile(r"""\\([ \\#'"$])""")  # haproxy keeps the backslash before any other character
_SOCKET = re.compile(r"(?:(?:ipv|tcp)[46]?@)?([^@/]*):(\d{1,5})(?:-(\d{1,5}))?")  # no UDP, and no UNIX socket


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a haproxy.cfg.

    Arguments:
        number: line number, from 1
        words: keyword and arguments, without quotes and comment; kept out of `repr`, since one may be a password
    """

    number: int
    words: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HAProxySection:
    """A section of a haproxy.cfg.

    Arguments:
        lines: lines with words, the section's head first
    """

    lines: tuple[Line, ...]

    @property
    def kind(self) -> str:
        """Kind of section: `frontend`, `listen`, `backend`, ..."""
        return self.lines[0].words[0]

    @property
    def name(self) -> str:
        """Name of the section; "" if it has none."""
        return "".join(self.lines[0].words[1:2])

    @property
    def binds(self) -> tuple[str, ...]:
        """Listen addresses as written in the file."""
        return self.bound(TCP, UDP)

    def bound(self, *keywords: str) -> tuple[str, ...]:
        """Return the listen addresses of some keywords, and those in the section's head."""
        head, *lines = (line.words for line in self.lines)
        old = [word for word in head[2:3] if self.kind in WITH_ADDRESS and ":" in word]
        return (*old, *(words[1] for words in lines if words[0] in keywords and words[1:]))

    @property
    def serves(self) -> bool:
        """Whether the section does more than set defaults."""
        return self.kind not in SETTINGS

    def arguments(self, *keywords: str) -> Iterator[tuple[str, ...]]:
        """Yield the words after the keywords, of each line that begins with them."""
        for line in self.lines[1:]:
            if line.words[: len(keywords)] == keywords:
                yield line.words[len(keywords) :]

    @property
    def sources(self) -> tuple[IPNetwork, ...]:
        """Networks whose clients a section as kube-ha writes it takes; empty if it takes all, or says it otherwise."""
        for words in self.arguments("tcp-request", "connection", "reject", "unless"):
            if words[:2] == ("{", "src") and words[-1:] == ("}",):
                with suppress(ValueError):
                    return tuple(map(ip_network, words[2:-1]))
        return ()

    def __str__(self) -> str:
        """Return the section in words: `frontend web (*:80)`."""
        words = f"{self.kind} {self.name}".strip()
        return f"{words} ({', '.join(self.binds)})" if self.binds else words


@dataclass(frozen=True, slots=True)
class HAProxyCfg:
    """What a haproxy.cfg says.

    Arguments:
        sections: in file order
    """

    sections: tuple[HAProxySection, ...] = ()

    def arguments(self, *keywords: str) -> Iterator[tuple[str, ...]]:
        """Yield the words after the keywords, of each line of any section that begins with them."""
        for section in self.sections:
            yield from section.arguments(*keywords)

    @property
    def logins(self) -> Iterator[tuple[str, SecretStr]]:
        """User and password of each `stats auth` line."""
        for user, _, password in (each[0].partition(":") for each in self.arguments("stats", "auth") if each):
            yield user, SecretStr(password)

    @property
    def admin_socket(self) -> str:
        """Path of the first `stats socket`; "" if there is none."""
        paths = (each[0].removeprefix("unix@") for each in self.arguments("stats", "socket") if each)
        return next((path for path in paths if path.startswith("/")), "")

    @property
    def ports(self) -> tuple[int, ...]:
        """TCP ports that clients of other hosts can reach, in file order."""
        binds = (bind for section in self.sections if section.kind != "peers" for bind in section.bound(TCP))
        return tuple(dict.fromkeys(port for host, port in _sockets(binds) if not _is_loopback(host)))

    @property
    def clients(self) -> tuple[tuple[int, tuple[IPNetwork, ...]], ...]:
        """Each of `ports`, and the networks that its section limits clients to; no networks where any may connect."""
        limits: dict[int, tuple[IPNetwork, ...]] = {}
        for section in self.sections:
            limits |= dict.fromkeys((port for _, port in _sockets(iter(section.bound(TCP)))), section.sources)
        return tuple((port, limits.get(port, ())) for port in self.ports)

    @property
    def peers_ports(self) -> tuple[int, ...]:
        """TCP ports on which haproxies copy each other's tables: bound, or else those of `peer` and `server` lines."""
        peers = [section for section in self.sections if section.kind == "peers"]
        lines = (line.words for section in peers for line in section.lines[1:])
        servers = (words[2] for words in lines if words[0] in {"peer", "server"} and words[2:])
        found = [*_sockets(bind for section in peers for bind in section.binds)] or _sockets(servers)
        return tuple(dict.fromkeys(port for _, port in found))


@lru_cache(MOST_KEPT)
def parse_haproxy_cfg(content: bytes) -> HAProxyCfg:
    """Return what a haproxy.cfg says.

    Arguments:
        content: the file; only the first 256 KiB are read
    """
    found: list[list[Line]] = []
    for number, text in enumerate(text_of(content).split("\n"), start=1):
        words = _words(text)
        if words and words[0] in SECTIONS:
            found.append([])
        if words and found:
            found[-1].append(Line(number, words))
    return HAProxyCfg(tuple(HAProxySection(tuple(lines)) for lines in found))


def _words(line: str) -> tuple[str, ...]:
    """Return the words of a line, without quotes and comment."""
    words: list[list[str]] = []
    is_within = False
    for part in _PART.finditer(line):
        kind = part.lastindex
        if kind is None:
            break
        if kind != _SPACE:
            if not is_within:
                words.append([])
            words[-1].append(_ESCAPED.sub(r"\1", part[kind]) if kind == _QUOTED else part[kind])
        is_within = kind != _SPACE
    return tuple(map("".join, words))


def _sockets(addresses: Iterator[str]) -> Iterator[tuple[str, int]]:
    """Yield host and port of each TCP address; several may stand in one word, and a port may be a range."""
    for address in (each for word in addresses for each in word.split(",")):
        if found := _SOCKET.fullmatch(address):
            first, last = int(found[2]), int(found[3] or found[2])
            yield from (
                (found[1], port) for port in range(first, min(last + 1, first + MOST_PORTS)) if 0 < port < 65536
            )


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in {"[::1]", "::1", "localhost"}
