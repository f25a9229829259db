"""What can go wrong, as one tree: catch `KubeHaError` for all of it.

Each leaf is also the built-in that a caller would reach for, and carries the exit code that a runbook ends with.

    KubeHaError                  1   a check or a host failed
    ├── InventoryError           2   ValueError: the inventory says something that cannot be
    ├── UsageError               2   ValueError: the command line does
    │   └── DeclinedError        2   nobody said yes to what the run asked
    ├── HostError                1   something on one host; names it
    │   ├── HostUnreachableError 4   ConnectionError: no answer on its address
    │   ├── LoginRefusedError    6   PermissionError: host key or credentials not accepted
    │   │   ├── HostKeyUnknownError 6  the host's key is not among those that are known
    │   │   ├── HostKeyChangedError 6  the host's key is not the one that is known
    │   │   ├── PasswordExpiredError 6  the login's password has to be changed first
    │   │   └── SudoRefusedError 6  the login is not root's, and may not become root
    │   ├── RemoteCommandError   1   RuntimeError: a command on the host failed
    │   ├── RemoteTimeoutError   1   TimeoutError: a command on the host did not end in time
    │   ├── RefusedConfigError   1   ValueError: the host's own daemon refuses the new configuration
    │   ├── RefusedTemplateError 2   ValueError: a template of the inventory cannot be rendered
    │   ├── UnexpectedReplyError 1   ValueError: the host's answer is not what its script prints
    │   ├── LeaseHeldError       5   RuntimeError: another run is changing the host
    │   │   └── LeaseLostError   5   another run has changed the host since this run began
    │   ├── GateError            1   RuntimeError: the host is not well after the change
    │   ├── NothingKeptError     1   LookupError: the host has no files to go back to
    │   ├── PreflightError       1   RuntimeError: something speaks against changing the host at all
    │   ├── VRIDTakenError       1   RuntimeError: another router speaks the cluster's VRID
    │   ├── FaultError           1   RuntimeError: a fault cannot be made on the host, or does not heal
    │   ├── DrainError           1   RuntimeError: an apiserver cannot be taken out of the host's haproxy
    │   ├── MoveError            1   RuntimeError: the VIP does not go where it was sent
    │   ├── PackageHeldError     1   RuntimeError: a package is held, and should change
    │   └── DowngradeRefusedError 1  ValueError: a pinned package is older than what the host has
    ├── OutputError              7   RuntimeError: a report, or other output, cannot be written
    ├── ClientError              1   RuntimeError: the client that measures an outage ended by itself, or says nothing
    └── LabError                 1   RuntimeError: the lab (see `nornir_kube_ha.lab`)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nornir_kube_ha.text import one_line, shortened

INTERRUPTED, TERMINATED = 130, 143  # exit codes after Ctrl-C and after SIGTERM, as a shell has them
MOST = 600  # characters of a host's name, a key, or what is wrong with it


class KubeHaError(Exception):
    """Root of every error that this package raises by itself."""

    exit_code = 1


class UsageError(KubeHaError, ValueError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class DeclinedError(UsageError):
    """The run asked whether to go on, and nobody said yes."""


class OutputError(KubeHaError, RuntimeError):
    """A report or other output cannot be written (a full disk, for example). What was done on hosts stays done."""

    exit_code = 7


class ClientError(KubeHaError, RuntimeError):
    """The client that measures an outage ended by itself, or says nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the inventory says wrongly.

    Arguments:
        host: the inventory's name of the host, or "" for what concerns no single host
        key: dotted path of the key, `haproxy.stats.password`
        message: what was seen and what would be right
    """

    host: str
    key: str
    message: str

    def __str__(self) -> str:
        """`host: key: message` on one line, without the parts that are empty and the middle of what is too long."""
        parts = (self.host, self.key, self.message)
        return ": ".join(shortened(one_line(part), MOST) for part in parts if part)


class InventoryError(KubeHaError, ValueError):
    """The inventory says something that cannot be. Carries every problem found, not only the first.

    Arguments:
        problems: all that is wrong, in the inventory's order
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class HostError(KubeHaError):
    """Something went wrong on one host.

    Arguments:
        host: the inventory's name of the host
        message: what was expected, what was seen, what to do
    """

    def __init__(self, host: str, message: str) -> None:
        self.host = host
        self.message = message
        super().__init__(f"{host}: {message}")


class HostUnreachableError(HostError, ConnectionError):
    """No SSH server answers on the host's address."""

    exit_code = 4


class LoginRefusedError(HostError, PermissionError):
    """The host's key is not the one known, or it does not accept our credentials."""

    exit_code = 6


class HostKeyUnknownError(LoginRefusedError):
    """The host's key is not among those that are known. No credential was sent."""


class HostKeyChangedError(LoginRefusedError):
    """The host's key is not the one that is known. No credential was sent."""


class PasswordExpiredError(LoginRefusedError):
    """The host lets the login do nothing before its password is changed."""


class SudoRefusedError(LoginRefusedError):
    """The login is not root's, and sudo does not let it become root."""


class RemoteCommandError(HostError, RuntimeError):
    """A command on the host ended with another exit status than expected.

    Arguments:
        host: the inventory's name of the host
        message: what was expected, what was seen, what to do
        status: what it ended with, none if it did not come to that
    """

    def __init__(self, host: str, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(host, message)


class RemoteTimeoutError(HostError, TimeoutError):
    """A command on the host did not end within its time."""


class RefusedConfigError(HostError, ValueError):
    """The host's own haproxy or keepalived refuses the staged configuration. Nothing live was touched."""


class RefusedTemplateError(HostError, ValueError):
    """A template of the inventory cannot be rendered for the host."""

    exit_code = 2


class UnexpectedReplyError(HostError, ValueError):
    """What came back from the host is not what its script prints: cut short, or mixed with other output."""


class LeaseHeldError(HostError, RuntimeError):
    """Another run is changing the host. Nothing was changed."""

    exit_code = 5


class LeaseLostError(LeaseHeldError):
    """This run lost the host's lease: another run was at work there since, or the host was booted."""


def lost_lease(host: str, holder: str) -> LeaseLostError:
    """Return the error of a run that has lost a host's lease.

    Arguments:
        host: its name
        holder: who has the lease or had it last, in words
    """
    return LeaseLostError(
        host,
        f"this run lost the lease: expected to hold it still, got {holder}. This run changes nothing more here, and "
        "puts nothing back. Run `verify`, then start again",
    )


class GateError(HostError, RuntimeError):
    """The host took its new configuration, and is not well with it."""


class NothingKeptError(HostError, LookupError):
    """The host has kept no files that it could go back to."""


class PreflightError(HostError, RuntimeError):
    """Something speaks against changing the host at all: an address or a port is taken, there is no room."""


class VRIDTakenError(HostError, RuntimeError):
    """A router that is not the cluster's was heard with its VRID: each would take the other's adverts for its own."""


class FaultError(HostError, RuntimeError):
    """A fault cannot be made on the host, or has not healed there."""


class DrainError(HostError, RuntimeError):
    """An apiserver cannot be taken out of the host's haproxy."""


class MoveError(HostError, RuntimeError):
    """The VIP does not go where it was sent."""


class PackageHeldError(HostError, RuntimeError):
    """The host's administrator keeps a package from changing that should be of another version."""


class DowngradeRefusedError(HostError, ValueError):
    """A package is pinned to a version that is older than what the host has, and nobody said that it may go back."""
