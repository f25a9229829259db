"""Types for argparse: each function parses and checks one command-line value."""

import argparse
import ipaddress
from pathlib import Path

from nornir_kube_ha.duration import Duration

MOST_DRAIN = 30


def key_value(text: str) -> tuple[str, str]:
    """Parse `KEY=VALUE`, for example `role=backup`."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, for example role=backup, got {text!r}")
    return key, value


def names(text: str) -> list[str]:
    """Parse a list of host names, for example `lb-1,lb-2`."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:  # for example from an unset shell variable: it must not mean all hosts
        raise argparse.ArgumentTypeError(f"expected host names, for example lb-1,lb-2, got {text!r}")
    return found


def positive(text: str) -> int:
    """Parse a number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return the seconds in `30s`, `2m`, `1h` or `500ms`. A number without a unit is seconds."""
    try:
        return Duration.of_command_line(text).seconds
    except ValueError:
        words = f"expected a time, for example 30s, 2m or 500ms (seconds without a unit), got {text!r}"
        raise argparse.ArgumentTypeError(words) from None


def drain_seconds(text: str) -> float:
    """Return the seconds in a duration of at most 30 s: each host ends its part of a move after 60 s."""
    found = seconds(text)
    if found > MOST_DRAIN:
        raise argparse.ArgumentTypeError(f"expected {MOST_DRAIN} s at most, got {text}")
    return found


def ip_address(text: str) -> str:
    """Parse an IP address without a zone, and return it in compressed form."""
    try:
        return ipaddress.ip_address("" if "%" in text else text).compressed
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an IP address, for example 192.0.2.13, got {text!r}") from None


def add_kubeconfig_option(parser: argparse._ActionsContainer, words: str) -> None:
    """Add `--kubeconfig` to a parser or to a group of its options.

    Arguments:
        parser: the parser or the group
        words: help text: what the credential is for
    """
    parser.add_argument("--kubeconfig", metavar="FILE", type=Path, help=f"{words} (the inventory's `kubeconfig`)")
