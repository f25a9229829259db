"""Read a keepalived.conf of unknown origin. No I/O; time is linear in the length of the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.planning.foreign.text import text_of

# A comment begins with # or ! anywhere outside quotes. Each character can begin one alternative only.
_TOKEN = re.compile(r'"[^"\n]*"?|[#!][^\n]*|[{}]|\n|[^\s{}"#!]+')
_ADDRESS_BLOCKS = frozenset({"virtual_ipaddress", "virtual_ipaddress_excluded"})
_PEERS = "unicast_peer"
_INSTANCE = "vrrp_instance"


@dataclass(frozen=True, slots=True)
class VirtualRouterConf:
    """A `vrrp_instance` as written in a file.

    Arguments:
        name: name of the instance
        virtual_router_id: VRID as written, "" if there is none
        addresses: VIPs as written, including the excluded ones
        peers: unicast peers
    """

    name: str
    virtual_router_id: str = ""
    addresses: tuple[str, ...] = ()
    peers: frozenset[IPAddress] = frozenset()

    @property
    def vips(self) -> frozenset[IPAddress]:
        """VIPs that parse as an address."""
        return frozenset(vip for vip in map(_address, self.addresses) if vip)


@dataclass(frozen=True, slots=True)
class KeepalivedConf:
    """What keepalived does with a keepalived.conf.

    Arguments:
        routers: `vrrp_instance`s, in file order
        others: other functions of the file: `virtual_server 10.0.0.1 80`, `include conf.d/*.conf`
    """

    routers: tuple[VirtualRouterConf, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def does(self) -> tuple[str, ...]:
        """Everything that stops when the file is replaced, in a few words each."""
        return (*(words for router in self.routers for words in _ends(router)), *self.others)

    @property
    def peers(self) -> frozenset[IPAddress]:
        """Unicast peers of all instances."""
        return frozenset(peer for router in self.routers for peer in router.peers)


def parse_keepalived_conf(content: bytes) -> KeepalivedConf:
    """Return what keepalived does with this file.

    Arguments:
        content: the file; only the first 256 KiB are read
    """
    routers: list[VirtualRouterConf] = []
    others: list[str] = []
    for head, body in _sections(_tokens(text_of(content))):
        if head[0] == _INSTANCE:
            routers.append(_router(head, body))
        elif head[0].startswith(("virtual_server", "include")):
            others.append(" ".join(head[:3]))
    return KeepalivedConf(tuple(routers), tuple(others))


def _ends(router: VirtualRouterConf) -> Iterator[str]:
    where = f"vrrp_instance {router.name}, VRID {router.virtual_router_id or 'unknown'}"
    yield from (f"VIP {address} ({where})" for address in router.addresses)
    if not router.addresses:
        yield where


def _tokens(text: str) -> list[str]:
    """Return the tokens without comments; a brace on the line below its keyword is moved up to it."""
    kept: list[str] = []
    for part in reversed(_TOKEN.findall(text)):
        if part[0] not in "#!" and not (part == "\n" and kept and kept[-1] == "{"):
            kept.append(part)
    return kept[::-1]


def _sections(tokens: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words before each outermost brace and the tokens inside it.

    A line without a brace is yielded with an empty body.
    """
    head: list[str] = []
    body: list[str] = []
    depth = 0
    for part in [*tokens, "\n"]:
        if part == "{" and not depth:
            depth, body = 1, []
        elif depth:
            depth += {"{": 1, "}": -1}.get(part, 0)
            body.append(part)
        elif part not in {"\n", "}"}:
            head.append(_unquoted(part))
            continue
        if not depth and head:
            yield head, body
            head, body = [], []
    if head:  # the text ends inside a brace
        yield head, body


def _router(head: list[str], body: list[str]) -> VirtualRouterConf:
    found: dict[str, list[str]] = {word: [] for word in (*_ADDRESS_BLOCKS, _PEERS)}
    block, before, vrid = "", "\n", ""
    depth = 0
    for raw in body:
        part = _unquoted(raw)
        if raw == "{":
            depth += 1
            block = before if depth == 1 else block
        elif raw == "}":
            depth -= 1
            block = block if depth else ""
        elif depth == 1 and before in {"\n", "{"} and block in found and raw != "\n":
            found[block].append(part)
        elif not depth and before == "virtual_router_id":
            vrid = part
        before = part
    peers = frozenset(peer for peer in map(_address, found[_PEERS]) if peer)
    addresses = (*found["virtual_ipaddress"], *found["virtual_ipaddress_excluded"])
    return VirtualRouterConf("".join(head[1:2]), vrid, addresses, peers)


def _unquoted(part: str) -> str:
    return part.strip('"')


def _address(word: str) -> IPAddress | None:
    """Return the address without its prefix length; None if the word is no address."""
    try:
        return ip_address(word) if "/" not in word else ip_interface(word).ip
    except ValueError:
        return None
