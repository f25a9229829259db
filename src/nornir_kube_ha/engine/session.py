"""Runs Nornir tasks on the hosts of a run, and records what they changed and where they failed."""

import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, Result

from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.printer import print_results
from nornir_kube_ha.engine.processor import LogOut
from nornir_kube_ha.errors import (
    HostUnreachableError,
    InventoryError,
    LeaseHeldError,
    RemoteCommandError,
    RemoteTimeoutError,
    UsageError,
)
from nornir_kube_ha.intent import Node
from nornir_kube_ha.inventory.load import folder_of_files, login_problems
from nornir_kube_ha.nearest import hint
from nornir_kube_ha.planning.diff import masked
from nornir_kube_ha.planning.lease import operator
from nornir_kube_ha.report import Failure, Origin
from nornir_kube_ha.ssh.departure import DEPARTURE
from nornir_kube_ha.tasks import (
    apply_config,
    change_firewall,
    install_packages,
    remove_config,
    upgrade_packages,
)
from nornir_kube_ha.text import bounded

LOGINS = 64  # that stay between two tasks: more hosts than a controller changes by hand, few beside its open files
LEFT_ALONE = 78  # draft.sh's exit status for a script that ended before any change
CHANGING = (apply_config, change_firewall, install_packages, remove_config, upgrade_packages)


def _is_lost(error: BaseException | None) -> bool:
    """Return whether the outcome is unknown (connection lost or timed out)."""
    return isinstance(error, HostUnreachableError | RemoteTimeoutError)


def _may_have_changed(error: BaseException | None) -> bool:
    """Return whether a failed task may have changed something. One that has not says so."""
    left_alone = isinstance(error, RemoteCommandError) and error.status == LEFT_ALONE
    return error is not None and not (left_alone or isinstance(error, LeaseHeldError))


class Session:
    """Runs tasks on hosts.

    Arguments:
        nornir: the caller's, with the whole inventory; filtered runs share its connections
        ledger: records what tasks changed and where they failed
        node_of: returns a host's desired state, by its name: it has the secrets that a failure's words must not show
        verbosity: number of `-v`: how much of the tasks' results goes to stderr

    Attributes:
        ledger: what was done, and what failed
        is_look_current: whether nothing has been done on a host since the run's last look
    """

    def __init__(self, nornir: Nornir, ledger: Ledger, node_of: Callable[[str], Node], *, verbosity: int = 0) -> None:
        self._log_out = LogOut(LOGINS)
        self.nornir = nornir.with_processors([*nornir.processors, self._log_out])
        self.ledger = ledger
        self.is_look_current = False
        self._node_of, self._verbosity = node_of, verbosity

    @property
    def dry_run(self) -> bool:
        """Whether tasks only report what they would change."""
        return bool(self.nornir.data.dry_run)

    @property
    def origin(self) -> Origin:
        """Where this session's report comes from."""
        folder = str(folder_of_files(self.nornir) or "")
        return Origin(version("nornir-kube-ha"), folder, operator(), socket.gethostname())

    def each(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Run a task on hosts in parallel. Record what it changed and where it failed.

        Arguments:
            task: a Nornir task
            hosts: names of the hosts
            arguments: the task's own

        Returns:
            Each host's result, by name, of the hosts that did not fail
        """
        if not hosts:
            return {}
        self.is_look_current = self.is_look_current and task not in CHANGING
        results = self._run(task, hosts, arguments)
        is_changing = task in CHANGING and not self.dry_run
        lost = [name for name, multi in results.items() if is_changing and _is_lost(multi[0].exception)]
        if lost:
            # The outcome is unknown, but a changing task does no harm when it runs twice.
            for name in lost:
                self.log_in_again(name)
            results.update(self._run(task, lost, arguments))
        for name, result in ((name, multi[0]) for name, multi in results.items()):
            if result.exception:
                self.fail(name, result.exception)
            if result.changed or name in lost or (is_changing and _may_have_changed(result.exception)):
                self.ledger.note_change(name, result.diff)
        return {name: multi[0].result for name, multi in results.items() if not multi[0].exception}

    def each_or_stop(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Do as `each`, then stop the run if a failure is not tolerated.

        Raises:
            StoppedError: one is not
        """
        values = self.each(task, hosts, **arguments)
        self.ledger.stop_if_failed()
        return values

    def one(self, task: Callable[..., Result], host: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Run a task on one host, and raise its error. Nothing is recorded.

        Arguments:
            task: a Nornir task
            host: name of the host
            arguments: the task's own

        Returns:
            The task's result

        Raises:
            UsageError: the inventory has no such host
        """
        self._refuse_unknown(host)
        result = self.ask(task, [host], **arguments)[host]
        if result.exception:
            raise result.exception
        return result.result

    def ask(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Result]:  # noqa: ANN401
        """Run a task on hosts in parallel, and return the result of each, failed or not. Nothing is recorded.

        Arguments:
            task: a Nornir task
            hosts: names of the hosts
            arguments: the task's own
        """
        if not hosts:
            return {}
        self.is_look_current = False
        return {name: multi[0] for name, multi in self._run(task, hosts, arguments).items()}

    def try_each(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Exception]:  # noqa: ANN401
        """Run a task on hosts in parallel, and return its errors by host name. Nothing is recorded.

        Arguments:
            task: a Nornir task that does not change a host's configuration
            hosts: their names
            arguments: the task's own
        """
        results = {name: multi[0] for name, multi in self._run(task, hosts, arguments).items()}
        return {name: each.exception for name, each in results.items() if isinstance(each.exception, Exception)}

    def _run(
        self, task: Callable[..., Result], hosts: Collection[str], arguments: Mapping[str, Any]
    ) -> AggregatedResult:
        self.nornir.data.reset_failed_hosts()
        meant = frozenset(hosts)
        results = self.nornir.filter(filter_func=lambda host: host.name in meant).run(
            task=task, raise_on_error=False, **arguments
        )
        print_results(results, self._verbosity)
        return results

    def refuse_login(self, host: str) -> None:
        """Refuse a host, a node or not, if its login settings in the inventory are invalid. Nothing is sent.

        Arguments:
            host: its name

        Raises:
            UsageError: the inventory has no such host
            InventoryError: lists everything that is wrong
        """
        self._refuse_unknown(host)
        if problems := [*login_problems(self.nornir, self.nornir.inventory.hosts[host])]:
            raise InventoryError(problems)

    def _refuse_unknown(self, host: str) -> None:
        if host not in self.nornir.inventory.hosts:
            raise UsageError(f"the inventory has no host called {host}{hint([host], self.nornir.inventory.hosts)}")

    def keep_no_logins(self) -> None:
        """From now on, log out of each host once a task is done there: this run has one task for each."""
        self._log_out.most = 0

    def log_in_again(self, host: str) -> None:
        """Close the login on a host that was switched off, so that the next task logs in again.

        Arguments:
            host: its name
        """
        self.nornir.inventory.hosts[host].close_connections()

    def fail(self, name: str, error: BaseException) -> None:
        """Record why the work on a host ended. A later failure, while clearing up, does not replace the reason.

        Arguments:
            name: of the host
            error: the reason
        """
        failure = Failure.of(error)
        words = bounded(masked(failure.message, self._node_of(name)))
        self.ledger.failures.setdefault(name, replace(failure, message=words))

    def add_words(self, name: str, words: str) -> None:
        """Add to the reason why the work on a host ended.

        Arguments:
            name: of a host that failed
            words: the rest of the sentence
        """
        failure = self.ledger.failures[name]
        message = f"{failure.message}; {masked(words, self._node_of(name))}"
        self.ledger.failures[name] = replace(failure, message=message)

    def close(self) -> None:
        """Close every login, also on failed hosts, which Nornir would leave out."""
        if DEPARTURE.is_due:
            return  # a host that hangs would block this, too; its login ends with the process
        self.nornir.data.reset_failed_hosts()
        self.nornir.close_connections()
