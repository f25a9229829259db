"""Read a keepalived.conf of any origin. No I/O; time is linear in the length of the text."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_interface

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.daemons.text import MOST_KEPT, text_of

# A comment begins with # or ! anywhere outside quotes. Each character can begin one alternative only.
_TOKEN = re.compile(r'"[^"\n]*"?|[#!][^\n]*|[{}]|\n|[^\s{}"#!]+')
MOST_NESTED = 8  # blocks; keepalived's own need four
ADVERTISED, EXCLUDED = "virtual_ipaddress", "virtual_ipaddress_excluded"
PEERS = "unicast_peer"


@dataclass(frozen=True, slots=True)
class Statement:
    """A keyword of a keepalived.conf with its arguments, and the block in braces that follows it.

    Arguments:
        words: keyword and arguments, without quotes; kept out of `repr`, since one may be a password
        first: number of its first line, from 1
        last: number of its last line, with the closing brace if it has one
        block: statements in its braces
    """

    words: tuple[str, ...] = field(repr=False)
    first: int
    last: int
    block: tuple["Statement", ...] = ()

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]

    @property
    def argument(self) -> str:
        """The second word; "" if there is none."""
        return "".join(self.words[1:2])

    def value(self, keyword: str) -> str:
        """Return the argument of a keyword in the block, of the last one if it is repeated; "" if it is not there."""
        return "".join(_last(self.block, keyword)[:1])

    def listed(self, keyword: str) -> tuple[str, ...]:
        """Return the first word of each line in all blocks of a keyword: addresses, names of scripts, ..."""
        return tuple(line.keyword for each in self.block if each.keyword == keyword for line in each.block)


@dataclass(frozen=True, slots=True)
class VRRPInstanceConf:
    """A `vrrp_instance` as written in a file.

    Arguments:
        statement: the whole instance
        vrrp_version: version as written in the instance or else in `global_defs`, "" if in neither
    """

    statement: Statement
    vrrp_version: str = ""

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self.statement.argument

    def value(self, keyword: str) -> str:
        """Return the argument of a keyword, of the last one if it is repeated; "" if it is not there."""
        return self.statement.value(keyword)

    @property
    def virtual_router_id(self) -> str:
        """The VRID without leading zeros, "" if there is none."""
        return self.value("virtual_router_id").lstrip("0")

    @property
    def advertised(self) -> tuple[str, ...]:
        """VIPs as written that adverts name."""
        return self.statement.listed(ADVERTISED)

    @property
    def addresses(self) -> tuple[str, ...]:
        """VIPs as written, including the excluded ones, which come last."""
        return (*self.advertised, *self.statement.listed(EXCLUDED))

    @property
    def vips(self) -> frozenset[IPAddress]:
        """VIPs that parse as an address."""
        return _addresses(self.addresses)

    @property
    def peers(self) -> frozenset[IPAddress]:
        """Unicast peers."""
        return _addresses(self.statement.listed(PEERS))

    @property
    def is_unicast(self) -> bool:
        """Whether it sends adverts to peers instead of the multicast group."""
        return any(each.keyword == PEERS for each in self.statement.block)

    @property
    def spoken_version(self) -> str:
        """The VRRP version that keepalived speaks; by default 2, and 3 for IPv6."""
        return self.vrrp_version or ("3" if any(":" in vip for vip in self.advertised[:1]) else "2")

    @property
    def authentication(self) -> tuple[str, str]:
        """Type and password of VRRP version 2's authentication; both "" if there is none."""
        found = [each for each in self.statement.block if each.keyword == "authentication"]
        return (found[-1].value("auth_type"), found[-1].value("auth_pass")) if found else ("", "")


@dataclass(frozen=True, slots=True)
class KeepalivedConf:
    """What a keepalived.conf says.

    Arguments:
        statements: the outermost ones, in file order
        fault: why its braces do not match, "" if they do
    """

    statements: tuple[Statement, ...] = ()
    fault: str = ""

    @property
    def vrrp_instances(self) -> tuple[VRRPInstanceConf, ...]:
        """The `vrrp_instance`s, in file order."""
        settings = [line for each in self._all("global_defs") for line in each.block]
        version = "".join(_last(settings, "vrrp_version")[:1])
        found = self._all("vrrp_instance")
        return tuple(VRRPInstanceConf(each, each.value("version") or version) for each in found)

    @property
    def virtual_router_ids(self) -> frozenset[str]:
        """VRIDs of all instances."""
        return frozenset(each.virtual_router_id for each in self.vrrp_instances)

    @property
    def peers(self) -> frozenset[IPAddress]:
        """Unicast peers, wherever they are listed."""
        lists = (each for each in _every(self.statements) if each.keyword == PEERS)
        return _addresses(line.keyword for each in lists for line in each.block)

    @property
    def assigned(self) -> frozenset[IPAddress]:
        """Addresses that keepalived gives to interfaces: VIPs and static ones."""
        static = (line.keyword for each in self._all("static_ipaddress") for line in each.block)
        return _addresses(static).union(*(each.vips for each in self.vrrp_instances))

    @property
    def scripts(self) -> Mapping[str, str]:
        """Command of each `vrrp_script`, by its name."""
        found = ((each.argument, _last(each.block, "script")) for each in self._all("vrrp_script"))
        return {name: " ".join(command) for name, command in found}

    @property
    def tracks_files(self) -> bool:
        """Whether it watches files."""
        return any(each.keyword in {"track_file", "vrrp_track_file"} for each in _every(self.statements))

    @property
    def does(self) -> tuple[str, ...]:
        """Everything that stops when the file is replaced, in a few words each."""
        routers = (words for each in self.vrrp_instances for words in _ends(each))
        others = (each for each in _every(self.statements) if each.keyword.startswith(("virtual_server", "include")))
        return (*routers, *(" ".join(each.words[:3]) for each in others))

    def _all(self, keyword: str) -> Iterator[Statement]:
        return (each for each in self.statements if each.keyword == keyword)


def _ends(router: VRRPInstanceConf) -> Iterator[str]:
    where = f"vrrp_instance {router.name}, VRID {router.virtual_router_id or 'unknown'}"
    yield from (f"VIP {address} ({where})" for address in router.addresses)
    if not router.addresses:
        yield where


@lru_cache(MOST_KEPT)
def parse_keepalived_conf(content: bytes) -> KeepalivedConf:
    """Return what a keepalived.conf says. A block that is not closed ends with the file.

    Arguments:
        content: the file; only the first 256 KiB are read
    """
    reader = _Reader()
    for token in _TOKEN.findall(text_of(content)):
        reader.take(token)
    return KeepalivedConf(reader.finished(), reader.fault)


class _Reader:
    """Makes statements of tokens. Not recursive: a file may nest deeper than Python does."""

    def __init__(self) -> None:
        self._line = 1
        self._heads: list[tuple[tuple[str, ...], int]] = []  # words before each open brace, and their line
        self._blocks: list[list[Statement]] = [[]]  # what stands in each of these braces; the file's own first
        self._words: list[str] = []
        self._first = self._last = 1
        self._too_deep = 0
        self.fault = ""

    def take(self, part: str) -> None:
        """Take the next word, brace, comment or end of a line. A brace on a line below its keyword belongs to it."""
        if part == "\n":
            self._line += 1
        elif part == "{":
            self._open()
        elif part == "}":
            self._close()
        elif part[0] not in "#!":
            if self._words and self._line != self._last:
                self._end_line()
            self._first = self._first if self._words else self._line
            self._last = self._line
            self._words.append(part.strip('"'))

    def finished(self) -> tuple[Statement, ...]:
        """Return the file's statements; no token follows."""
        self._end_line()
        if self._heads:
            self._note(f"the block of line {self._heads[-1][1]} is not closed")
        while self._heads:
            self._end_block()
        return tuple(self._blocks[0])

    def _end_line(self) -> None:
        if self._words:
            self._blocks[-1].append(Statement(tuple(self._words), self._first, self._last))
            self._words = []

    def _open(self) -> None:
        if len(self._heads) == MOST_NESTED:
            self._end_line()
            self._too_deep += 1
            self._note(f"line {self._line} is nested deeper than {MOST_NESTED} blocks")
            return
        self._heads.append((tuple(self._words), self._first))
        self._blocks.append([])
        self._words = []

    def _close(self) -> None:
        self._end_line()
        if self._too_deep:
            self._too_deep -= 1
        elif self._heads:
            self._end_block()
        else:
            self._note(f"line {self._line} closes a block that is not open")

    def _note(self, fault: str) -> None:
        self.fault = self.fault or fault

    def _end_block(self) -> None:
        (words, first), block = self._heads.pop(), self._blocks.pop()
        if words:
            self._blocks[-1].append(Statement(words, first, self._line, tuple(block)))


def _every(statements: Iterable[Statement]) -> Iterator[Statement]:
    for each in statements:
        yield each
        yield from _every(each.block)


def _last(statements: Sequence[Statement], keyword: str) -> tuple[str, ...]:
    """Return the arguments of a keyword, of the last one if it is repeated; empty if it is not there."""
    return next((each.words[1:] for each in reversed(statements) if each.keyword == keyword), ())


def _addresses(words: Iterable[str]) -> frozenset[IPAddress]:
    return frozenset(found for found in map(_address, words) if found)


def _address(word: str) -> IPAddress | None:
    """Return the address without its prefix length; None if the word is not an address."""
    try:
        return ip_address(word) if "/" not in word else ip_interface(word).ip
    except ValueError:
        return None
