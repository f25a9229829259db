"""What all nodes of a virtual router must agree on, or they do not hear each other: then each holds the VIP."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

_WORDS = {
    "interface": r"^\s*interface\s+(\S+)",
    "virtual_router_id": r"^\s*virtual_router_id\s+(\S+)",
    "unicast_peer": r"^\s*(unicast_peer)\b",
    "virtual_ipaddress": r"^\s*virtual_ipaddress\s*\{([^}]*)",  # adverts name these, and no excluded ones
    "advert_int": r"^\s*advert_int\s+(\S+)",
}
_VERSION = r"^\s*vrrp_version\s+(\S+)"
_INSTANCE = r"^vrrp_instance\s+(\S+)\s*\{(.*?)^\}"
_ADDRESSES = r"^\s*virtual_ipaddress(?:_excluded)?\s*\{([^}]*)"
VRRP_3 = "3"  # its adverts say how often they come; those of version 2 are dropped where another interval is expected


def differences(old: str, new: str) -> tuple[str, ...]:
    """Why nodes of an old and of a new keepalived.conf do not hear each other: `vrrp_version 3 -> 2`.

    A virtual router that only one of them has is spoken among those that have it. But an address that changes from one
    to another is held in both until all nodes have changed.

    Arguments:
        old: a keepalived.conf of ours, as it is
        new: the same, as it should be
    """
    versions = (_found(_VERSION, old), _found(_VERSION, new))
    before, after = _instances(old), _instances(new)
    named = len({*before, *after}) > 1
    words = [("", "vrrp_version", versions)]
    for name in before.keys() & after.keys():
        one, other = _dialect(before[name]), _dialect(after[name])
        if VRRP_3 in versions:
            del one["advert_int"], other["advert_int"]
        words += [(f"{name}: " if named else "", word, (one[word], other[word])) for word in one]
    words += [("", address, owners) for address, owners in _moved(before, after)]
    return tuple(
        f"{place}{word} {was or 'none'} -> {becomes or 'none'}"
        for place, word, (was, becomes) in words
        if was != becomes
    )


def _instances(keepalived_conf: str) -> Mapping[str, str]:
    """Each `vrrp_instance`'s own lines, by its name."""
    return dict(re.findall(_INSTANCE, keepalived_conf, re.MULTILINE | re.DOTALL))


def _dialect(instance: str) -> dict[str, str]:
    """What a virtual router says that its peers must say as well, by keyword; "" where it does not."""
    said = {word: _found(pattern, instance) for word, pattern in _WORDS.items()}
    said["unicast_peer"] = "some" if said["unicast_peer"] else ""
    said["virtual_ipaddress"] = ", ".join(sorted(_first_words(said["virtual_ipaddress"])))
    return said


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Addresses that another virtual router has than before, each with both."""
    old, new = _owners(before), _owners(after)
    for address in old.keys() & new.keys():
        if old[address] != new[address]:
            yield address, (old[address], new[address])


def _owners(instances: Mapping[str, str]) -> dict[str, str]:
    return {
        address.partition("/")[0]: name
        for name, lines in instances.items()
        for address in chain.from_iterable(map(_first_words, re.findall(_ADDRESSES, lines, re.MULTILINE)))
    }


def _first_words(lines: str) -> list[str]:
    return [line.split()[0] for line in lines.splitlines() if line.strip()]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""
