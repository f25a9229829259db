"""Values of nft expressions, and whether an element of a set contains one."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import TypeAlias

from nornir_kube_ha.firewall.ruleset.logic import Truth, all_of
from nornir_kube_ha.firewall.ruleset.model import TCP, UDP, VRRP

PROTOCOLS = {  # nft's names: those of /etc/protocols, and its own names of headers
    "icmp": 1,
    "igmp": 2,
    "tcp": TCP,
    "udp": UDP,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ospf": 89,
    "pim": 103,
    "comp": 108,
    "ipcomp": 108,
    "vrrp": VRRP,
    "carp": VRRP,
    "sctp": 132,
    "udplite": 136,
}
ELEMENT_OPTIONS = frozenset({"val", "timeout", "expires", "comment", "counter", "last"})  # none affects a match


@dataclass(frozen=True, slots=True)
class Span:
    """A number within bounds.

    Arguments:
        low: smallest possible value
        high: largest possible value
    """

    low: int
    high: int

    def within(self, other: "Span") -> Truth:
        """Return whether the number is in a range; None if it may or may not be.

        Arguments:
            other: the range
        """
        if other.low <= self.low and self.high <= other.high:
            return True
        return False if self.high < other.low or other.high < self.low else None


class Absent(Enum):
    """The value of a field whose header the packet lacks. Every match on it is false, even `!=`."""

    HEADER = "header"


Value: TypeAlias = "Span | str | frozenset[str] | Absent | tuple[Value, ...] | None"
"""A number or an address; a name; flags; no such header; a concatenation; None if unknown."""


def exactly(number: int) -> Span:
    """Return a known number as a span.

    Arguments:
        number: the number, or an address as a number
    """
    return Span(number, number)


def number(element: object) -> int | None:
    """Return an element as a number; None if it is not a known one.

    Arguments:
        element: a port, a protocol, an address or a mark, as JSON
    """
    if isinstance(element, int):
        return element
    if not isinstance(element, str):
        return None
    try:
        return PROTOCOLS[element] if element in PROTOCOLS else int(ip_address(element))
    except ValueError:
        return None


def flags(element: object) -> frozenset[str] | None:
    """Return the flags that an element lists; None if it lists none.

    Arguments:
        element: one or more flags, or the number 0, as JSON
    """
    match element:
        case 0:
            return frozenset()
        case str(flag):
            return frozenset({flag})
        case {"|": [*names]} | [*names] if all(isinstance(name, str) for name in names):
            return frozenset(names)
    return None


def masked(value: Value, mask: object) -> Value:
    """Return a value after `&`.

    Arguments:
        value: the left side
        mask: the mask, as JSON
    """
    if isinstance(value, frozenset):
        kept = flags(mask)
        return None if kept is None else value & kept
    bits = number(mask)
    if isinstance(value, Span) and value.low == value.high and bits is not None:
        return exactly(value.low & bits)
    return value if value is Absent.HEADER else None


def holds(element: object, value: Value) -> Truth:
    """Return whether an element of a set, or the right side of a match, equals or contains a value.

    Arguments:
        element: as JSON
        value: the packet's value
    """
    truth: Truth = None
    match element, value:
        case {"elem": {"val": inner, **options}}, _:
            truth = holds(inner, value)
            if truth and options.keys() - ELEMENT_OPTIONS:  # such as a limit
                truth = None
        case {"concat": [*parts]}, tuple(values) if len(parts) == len(values):
            truth = all_of(holds(*pair) for pair in zip(parts, values, strict=True))
        case "*", Span() | str() | tuple():  # nft's catch-all
            truth = True
        case str(name), str(own):
            truth = _is_named(own, name)
        case _, frozenset(own):
            listed = flags(element)
            truth = None if listed is None else own == listed
        case _, Span() as own:
            span = _span(element)
            truth = None if span is None else own.within(span)
    return truth


def _bits(address: str) -> int:
    return 128 if ":" in address else 32


def _is_named(own: str, name: str) -> bool:
    if name.endswith("*") and not name.endswith("\\*"):
        return own.startswith(name[:-1])
    return own == name.replace("\\*", "*")


def _span(element: object) -> Span | None:
    match element:
        case {"range": [first, last]}:
            low, high = number(first), number(last)
        case {"prefix": {"addr": str(address), "len": int(length)}} if 0 <= length <= (bits := _bits(address)):
            size = 1 << (bits - length)
            start = number(address)
            low, high = (None, None) if start is None else (start & -size, (start & -size) + size - 1)
        case _:
            low = high = number(element)
    return None if low is None or high is None else Span(low, high)
