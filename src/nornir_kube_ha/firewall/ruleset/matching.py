"""Evaluate nft's `match` statement, and find the elements of sets and maps."""

import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from nornir_kube_ha.firewall.ruleset.logic import Truth, any_of, negation
from nornir_kube_ha.firewall.ruleset.values import Absent, Span, Value, flags, holds, number

ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}

Elements: TypeAlias = tuple[object, ...]
Sets: TypeAlias = Mapping[str, Elements]


def compare(operation: str, value: Value, right: object, sets: Sets) -> Truth:
    """Return whether a `match` is true.

    Arguments:
        operation: its `op`
        value: value of its `left` for the packet
        right: its `right`, as JSON
        sets: elements of the table's named sets
    """
    if is_absent(value):
        return False
    match operation:
        case "==":
            return _holds(right, value, sets)
        case "!=":
            return negation(_holds(right, value, sets))
        case "in":
            return _meets(right, value)
        case "!":
            return negation(_meets(right, value))
    return _orders(operation, value, right)


def is_absent(value: Value) -> bool:
    """Return whether the packet lacks the field, or one of a concatenation.

    Arguments:
        value: value of an expression
    """
    return value is Absent.HEADER or (isinstance(value, tuple) and Absent.HEADER in value)


def elements(listed: object, sets: Sets) -> Elements | None:
    """Return the elements of a set or map; None if it is neither, or unknown.

    Arguments:
        listed: an anonymous set, or `@` and a name, as JSON
        sets: elements of the table's named sets
    """
    match listed:
        case {"set": [*anonymous]}:
            return tuple(anonymous)
        case str(name) if name.startswith("@"):
            return sets.get(name[1:])
    return None


def _holds(right: object, value: Value, sets: Sets) -> Truth:
    if isinstance(right, str) and right.startswith("@") and right[1:] not in sets:
        return None
    listed = elements(right, sets)
    return holds(right, value) if listed is None else any_of(holds(element, value) for element in listed)


def _meets(right: object, value: Value) -> Truth:
    listed = flags(right)
    return bool(value & listed) if isinstance(value, frozenset) and listed is not None else None


def _orders(operation: str, value: Value, right: object) -> Truth:
    order, limit = ORDERS.get(operation), number(right)
    if order is None or limit is None or not isinstance(value, Span):
        return None
    truths = {order(value.low, limit), order(value.high, limit)}
    return truths.pop() if len(truths) == 1 else None
