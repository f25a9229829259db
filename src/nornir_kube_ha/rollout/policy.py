"""The policy of a roll-out: how a change goes over the hosts of each cluster."""

from dataclasses import dataclass

from nornir_kube_ha.errors import UsageError

ON_FAILURE = ("rollback-host", "rollback-all", "stop")
HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Share:
    """A number of hosts, or a percentage of them.

    Arguments:
        amount: the number or the percentage
        percent: whether it is a percentage
    """

    amount: int
    percent: bool = False

    def __post_init__(self) -> None:
        """Refuse an invalid amount.

        Raises:
            UsageError: it is not an integer, is negative, or is above 100 %
        """
        most = HUNDRED if self.percent else self.amount
        if type(self.amount) is not int or not 0 <= self.amount <= most:
            raise UsageError(
                f"expected a number of hosts or a percentage, got {self.amount}{'%' if self.percent else ''}"
            )

    def of(self, total: int) -> int:
        """Return the number of hosts, rounded down.

        Arguments:
            total: how many hosts there are
        """
        return total * self.amount // HUNDRED if self.percent else self.amount


ONE, NONE = Share(1), Share(0)


@dataclass(frozen=True, slots=True)
class RollOut:
    """How a change goes over the hosts of each cluster.

    Arguments:
        serial: hosts in service that change at once, one at least; the VIP holder changes alone
        max_fail: hosts that may fail while the others are still changed
        on_failure: for a host that fails its gate: put it back, put back all hosts that were changed, or leave it as it
            is
        allow_unreachable: whether to go on without hosts that cannot be reached
        accept_outage: whether to make a change on all hosts at once if it cannot go from host to host
        replace_foreign_files: whether to replace foreign files that are in use
        forget: addresses of former nodes to remove from the peers although they still answer
    """

    serial: Share = ONE
    max_fail: Share = NONE
    on_failure: str = ON_FAILURE[0]
    allow_unreachable: bool = False
    accept_outage: bool = False
    replace_foreign_files: bool = False
    forget: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that no command line can give.

        Raises:
            UsageError: invalid value
        """
        for name in ("serial", "max_fail"):
            if not isinstance(getattr(self, name), Share):
                raise UsageError(f"{name}: expected a Share, for example Share(2) or Share(25, percent=True)")
        if self.on_failure not in ON_FAILURE:
            raise UsageError(f"on_failure: expected one of {', '.join(ON_FAILURE)}, got {self.on_failure!r}")
        if isinstance(self.forget, str):
            raise UsageError(f"forget: expected a list of addresses, got {self.forget!r}")


AS_USUAL = RollOut()
