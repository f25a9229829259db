"""One run of a runbook: tasks over hosts, what each of them found and did, and the report."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, Result

from nornir_kube_ha.checks import (
    ALL,
    NEED_CREDENTIAL,
    HostView,
    foreign_routers,
)
from nornir_kube_ha.engine.disconnect import Leaving
from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.isolated_copy import apart
from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.printer import print_results
from nornir_kube_ha.engine.summary import Snapshot, Summary
from nornir_kube_ha.errors import (
    HostUnreachableError,
    InventoryError,
    KubeHaError,
    LeaseHeldError,
    RemoteCommandError,
    RemoteTimeoutError,
    UsageError,
)
from nornir_kube_ha.facts import Endpoint, Facts, Scope
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory.load import load_intent, login_problems
from nornir_kube_ha.planning.diff import masked
from nornir_kube_ha.planning.generated_password import with_kept_passwords
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.report import Failure, Report
from nornir_kube_ha.ssh.departure import DEPARTURE
from nornir_kube_ha.tasks import (
    apply_config,
    change_firewall,
    get_endpoint,
    get_facts,
    get_plan,
    install_packages,
    remove_config,
    upgrade_packages,
)
from nornir_kube_ha.text import bounded

FROM_CONTROLLER = "vip.from_controller"  # the check of what the controller itself sees
LEFT_ALONE = 78  # draft.sh's exit status for a script that ended before any change
CHANGING = (apply_config, change_firewall, install_packages, remove_config, upgrade_packages)


def _from_here(cluster: Cluster) -> bool:
    """Return whether the controller itself asks for a cluster's VIP."""
    return cluster.nodes[0].verify.from_controller


def _is_lost(error: BaseException | None) -> bool:
    """Return whether the outcome is unknown (connection lost or timed out)."""
    return isinstance(error, HostUnreachableError | RemoteTimeoutError)


def _may_have_changed(error: BaseException | None) -> bool:
    """Return whether a failed task may have changed something. One that has not says so."""
    left_alone = isinstance(error, RemoteCommandError) and error.status == LEFT_ALONE
    return error is not None and not (left_alone or isinstance(error, LeaseHeldError))


class Run:
    """One run of a runbook.

    Arguments:
        runbook: its name: `deploy`
        nornir: the caller's, with the whole inventory; filtered runs share its connections
        intent: desired state of the whole inventory
        hosts: names of the hosts to work on
        checks: ids of the checks to make
        verbosity: number of `-v`: how much of the tasks' results goes to stderr
        tell: called with each line of progress

    Attributes:
        lease: the run's claim to its hosts, while it changes them
        unbroken: makes the context for steps that an interruption must wait for; does nothing by default
        checks: ids of the checks to make
        ledger: what was done, and what failed
        steps: by host name, what a dry run's report lists instead of the host's plan
    """

    def __init__(
        self,
        runbook: str,
        nornir: Nornir,
        intent: Intent,
        hosts: Collection[str],
        *,
        checks: Collection[str] = ALL,
        verbosity: int = 0,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.intent = intent
        meant = frozenset(hosts)
        self.hosts = tuple(node.name for node in intent.nodes if node.name in meant)
        self._cluster_names = frozenset(node.cluster for node in intent.nodes if node.name in meant)
        self.ledger = Ledger({node.name: node.cluster for node in intent.nodes}, self._cluster_names)
        self.tell = tell
        self.facts: dict[str, Facts] = {}
        self.plans: dict[str, HostPlan] = {}
        self._runbook = runbook
        self.checks = checks
        self._nornir = nornir
        self._verbosity = verbosity
        self.faults: list[FaultReport] = []
        self.run_id = secrets.token_hex(6)
        self._started = datetime.now(UTC)
        self.lease: Lease | None = None
        self.unbroken: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        self.steps: dict[str, tuple[str, ...]] = {}
        self._looked = False
        self._listened: dict[str, tuple[str, tuple[int, ...]]] = {}
        self.credentials: Mapping[str, Kubernetes] = {}
        """By cluster: the credential for asking its apiservers for their health."""
        self._endpoints: dict[str, Future[Endpoint]] = {}
        self._asking: list[threading.Thread] = []

    @property
    def dry_run(self) -> bool:
        """Whether tasks only report what they would change."""
        return bool(self._nornir.data.dry_run)

    @property
    def reached(self) -> tuple[str, ...]:
        """Names of the hosts without a failure."""
        return self.ledger.without_failed(self.hosts)

    @property
    def going(self) -> tuple[str, ...]:
        """Names of the hosts without a failure, in clusters whose change goes on."""
        return self.ledger.still_going(self.hosts)

    def tell_of_change(self, text: str) -> None:
        """Report the progress of a change. A dry run reports none.

        Arguments:
            text: one line
        """
        if not self.dry_run:
            self.tell(text)

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
        self._nornir.data.reset_failed_hosts()
        self._looked = self._looked and task not in CHANGING
        results = self._run(task, hosts, arguments)
        if task in CHANGING and (lost := [name for name, multi in results.items() if _is_lost(multi[0].exception)]):
            # The outcome is unknown, but a changing task does no harm when it runs twice.
            for name in lost:
                self.log_in_again(name)
            self._nornir.data.reset_failed_hosts()
            results.update(self._run(task, lost, arguments))
        for name, result in ((name, multi[0]) for name, multi in results.items()):
            if result.exception:
                self.fail(name, result.exception)
            if result.changed or (task in CHANGING and _may_have_changed(result.exception)):
                self.ledger.note_change(name, result.diff)
        return {name: multi[0].result for name, multi in results.items() if not multi[0].exception}

    def _run(
        self, task: Callable[..., Result], hosts: Collection[str], arguments: Mapping[str, Any]
    ) -> AggregatedResult:
        meant = frozenset(hosts)
        results = self._nornir.filter(filter_func=lambda host: host.name in meant).run(
            task=task, raise_on_error=False, **arguments
        )
        print_results(results, self._verbosity)
        return results

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
        if host not in self._nornir.inventory.hosts:
            raise UsageError(f"the inventory has no host called {host}")
        result = self._ask(task, [host], arguments)[host]
        if result.exception:
            raise result.exception
        return result.result

    def refuse_login(self, host: str) -> None:
        """Refuse a host, a node or not, if its login settings in the inventory are invalid. Nothing is sent.

        Arguments:
            host: its name

        Raises:
            UsageError: the inventory has no such host
            InventoryError: lists everything that is wrong
        """
        if host not in self._nornir.inventory.hosts:
            raise UsageError(f"the inventory has no host called {host}")
        if problems := [*login_problems(self._nornir, self._nornir.inventory.hosts[host])]:
            raise InventoryError(problems)

    def try_each(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Exception]:  # noqa: ANN401
        """Run a task on hosts in parallel, and return its errors by host name. Nothing is recorded.

        Arguments:
            task: a Nornir task that does not change a host's configuration
            hosts: their names
            arguments: the task's own
        """
        self._nornir.data.reset_failed_hosts()
        results = {name: multi[0] for name, multi in self._run(task, hosts, arguments).items()}
        return {name: each.exception for name, each in results.items() if isinstance(each.exception, Exception)}

    def _ask(
        self, task: Callable[..., Result], hosts: Collection[str], arguments: Mapping[str, Any]
    ) -> dict[str, Result]:
        self._nornir.data.reset_failed_hosts()
        self._looked = False
        return {name: multi[0] for name, multi in self._run(task, hosts, arguments).items()}

    def keep_no_logins(self) -> None:
        """From now on, log out of each host once a task is done there: a fleet's logins are many open files."""
        self._nornir = self._nornir.with_processors([*self._nornir.processors, Leaving()])

    def log_in_again(self, host: str) -> None:
        """Close the login on a host that was switched off, so that the next task logs in again.

        Arguments:
            host: its name
        """
        self._nornir.inventory.hosts[host].close_connections()

    def fail(self, name: str, error: BaseException) -> None:
        """Record why the work on a host ended. A later failure, while clearing up, does not replace the reason.

        Arguments:
            name: of the host
            error: the reason
        """
        failure = Failure.of(error)
        words = bounded(masked(failure.message, self.intent.node(name)))
        self.ledger.failures.setdefault(name, replace(failure, message=words))

    def add_words(self, name: str, words: str) -> None:
        """Add to the reason why the work on a host ended.

        Arguments:
            name: of a host that failed
            words: the rest of the sentence
        """
        failure = self.ledger.failures[name]
        message = f"{failure.message}; {masked(words, self.intent.node(name))}"
        self.ledger.failures[name] = replace(failure, message=message)

    def start_over(self) -> None:
        """Forget all failures, so that every host is looked at again."""
        for name in self.ledger.failures:
            self.log_in_again(name)
        self.ledger.start_over()
        self._listened.clear()  # another router may be there by now

    def close(self) -> None:
        """Close every login, also on failed hosts, which Nornir would leave out."""
        if all(asked.done() for asked in self._endpoints.values()):
            for thread in self._asking:
                thread.join()  # they have ended, or are about to
        if DEPARTURE.is_due:
            return  # a host that hangs would block this, too; its login ends with the process
        self._nornir.data.reset_failed_hosts()
        self._nornir.close_connections()

    def each_or_stop(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Do as `each`, then stop the run if a failure is not tolerated.

        Raises:
            StoppedError: one is not
        """
        values = self.each(task, hosts, **arguments)
        self.ledger.stop_if_failed()
        return values

    def interrupt(self, error: BaseException) -> None:
        """Record that the run was interrupted. Its last look still holds if nothing was changed since.

        Arguments:
            error: what ended it
        """
        self.ledger.interrupt(error)
        if not self._looked:
            self.ledger.stopped = "the run was interrupted"
        answered = {name: asked for name, asked in self._endpoints.items() if asked.done() and not asked.exception()}
        self._endpoints = answered  # nobody waits for the others any more

    def look(self, lease: Lease | None = None, *, scope: Scope = Scope.ALL) -> None:
        """Gather facts of every host that can be reached, and of the VIPs, and find out what differs.

        Clusters whose change has ended are left out.

        Arguments:
            lease: the lease that this run will take; a host whose lease another run holds fails
            scope: which other machines hosts ask, as for `get_facts`
        """
        wanted = scope is Scope.ALL and not self.dry_run
        clusters = [
            each for each in self.clusters if each.name not in self.ledger.ended and wanted and self._asks_for(each)
        ]
        self._asking = []
        # Asked in the background: a VIP that does not answer takes seconds, and only the report needs it.
        endpoints = {cluster.name: self._ask_for(cluster) for cluster in clusters if _from_here(cluster)}
        facts = self.each(
            get_facts, self.going, intent=self.intent, lease=lease, scope=scope, listened=self._heard_nobody_else()
        )
        self.intent = with_kept_passwords(self.intent, facts)
        plans = self.each(get_plan, [*facts], intent=self.intent, facts=facts)
        self.facts, self.plans, self._endpoints, self._looked = facts, plans, endpoints, True
        if scope is Scope.ALL:
            self._listened = {name: self._wire(name) for name in plans if self._hears_nobody_else(name)}

    def _asks_for(self, cluster: Cluster) -> bool:
        """Return whether a check needs what the controller itself asks of a cluster."""
        with_credential = NEED_CREDENTIAL if cluster.name in self.credentials else frozenset[str]()
        return bool({FROM_CONTROLLER, *with_credential} & {*self.checks})

    def _heard_nobody_else(self) -> frozenset[str]:
        """Return the hosts that have listened for other routers, under the present intent, and heard none."""
        return frozenset(name for name, wire in self._listened.items() if wire == self._wire(name))

    def _wire(self, name: str) -> tuple[str, tuple[int, ...]]:
        return self.intent.node(name).interface, self.intent.cluster_of(name).virtual_router_ids

    def _hears_nobody_else(self, name: str) -> bool:
        heard = self.facts[name].heard
        return heard is not None and heard.is_whole and not foreign_routers(self.view(name))

    def _ask_for(self, cluster: Cluster) -> Future[Endpoint]:
        """Ask for a cluster's VIP from the controller, in a daemon thread, and return the future answer."""
        asked = Future[Endpoint]()

        def ask() -> None:
            try:
                asked.set_result(get_endpoint(cluster, self.credentials.get(cluster.name)))
            except BaseException as error:  # noqa: BLE001 - whoever wants the answer raises it
                asked.set_exception(error)

        self._asking.append(threading.Thread(target=ask, daemon=True))
        self._asking[-1].start()
        return asked

    def look_at(self, name: str) -> Facts:
        """Gather facts of one host again, in the scope of a gate, and find out what differs.

        Arguments:
            name: of a host that can be reached

        Raises:
            KubeHaError: it cannot be looked at
        """
        self.facts[name] = self.one(get_facts, name, intent=self.intent, scope=Scope.GATE)
        self.plans[name] = self.one(get_plan, name, intent=self.intent, facts=self.facts)
        return self.facts[name]

    def look_at_each(self, names: Collection[str]) -> dict[str, BaseException]:
        """Gather facts of some hosts again, in parallel and in the scope of a gate, and find out what differs.

        Arguments:
            names: of the hosts

        Returns:
            The error of each host that cannot be looked at, by name
        """
        if not names:
            return {}
        found = self._ask(get_facts, names, {"intent": self.intent, "scope": Scope.GATE})
        facts = {name: result.result for name, result in found.items() if not result.exception}
        planned = (
            self._ask(get_plan, [*facts], {"intent": self.intent, "facts": {**self.facts, **facts}}) if facts else {}
        )
        self.facts.update(facts)
        self.plans.update({name: each.result for name, each in planned.items() if not each.exception})
        return {name: each.exception for name, each in {**found, **planned}.items() if each.exception}

    def glance(self, cluster: Cluster) -> dict[str, Facts]:
        """Gather facts of the run's hosts of a cluster, quickly, and keep none of them.

        Arguments:
            cluster: one of the run's

        Returns:
            Facts by host name, of the hosts that can be looked at, even of failed ones
        """
        names = [
            node.name for node in cluster.nodes if node.name in self.hosts and node.name not in self.ledger.unreachable
        ]
        found = self._ask(get_facts, names, {"intent": self.intent, "scope": Scope.OWN})
        return {name: result.result for name, result in found.items() if not result.exception}

    def look_at_former(self, cluster: Cluster, address: str) -> Facts | None:
        """Gather facts of a former node, which is not in the inventory.

        Nobody logs in if a node of the cluster accepts any host key: another machine may have the address by now.

        Arguments:
            cluster: of which it was a node; the login is that of the cluster's nodes
            address: its address

        Returns:
            Its facts; None if there is no login
        """
        if any(node.host_keys != "strict" for node in cluster.nodes):
            return None
        own = apart(self._nornir, dry_run=True)
        try:
            (name,) = add_former_hosts(own, [cluster.nodes[0].name], [address])
            intent = load_intent(own)
            results = own.filter(name=name).run(task=get_facts, raise_on_error=False, intent=intent, scope=Scope.OWN)
        except KubeHaError:
            return None
        finally:
            own.close_connections()
        facts: Facts | None = None if results[name].failed else results[name][0].result
        return facts

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters that any of the run's hosts serves."""
        return tuple(cluster for cluster in self.intent.clusters if cluster.name in self._cluster_names)

    def report_of_checks(self) -> Report:
        """Return the report of the last look, without the faults that were made before it."""
        return replace(self.report(), faults=())

    def report(self) -> Report:
        """Return the report of what the run found and did."""
        summary = Summary(
            self._runbook,
            self.run_id,
            self._started,
            self.hosts,
            self.checks,
            self.dry_run,
            frozenset(self.credentials),
            self.steps,
            tuple(self.faults),
        )
        return summary.report(self._snapshot(), self.ledger)

    def _snapshot(self) -> Snapshot:
        """Return the last look. Wait for what the controller has asked, except in clusters whose change has ended."""
        waited = {name: asked.result() for name, asked in self._endpoints.items() if not self.ledger.why_ended(name)}
        return Snapshot(self.intent, self.facts, self.plans, waited)

    def view(self, name: str) -> HostView:
        """Return all that the last look found of a host.

        Arguments:
            name: of a host that was looked at
        """
        return Snapshot(self.intent, self.facts, self.plans).view(name)
