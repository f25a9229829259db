"""Checks of the arguments that programs pass to `api`."""

import argparse
import math
from collections.abc import Collection, Iterable, Sequence

from nornir_kube_ha.cli.options.argument_types import ip_address
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.nearest import hint


def names(argument: str, given: Collection[str]) -> tuple[str, ...]:
    """Return the names as a tuple; a single string is refused, since it is a collection of letters.

    Raises:
        UsageError: not a list of names
    """
    hint = f"{argument}: expected a list of names, for example from `nr.filter(...).inventory.hosts`, got"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"{hint} {given!r}")
    names = tuple(given)
    if strange := [name for name in names if not isinstance(name, str)]:
        raise UsageError(f"{hint} an item of type {type(strange[0]).__name__}")
    return names


def chosen(given: tuple[str, ...] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Return the hosts that a program names, or all known ones for None.

    Raises:
        UsageError: it names none, or an unknown one
    """
    if unknown := sorted({*(given or ())} - {*known}):
        raise UsageError(f"no host called {', '.join(unknown)}; known hosts: {', '.join(known)}{hint(unknown, known)}")
    if given == ():
        raise UsageError(f"hosts: expected at least one host, got none; known hosts: {', '.join(known)}")
    return tuple(known) if given is None else given


def addresses(argument: str, given: Collection[str]) -> tuple[str, ...]:
    """Return the addresses in Python's normal form.

    Raises:
        UsageError: not a list of IP addresses
    """
    try:
        return tuple(map(ip_address, names(argument, given)))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{argument}: {error}") from None


def check_flag(argument: str, value: bool | None) -> bool | None:
    """Return True, False or None; everything else is refused.

    Raises:
        UsageError: it is something else
    """
    if not isinstance(value, bool | None):
        raise UsageError(f"{argument}: expected True, False or None, got {value!r}")
    return value


def check_number(argument: str, value: float, *, least: int) -> None:
    """Refuse what is not a number, or less than `least`.

    Raises:
        UsageError: it is
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
        raise UsageError(f"{argument}: expected a number of at least {least}, got {value!r}")
