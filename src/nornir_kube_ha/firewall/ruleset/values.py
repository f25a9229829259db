"""What nft expressions yield, and whether an element of a set holds it."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import TypeAlias

from nornir_kube_ha.firewall.ruleset.logic import Truth, all_of
from nornir_kube_ha.firewall.ruleset.model import TCP, UDP, VRRP

PROTOCOLS = {  # as nft names them: /etc/protocols' words, and its own for headers
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
ELEMENT_OPTIONS = frozenset({"val", "timeout", "expires", "comment", "counter", "last"})  # none decides a match


@dataclass(frozen=True, slots=True)
class Span:
    """A number, or two between which it lies.

    Arguments:
        low: it is not less
        high: it is not more
    """

    low: int
    high: int

    def within(self, other: "Span") -> Truth:
        """Whether the number lies in a range.

        Arguments:
            other: the range
        """
        if other.low <= self.low and self.high <= other.high:
            return True
        return False if self.high < other.low or other.high < self.low else None


class Absent(Enum):
    """What a field yields of a header that the packet does not have: no match is true then, not even `!=`."""

    HEADER = "header"


Value: TypeAlias = "Span | str | frozenset[str] | Absent | tuple[Value, ...] | None"
"""A number or an address; a name; flags; no such header; a concatenation; None if it is not known."""


def exactly(number: int) -> Span:
    """A number that is known.

    Arguments:
        number: the number, or an address as one
    """
    return Span(number, number)


def number(element: object) -> int | None:
    """The number that an element is, by whatever name; None if it is none that is known.

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
    """The flags that an element lists; None if it lists none.

    Arguments:
        element: one or more of them, or the number 0, as JSON
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
    """What is left of a value behind `&`.

    Arguments:
        value: what the mask is put on
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
    """Whether an element of a set, or the right side of a match, is or covers a value.

    Arguments:
        element: as JSON
        value: what the packet has there
    """
    truth: Truth = None
    match element, value:
        case {"elem": {"val": inner, **options}}, _:
            truth = holds(inner, value)
            if truth and options.keys() - ELEMENT_OPTIONS:  # a limit, say
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
