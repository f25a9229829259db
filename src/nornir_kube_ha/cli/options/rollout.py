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
    raise argparse.ArgumentTypeError(f"{text!r} is neither a number of hosts nor a percentage, as 3 or 25%")


def roll_out_of(parsed: argparse.Namespace) -> RollOut:
    """Return the roll-out that parsed options mean. Options that the runbook lacks keep their defaults."""
    own = (field.name for field in fields(RollOut))
    given: dict[str, Any] = {name: getattr(parsed, name) for name in own if hasattr(parsed, name)}
    return RollOut(**given | {"forget": tuple(given.get("forget", ()))})


def add_rollout_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a roll-out to a runbook's parser."""
    group = parser.add_argument_group("in which steps")
    group.add_argument(
        "--serial",
        metavar="N|N%",
        type=share,
        default=ONE,
        help="so many hosts of a cluster that serve at once (1); the VIP's holder goes alone, and last",
    )
    group.add_argument(
        "--max-fail",
        metavar="N|N%",
        type=share,
        default=NONE,
        help="so many hosts of a cluster may fail, and its others are changed all the same (0)",
    )
    group.add_argument(
        "--on-failure",
        choices=ON_FAILURE,
        default=ON_FAILURE[0],
        help="a host that is not well with its change goes back to the files that it had, or all of its "
        "cluster that were changed do, or it stays as it is (rollback-host)",
    )
    group.add_argument(
        "--allow-unreachable", action="store_true", help="change the others though a host cannot be reached"
    )
    words = "change all nodes at once where a change cannot go from host to host: another VIP, VRID, VRRP version"
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
        help="replace a haproxy.cfg or keepalived.conf that kube-ha did not write and that is in use; it is kept, and "
        "remove puts it back",
    )
    parser.add_argument(
        "--forget",
        metavar="ADDRESS",
        action="append",
        default=[],
        type=ip_address,
        help="change the others though this former node still answers: no keepalived runs there; repeatable",
    )
