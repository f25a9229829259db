"""How a change goes over the hosts of each cluster, as a value."""

from dataclasses import dataclass

from nornir_kube_ha.errors import UsageError

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
