"""How a change goes over hosts: a roll-out's own options."""

import argparse
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.runbooks.values import ip_address

ON_FAILURE = ("rollback-host", "rollback-all", "stop")
HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Share:
    """So many of some hosts: a number, or a part of a hundred.

    Arguments:
        amount: how many, or how many of a hundred
        percent: whether it is a part of a hundred
    """

    amount: int
    percent: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no share.

        Raises:
            UsageError: it is below nothing, or above all
        """
        most = HUNDRED if self.percent else self.amount
        if type(self.amount) is not int or not 0 <= self.amount <= most:
            raise UsageError(f"{self.amount}{'%' if self.percent else ''} is no number of hosts, and no part of them")

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read `3` or `25%`.

        Arguments:
            text: of a command line

        Raises:
            argparse.ArgumentTypeError: it is neither
        """
        digits = text.removesuffix("%")
        share = None
        with suppress(UsageError):
            share = cls(int(digits), text.endswith("%")) if digits.isascii() and digits.isdecimal() else None
        if share is None:
            raise argparse.ArgumentTypeError(f"{text!r} is neither a number of hosts nor a percentage, as 3 or 25%")
        return share

    def of(self, total: int) -> int:
        """How many that is.

        Arguments:
            total: how many hosts there are
        """
        return total * self.amount // HUNDRED if self.percent else self.amount


ONE, NONE = Share(1), Share(0)


@dataclass(frozen=True, slots=True)
class RollOut:
    """How a change goes over the hosts of each cluster.

    Arguments:
        serial: how many hosts that serve go at once; one at least. The VIP's holder goes alone
        max_fail: so many hosts may fail, and the others are changed all the same
        on_failure: what becomes of a host that is not well with its change: it goes back to the files that it had, or
            all that were changed do, or it stays as it is
        allow_unreachable: hosts that cannot be reached do not stop the run
        accept_outage: what cannot go from host to host is changed on all at once
        allow_downgrade: a package may go back to an older version
        replace_foreign_files: a haproxy.cfg or keepalived.conf of somebody else, which is in use, is replaced
        forget: addresses of former nodes that still answer, and that the others forget all the same
    """

    serial: Share = ONE
    max_fail: Share = NONE
    on_failure: str = ON_FAILURE[0]
    allow_unreachable: bool = False
    accept_outage: bool = False
    allow_downgrade: bool = False
    replace_foreign_files: bool = False
    forget: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what a command line could not say.

        Raises:
            UsageError: a value is none that there is
        """
        for name in ("serial", "max_fail"):
            if not isinstance(getattr(self, name), Share):
                raise UsageError(f"{name} is a Share, as Share(2) or Share(25, percent=True)")
        if self.on_failure not in ON_FAILURE:
            raise UsageError(f"on_failure is one of {', '.join(ON_FAILURE)}, and not {self.on_failure!r}")
        if isinstance(self.forget, str):
            raise UsageError(f"forget is a list of addresses, and not {self.forget!r}")

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "RollOut":
        """From parsed arguments.

        Arguments:
            arguments: of any runbook's parser; what it was not given is as usual
        """
        own = (field.name for field in fields(cls))
        given: dict[str, Any] = {name: getattr(arguments, name) for name in own if hasattr(arguments, name)}
        return cls(**given | {"forget": tuple(given.get("forget", ()))})


def add_rollout_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a change that goes over hosts.

    Arguments:
        parser: of the runbook
    """
    group = parser.add_argument_group("in which steps")
    group.add_argument(
        "--serial",
        metavar="N|N%",
        type=Share.parse,
        default=ONE,
        help="so many hosts of a cluster that serve at once (1); the VIP's holder goes alone, and last",
    )
    group.add_argument(
        "--max-fail",
        metavar="N|N%",
        type=Share.parse,
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
    """Add `--accept-outage` to a parser.

    Arguments:
        parser: of the runbook
        words: what it has done
    """
    parser.add_argument("--accept-outage", action="store_true", help=words)


def add_takeover_options(parser: argparse._ActionsContainer) -> None:
    """Add what lets a deploy go on where it would refuse for the sake of others.

    Arguments:
        parser: of the runbook
    """
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
