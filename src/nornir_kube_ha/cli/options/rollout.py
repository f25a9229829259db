"""Command-line options of a roll-out."""

import argparse
from contextlib import suppress
from dataclasses import fields
from typing import Any

from nornir_kube_ha.cli.options.argument_types import ip_address
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.rollout.policy import NONE, ON_FAILURE, ONE, RollOut, Share


def share(text: str) -> Share:
    """Return the share of hosts that `3` or `25%` means.

    Raises:
        argparse.ArgumentTypeError: neither a number nor a percentage
    """
    digits = text.removesuffix("%")
    if digits.isascii() and digits.isdecimal():
        with suppress(UsageError):
            return Share(int(digits), text.endswith("%"))
    raise argparse.ArgumentTypeError(f"expected a number of hosts or a percentage, for example 3 or 25%, got {text!r}")


def roll_out_of(parsed: argparse.Namespace) -> RollOut:
    """Return the roll-out that parsed options mean. Options that the runbook lacks keep their defaults."""
    own = (field.name for field in fields(RollOut))
    given: dict[str, Any] = {name: getattr(parsed, name) for name in own if hasattr(parsed, name)}
    return RollOut(**given | {"forget": tuple(given.get("forget", ()))})


def add_rollout_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a roll-out to a runbook's parser."""
    group = parser.add_argument_group("roll-out")
    group.add_argument(
        "--serial",
        metavar="N|N%",
        type=share,
        default=ONE,
        help="hosts of a cluster that change at the same time (1); the VIP holder changes alone, and last",
    )
    group.add_argument(
        "--max-fail",
        metavar="N|N%",
        type=share,
        default=NONE,
        help="hosts of a cluster that may fail while the others are still changed (0)",
    )
    group.add_argument(
        "--on-failure",
        choices=ON_FAILURE,
        default=ON_FAILURE[0],
        help="what to restore after a host fails its checks: that host's files, those of all changed hosts of its "
        "cluster, or nothing (rollback-host)",
    )
    group.add_argument(
        "--allow-unreachable", action="store_true", help="change the other hosts even if one is unreachable"
    )
    words = (
        "change all nodes at once if nodes with and without the change cannot work together (new "
        "VIP, VRID or VRRP version)"
    )
    add_accept_outage(group, words)


def add_accept_outage(parser: argparse._ActionsContainer, words: str) -> None:
    """Add `--accept-outage` to a parser or to a group of its options.

    Arguments:
        parser: the parser or the group
        words: help text: what the outage is accepted for
    """
    parser.add_argument("--accept-outage", action="store_true", help=words)


def add_takeover_options(parser: argparse._ActionsContainer) -> None:
    """Add the options that override a deploy's refusals: of foreign files and of former nodes."""
    parser.add_argument(
        "--replace-foreign-files",
        action="store_true",
        help="replace a haproxy.cfg or keepalived.conf in use that kube-ha did not write; it is kept, "
        "and `remove` restores it",
    )
    parser.add_argument(
        "--forget",
        metavar="ADDRESS",
        action="append",
        default=[],
        type=ip_address,
        help="go on although this former node still answers, because no keepalived runs there; repeatable",
    )
