"""All exceptions of kube-ha; catch `KubeHaError` for all of them.

Each leaf also derives from the matching built-in, and has the exit code of the runbook.

    KubeHaError                  1   a check or a host failed
    ├── InventoryError           2   ValueError: the inventory is invalid
    ├── UsageError               2   ValueError: the command line is invalid
    │   └── DeclinedError        2   the confirmation question was not answered with yes
    ├── HostError                1   an error on one host, with the host's name
    │   ├── HostUnreachableError 4   ConnectionError: no SSH server answers at the host's address
    │   ├── LoginRefusedError    6   PermissionError: host key or credentials not accepted
    │   │   ├── HostKeyUnknownError 6  the host's key is not in any known_hosts file
    │   │   ├── HostKeyChangedError 6  the host's key differs from the known one
    │   │   ├── PasswordExpiredError 6  the login's password must be changed first
    │   │   └── SudoRefusedError 6  the login is not root, and sudo is not allowed
    │   ├── RemoteCommandError   1   RuntimeError: a command on the host failed
    │   ├── RemoteTimeoutError   1   TimeoutError: a command on the host timed out
    │   ├── RefusedConfigError   1   ValueError: the host's daemon rejects the new configuration
    │   ├── RefusedTemplateError 2   ValueError: a template of the inventory cannot be rendered
    │   ├── UnexpectedReplyError 1   ValueError: the script's output is truncated or malformed
    │   ├── LeaseHeldError       5   RuntimeError: another run is changing the host
    │   │   └── LeaseLostError   5   another run took the lease, or the host was rebooted
    │   ├── GateError            1   RuntimeError: the host fails its checks after the change
    │   ├── NothingKeptError     1   LookupError: the host has no earlier files to return to
    │   ├── PreflightError       1   RuntimeError: the pre-flight found an obstacle to any change
    │   ├── VRIDTakenError       1   RuntimeError: another router uses the cluster's VRID
    │   ├── FaultError           1   RuntimeError: a fault cannot be injected on the host, or does not heal
    │   ├── DrainError           1   RuntimeError: an apiserver cannot be drained in the host's haproxy
    │   ├── MoveError            1   RuntimeError: the VIP does not move to the chosen node
    │   ├── AdoptionError        1   ValueError: the host's configuration cannot be adopted
    │   ├── PackageHeldError     1   RuntimeError: a package to change is held
    │   └── DowngradeRefusedError 1  ValueError: a package is pinned to an older version than installed
    ├── OutputError              7   RuntimeError: a report or other output cannot be written
    ├── ClientError              1   RuntimeError: the measuring client exited early or sends no data
    └── LabError                 1   RuntimeError: the lab (see `nornir_kube_ha.lab`)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nornir_kube_ha.text import one_line, shortened

INTERRUPTED, TERMINATED = 130, 143  # exit codes after Ctrl-C and SIGTERM, as in a shell: 128 + signal number
MOST = 600  # characters of each part of a problem


class KubeHaError(Exception):
    """Base of all errors that kube-ha raises itself."""

    exit_code = 1


class UsageError(KubeHaError, ValueError):
    """The command line, or a function's arguments, are invalid."""

    exit_code = 2


class DeclinedError(UsageError):
    """The run's confirmation question was not answered with yes."""


class OutputError(KubeHaError, RuntimeError):
    """A report or other output cannot be written, to a full disk for example. Changes on hosts are kept."""

    exit_code = 7


class ClientError(KubeHaError, RuntimeError):
    """The client that measures outages exited early or sends no data."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error in the inventory.

    Arguments:
        host: the host's name in the inventory; "" if the problem concerns no single host
        key: dotted path of the key, `haproxy.stats.password`
        message: the value found and the value expected
    """

    host: str
    key: str
    message: str

    def __str__(self) -> str:
        """Return `host: key: message` on one line, without empty parts; parts that are too long are shortened."""
        parts = (self.host, self.key, self.message)
        return ": ".join(shortened(one_line(part), MOST) for part in parts if part)


class InventoryError(KubeHaError, ValueError):
    """The inventory is invalid. Carries every problem found, not only the first.

    Arguments:
        problems: all problems, in the inventory's order
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class HostError(KubeHaError):
    """An error on one host.

    Arguments:
        host: the host's name in the inventory
        message: expected, seen, and what to do
    """

    def __init__(self, host: str, message: str) -> None:
        self.host = host
        self.message = message
        super().__init__(f"{host}: {message}")


class HostUnreachableError(HostError, ConnectionError):
    """No SSH server answers at the host's address."""

    exit_code = 4


class LoginRefusedError(HostError, PermissionError):
    """The host's key is not the known one, or the host rejects the credentials."""

    exit_code = 6


class HostKeyUnknownError(LoginRefusedError):
    """The host's key is not in any known_hosts file. No credential was sent."""


class HostKeyChangedError(LoginRefusedError):
    """The host's key differs from the known one. No credential was sent."""


class PasswordExpiredError(LoginRefusedError):
    """The login's password has expired; the host runs no command before it is changed."""


class SudoRefusedError(LoginRefusedError):
    """The login is not root, and sudo does not let it become root."""


class RemoteCommandError(HostError, RuntimeError):
    """A command on the host failed with an unexpected exit status, or did not finish.

    Arguments:
        host: the host's name in the inventory
        message: expected, seen, and what to do
        status: the exit status; None if the command did not finish
    """

    def __init__(self, host: str, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(host, message)


class RemoteTimeoutError(HostError, TimeoutError):
    """A command on the host timed out."""


class RefusedConfigError(HostError, ValueError):
    """The host's haproxy or keepalived rejects the staged configuration. Live files are unchanged."""


class RefusedTemplateError(HostError, ValueError):
    """A template of the inventory cannot be rendered for the host."""

    exit_code = 2


class UnexpectedReplyError(HostError, ValueError):
    """A script's output is truncated, malformed or mixed with other output."""


class LeaseHeldError(HostError, RuntimeError):
    """Another run is changing the host. This run changed nothing; wait until the other one ends."""

    exit_code = 5


class LeaseLostError(LeaseHeldError):
    """Another run took this run's lease, or the host was rebooted. Earlier hosts stay changed; run `verify`."""


def lost_lease(host: str, holder: str) -> LeaseLostError:
    """Return the error of a run that has lost a host's lease.

    Arguments:
        host: the host's name in the inventory
        holder: description of the current or last holder of the lease
    """
    return LeaseLostError(
        host,
        f"this run lost the host's lease; holder now: {holder}. It changes nothing more on the host and "
        "restores no files. Run `verify`, then start again",
    )


class GateError(HostError, RuntimeError):
    """The host fails its gate after a change. The error says whether it was put back; run `verify`."""


class NothingKeptError(HostError, LookupError):
    """The host has no earlier generation of files to return to."""


class PreflightError(HostError, RuntimeError):
    """The pre-flight found an obstacle to any change: an address or port in use, a full disk."""


class VRIDTakenError(HostError, RuntimeError):
    """A foreign router uses the cluster's VRID; both would accept each other's adverts."""


class FaultError(HostError, RuntimeError):
    """A fault cannot be injected on the host, or has not healed there."""


class DrainError(HostError, RuntimeError):
    """An apiserver cannot be drained in the host's haproxy."""


class MoveError(HostError, RuntimeError):
    """The VIP does not move to the chosen node."""


class AdoptionError(HostError, ValueError):
    """What runs on the host cannot be turned into an inventory. Nothing was written."""


class PackageHeldError(HostError, RuntimeError):
    """A package that should change is held at its version on the host."""


class DowngradeRefusedError(HostError, ValueError):
    """A package is pinned to an older version than installed, and downgrades are not allowed."""
