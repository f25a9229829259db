"""The settings that all nodes of a virtual router must share.

Nodes that differ in them ignore each other's adverts, and each holds the VIP.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from itertools import chain

_WORDS = {
    "interface": r"^[ \t]*interface\s+(\S+)",
    "virtual_router_id": r"^[ \t]*virtual_router_id\s+(\S+)",
    "unicast_peer": r"^[ \t]*(unicast_peer)\b",
    "virtual_ipaddress": r"^[ \t]*virtual_ipaddress\s*\{([^}]*)",  # adverts omit excluded ones
    "advert_int": r"^[ \t]*advert_int\s+(\S+)",
}
_VERSION = r"^[ \t]*vrrp_version\s+(\S+)"
_INSTANCE = re.compile(r"^[ \t]*+vrrp_instance\b[ \t]*+([^\s{]*+)[^{\n]*+\{", re.MULTILINE)
_SCRIPT = re.compile(r"^[ \t]*vrrp_script\s+([\w.-]+)", re.MULTILINE)
_ADDRESSES = r"^[ \t]*virtual_ipaddress(?:_excluded)?\s*\{([^}]*)"
_BRACE = re.compile("[{}]")
MOST_READ = 1_000_000  # characters
VRRP_3 = "3"  # version 2 drops adverts of another interval (RFC 3768, 7.1)


def differences(old: str, new: str) -> tuple[str, ...]:
    """Return why nodes with the old and the new keepalived.conf ignore each other's adverts: `vrrp_version 3 -> 2`.

    The VRID identifies a virtual router on the wire; the name of its instance does not matter. A virtual router in only
    one of the files causes no conflict. Both virtual routers hold an address that moves between them until all nodes
    have changed.

    Arguments:
        old: text of the live file, possibly a foreign one
        new: text of the intended file
    """
    versions = (_found(_VERSION, old), _found(_VERSION, new))
    before, after = _routers(old), _routers(new)
    named = max(len(before), len(after)) > 1
    moved = tuple(_moved(before, after))
    # Without a common VRID or address, the files describe different virtual routers, which need not agree.
    words = [("", "vrrp_version", versions)] if moved or before.keys() & after.keys() else []
    for vrid in sorted(before.keys() & after.keys()):
        one, other = _dialect(before[vrid]), _dialect(after[vrid])
        if VRRP_3 in versions:
            del one["advert_int"], other["advert_int"]
        words += [(f"VRID {vrid}: " if named else "", word, (one[word], other[word])) for word in one]
    words += [(f"{address}: " if named else "", "virtual_router_id", owners) for address, owners in moved]
    told = (
        f"{place}{word} {was or 'none'} -> {becomes or 'none'}"
        for place, word, (was, becomes) in words
        if _on_the_wire(was) != _on_the_wire(becomes)
    )
    return tuple(dict.fromkeys(told))


def _on_the_wire(said: str) -> list[str]:
    """Return the value as an advert carries it: addresses without prefix lengths, which are local to each node."""
    return sorted(map(_normal, said.split(", ")))


def virtual_router_ids(keepalived_conf: str) -> frozenset[str]:
    """Return the VRIDs in a keepalived.conf, as written."""
    return frozenset(_routers(keepalived_conf))


def vrrp_scripts(keepalived_conf: str) -> frozenset[str]:
    """Return the names of the `vrrp_script` blocks in a keepalived.conf."""
    return frozenset(_SCRIPT.findall(keepalived_conf[:MOST_READ]))


@dataclass(frozen=True, slots=True)
class Instance:
    """A `vrrp_instance` of a keepalived.conf.

    Arguments:
        name: name of the instance
        virtual_router_id: VRID as written, "" if there is none
        addresses: VIPs as written, in file order: in files of ours those of the other address family come last
    """

    name: str
    virtual_router_id: str
    addresses: tuple[str, ...]


def instances(keepalived_conf: str) -> tuple[Instance, ...]:
    """Return the `vrrp_instance`s of a keepalived.conf, in file order."""
    return tuple(
        Instance(
            name,
            _found(_WORDS["virtual_router_id"], block),
            tuple(chain.from_iterable(map(_first_words, re.findall(_ADDRESSES, block, re.MULTILINE)))),
        )
        for name, block in _blocks(keepalived_conf[:MOST_READ])
    )


def _routers(keepalived_conf: str) -> Mapping[str, str]:
    """Return the lines of each `vrrp_instance` by VRID; the whole text as one if it has no instance."""
    blocks = [block for _, block in _blocks(keepalived_conf[:MOST_READ])]
    return {_found(_WORDS["virtual_router_id"], block): block for block in blocks or [keepalived_conf[:MOST_READ]]}


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the lines of each `vrrp_instance`.

    An instance never begins inside another one, even if braces do not match.
    """
    end = 0
    while match := _INSTANCE.search(text, end):
        start, end = match.end(), _closing(text, match.end())
        yield match[1], text[start:end]


def _closing(text: str, start: int) -> int:
    """Return the position of the brace that closes the one before `start`; the end of the text if there is none."""
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return len(text)


def _dialect(instance: str) -> dict[str, str]:
    """Return the settings of a virtual router that its peers must share, by keyword; "" for a missing one."""
    said = {word: _found(pattern, instance) for word, pattern in _WORDS.items()}
    said["unicast_peer"] = "some" if said["unicast_peer"] else ""
    said["virtual_ipaddress"] = ", ".join(sorted(_first_words(said["virtual_ipaddress"])))
    return said


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the addresses that moved to another virtual router, with the old and the new VRID."""
    old, new = _owners(before), _owners(after)
    for address in sorted(old.keys() & new.keys()):
        if old[address] != new[address]:
            yield address, (old[address], new[address])


def _owners(routers: Mapping[str, str]) -> dict[str, str]:
    return {
        _normal(address): vrid
        for vrid, lines in routers.items()
        for address in chain.from_iterable(map(_first_words, re.findall(_ADDRESSES, lines, re.MULTILINE)))
    }


def _normal(address: str) -> str:
    """Return an address in canonical form without its prefix length; other words unchanged."""
    try:
        return str(ip_interface(address).ip)
    except ValueError:
        return address


def _first_words(lines: str) -> list[str]:
    return [line.split()[0] for line in lines.splitlines() if line.strip()]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""
