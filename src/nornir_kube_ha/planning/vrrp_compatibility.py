"""What all nodes of a virtual router must agree on, or they do not hear each other: then each holds the VIP."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from itertools import chain

_WORDS = {
    "interface": r"^[ \t]*interface\s+(\S+)",
    "virtual_router_id": r"^[ \t]*virtual_router_id\s+(\S+)",
    "unicast_peer": r"^[ \t]*(unicast_peer)\b",
    "virtual_ipaddress": r"^[ \t]*virtual_ipaddress\s*\{([^}]*)",  # adverts name these, and no excluded ones
    "advert_int": r"^[ \t]*advert_int\s+(\S+)",
}
_VERSION = r"^[ \t]*vrrp_version\s+(\S+)"
_INSTANCE = re.compile(r"^[ \t]*+vrrp_instance\b[ \t]*+([^\s{]*+)[^{\n]*+\{", re.MULTILINE)
_SCRIPT = re.compile(r"^[ \t]*vrrp_script\s+([\w.-]+)", re.MULTILINE)
_ADDRESSES = r"^[ \t]*virtual_ipaddress(?:_excluded)?\s*\{([^}]*)"
_BRACE = re.compile("[{}]")
MOST_READ = 1_000_000  # characters; no keepalived.conf is that long
VRRP_3 = "3"  # its adverts say how often they come; those of version 2 are dropped where another interval is expected


def differences(old: str, new: str) -> tuple[str, ...]:
    """Why nodes of an old and of a new keepalived.conf do not hear each other: `vrrp_version 3 -> 2`.

    On the wire a virtual router is its VRID; what its instance is called does not matter. One that only one of the
    files has is spoken among those nodes that have it. But an address that changes from one to another is held in both
    until all nodes have changed.

    Arguments:
        old: as it is, perhaps somebody else's
        new: ours, as it should be
    """
    versions = (_found(_VERSION, old), _found(_VERSION, new))
    before, after = _routers(old), _routers(new)
    named = max(len(before), len(after)) > 1
    moved = tuple(_moved(before, after))
    # Files without a VRID or an address in common are of different virtual routers: neither hears the other's adverts.
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
    """What of it an advert says: addresses without their prefix lengths, which each node has for itself."""
    return sorted(map(_normal, said.split(", ")))


def virtual_router_ids(keepalived_conf: str) -> frozenset[str]:
    """The VRIDs that a keepalived.conf has, in its own words.

    Arguments:
        keepalived_conf: the text
    """
    return frozenset(_routers(keepalived_conf))


def vrrp_scripts(keepalived_conf: str) -> frozenset[str]:
    """Names of the `vrrp_script` blocks that a keepalived.conf has.

    Arguments:
        keepalived_conf: the text
    """
    return frozenset(_SCRIPT.findall(keepalived_conf[:MOST_READ]))


@dataclass(frozen=True, slots=True)
class Instance:
    """A `vrrp_instance` of a keepalived.conf.

    Arguments:
        name: its name
        virtual_router_id: its VRID; "" if it has none
        addresses: its virtual addresses as the file has them, those of the other family behind the others
    """

    name: str
    virtual_router_id: str
    addresses: tuple[str, ...]


def instances(keepalived_conf: str) -> tuple[Instance, ...]:
    """Return the virtual routers of a keepalived.conf, in its order.

    Arguments:
        keepalived_conf: the text
    """
    return tuple(
        Instance(
            name,
            _found(_WORDS["virtual_router_id"], block),
            tuple(chain.from_iterable(map(_first_words, re.findall(_ADDRESSES, block, re.MULTILINE)))),
        )
        for name, block in _blocks(keepalived_conf[:MOST_READ])
    )


def _routers(keepalived_conf: str) -> Mapping[str, str]:
    """Each `vrrp_instance`'s own lines, by its VRID; the whole text as one where none can be told apart."""
    blocks = [block for _, block in _blocks(keepalived_conf[:MOST_READ])]
    return {_found(_WORDS["virtual_router_id"], block): block for block in blocks or [keepalived_conf[:MOST_READ]]}


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each `vrrp_instance`'s name and own lines, each read once.

    None begins within another one, however many braces do not close.
    """
    end = 0
    while match := _INSTANCE.search(text, end):
        start, end = match.end(), _closing(text, match.end())
        yield match[1], text[start:end]


def _closing(text: str, start: int) -> int:
    """Where the brace closes that stands before this place; the text's end if it does not."""
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return len(text)


def _dialect(instance: str) -> dict[str, str]:
    """What a virtual router says that its peers must say as well, by keyword; "" where it does not."""
    said = {word: _found(pattern, instance) for word, pattern in _WORDS.items()}
    said["unicast_peer"] = "some" if said["unicast_peer"] else ""
    said["virtual_ipaddress"] = ", ".join(sorted(_first_words(said["virtual_ipaddress"])))
    return said


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Addresses that another virtual router has than before, each with both VRIDs."""
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
    """An address as we write it, without its prefix length."""
    try:
        return str(ip_interface(address).ip)
    except ValueError:
        return address


def _first_words(lines: str) -> list[str]:
    return [line.split()[0] for line in lines.splitlines() if line.strip()]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""
