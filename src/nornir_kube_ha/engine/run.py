"""One run of a runbook: tasks over hosts, what each of them found and did, and the report of it all."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
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
    ClusterView,
    Finding,
    HostView,
    Status,
    check_cluster,
    check_host,
    foreign_routers,
    unknown_host,
)
from nornir_kube_ha.engine.disconnect import Leaving
from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.isolated_copy import apart
from nornir_kube_ha.engine.printer import print_results
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
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.intent.names import VRRP_INSTANCE
from nornir_kube_ha.inventory.load import load_intent, login_problems
from nornir_kube_ha.planning.diff import masked
from nornir_kube_ha.planning.generated_password import with_kept_passwords
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report
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
from nornir_kube_ha.text import bounded, shortened

LONGEST_WORD = 100  # characters of what a host's haproxy calls an apiserver; ours are shorter
MOST_STRANGERS = 20  # apiservers that are not in the inventory: a page cannot show what a host makes up without end
FROM_CONTROLLER = "vip.from_controller"  # the check that goes by what the controller itself asks
LEFT_ALONE = 78  # exit status of a script that ended before it changed anything, of draft.sh
CHANGING = (apply_config, change_firewall, install_packages, remove_config, upgrade_packages)


def _from_here(cluster: Cluster) -> bool:
    """Whether the controller asks for a cluster's VIP itself."""
    return cluster.nodes[0].verify.from_controller


def _shown_apiservers(node: Node, facts: Facts) -> dict[str, str]:
    """Status of each apiserver in a host's words: of the inventory's own, and of a few more that its haproxy names."""
    names = {apiserver.name for apiserver in node.apiservers}
    found = {shortened(each.name, LONGEST_WORD): shortened(each.status, LONGEST_WORD) for each in facts.servers or ()}
    left_out = set([name for name in found if name not in names][MOST_STRANGERS:])
    return {name: status for name, status in found.items() if name not in left_out}


def _is_lost(error: BaseException | None) -> bool:
    """Whether nobody knows what became of a step: its answer never came."""
    return isinstance(error, HostUnreachableError | RemoteTimeoutError)


def _may_have_changed(error: BaseException | None) -> bool:
    """Return whether a changing task that failed may have changed something; one that has not says so."""
    left_alone = isinstance(error, RemoteCommandError) and error.status == LEFT_ALONE
    return error is not None and not (left_alone or isinstance(error, LeaseHeldError))


class StoppedError(Exception):
    """A host failed, so the run goes no further. Never leaves `Run.until_failure`."""


class Run:
    """One run of a runbook.

    Arguments:
        runbook: `deploy` or `verify`
        nornir: the caller's Nornir, with the whole inventory; filtered runs share its connections
        intent: all that the inventory says
        hosts: names of the hosts that are meant
        checks: ids of the checks that are wanted
        verbosity: how much of the tasks' results goes to stderr
        tell: is told what takes a while

    Attributes:
        lease: the run's claim to its hosts, while it changes them
        unbroken: what goes around steps that an interruption must wait for; nothing if not set
        checks: ids of the checks that are wanted
        tolerated: names of hosts whose failure does not stop the run
        ended: why a cluster's change went no further, by its name; the others go on
        aftermath: what was seen of a cluster's hosts after its change ended early, by the cluster's name
        in_hand: names of hosts whose change has begun, and that have not passed their gates yet
        steps: what is done, by host name, where that is not what the hosts' plans say; a dry run's report lists it
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
        self.tell = tell
        self.facts: dict[str, Facts] = {}
        self.plans: dict[str, HostPlan] = {}
        self.changed: set[str] = set()
        self._runbook = runbook
        self.checks = checks
        self._nornir = nornir
        self._verbosity = verbosity
        self.faults: list[FaultReport] = []
        self.run_id = secrets.token_hex(6)
        self._started = datetime.now(UTC)
        self.lease: Lease | None = None
        self.unbroken: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        self.tolerated: set[str] = set()
        self.ended: dict[str, str] = {}
        self.in_hand: set[str] = set()
        self.aftermath: dict[str, Mapping[str, Facts]] = {}
        self.steps: dict[str, tuple[str, ...]] = {}
        self._failures: dict[str, Failure] = {}
        self._stopped = ""
        self._error: Failure | None = None
        self._looked = False
        self._listened: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._diffs: dict[str, list[str]] = {}
        self.credentials: Mapping[str, Kubernetes] = {}
        """By cluster: a credential, by which its apiservers are asked for their health."""
        self._endpoints: dict[str, Future[Endpoint]] = {}
        self._asking: list[threading.Thread] = []

    @property
    def dry_run(self) -> bool:
        """Whether tasks only say what they would change."""
        return bool(self._nornir.data.dry_run)

    @property
    def reached(self) -> tuple[str, ...]:
        """Names of the hosts that nothing has failed on."""
        return tuple(name for name in self.hosts if name not in self._failures)

    @property
    def going(self) -> tuple[str, ...]:
        """Names of the hosts that nothing has failed on, in clusters whose change goes on."""
        return tuple(name for name in self.reached if self._cluster_name(name) not in self.ended)

    def tell_of_change(self, text: str) -> None:
        """Tell what is being changed; a dry run has nothing to tell of.

        Arguments:
            text: one line
        """
        if not self.dry_run:
            self.tell(text)

    def each(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """Run a task on hosts at once, and keep account of what it changed and where it failed.

        Arguments:
            task: a Nornir task
            hosts: names of the hosts
            arguments: the task's own

        Returns:
            Each host's result, by name, of those that did not fail
        """
        if not hosts:
            return {}
        self._nornir.data.reset_failed_hosts()
        self._looked = self._looked and task not in CHANGING
        results = self._run(task, hosts, arguments)
        if task in CHANGING and (lost := [name for name, multi in results.items() if _is_lost(multi[0].exception)]):
            # It may have been done all the same, and is so made that doing it again does no harm.
            for name in lost:
                self.log_in_again(name)
            self._nornir.data.reset_failed_hosts()
            results.update(self._run(task, lost, arguments))
        for name, result in ((name, multi[0]) for name, multi in results.items()):
            if result.exception:
                self.fail(name, result.exception)
            if result.changed or (task in CHANGING and _may_have_changed(result.exception)):
                self.changed.add(name)
                self._diffs.setdefault(name, []).append(result.diff)
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
        """Run a task on one host, and raise what it raises: no account is kept of it.

        Arguments:
            task: a Nornir task
            host: its name
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
        """Refuse a host, ours or not, whose login the inventory may not have as it says it. Nothing is sent.

        Arguments:
            host: its name

        Raises:
            UsageError: the inventory has no such host
            InventoryError: with all that is wrong
        """
        if host not in self._nornir.inventory.hosts:
            raise UsageError(f"the inventory has no host called {host}")
        if problems := [*login_problems(self._nornir, self._nornir.inventory.hosts[host])]:
            raise InventoryError(problems)

    def try_each(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Exception]:  # noqa: ANN401
        """Run a task on hosts at once, and return what it raised, by host name: no account is kept of it.

        Arguments:
            task: a Nornir task that changes nothing of a host's configuration
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
        """From now on log out of each host as soon as a task is done there: a fleet's logins are many open files."""
        self._nornir = self._nornir.with_processors([*self._nornir.processors, Leaving()])

    def log_in_again(self, host: str) -> None:
        """Forget the login on a host: it was switched off.

        Arguments:
            host: its name
        """
        self._nornir.inventory.hosts[host].close_connections()

    def fail(self, name: str, error: BaseException) -> None:
        """Note why the work on a host ended. What fails after that, while clearing up, is not the reason.

        Arguments:
            name: of the host
            error: the reason
        """
        failure = Failure.of(error)
        words = bounded(masked(failure.message, self.intent.node(name)))
        self._failures.setdefault(name, replace(failure, message=words))

    def add_words(self, name: str, words: str) -> None:
        """Say more of why the work on a host ended.

        Arguments:
            name: of a host that failed
            words: the rest of the sentence
        """
        failure = self._failures[name]
        self._failures[name] = replace(failure, message=f"{failure.message}; {masked(words, self.intent.node(name))}")

    def failure_of(self, name: str) -> Failure | None:
        """Why the work on a host ended; none if it goes on.

        Arguments:
            name: of the host
        """
        return self._failures.get(name)

    def has_lost_lease(self, name: str) -> bool:
        """Whether the work on a host ended because another run has its lease.

        Arguments:
            name: of the host
        """
        failure = self._failures.get(name)
        return failure is not None and failure.exit_code == LeaseHeldError.exit_code

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Names of the hosts that could not be reached."""
        code = HostUnreachableError.exit_code
        return tuple(name for name, failure in self._failures.items() if failure.exit_code == code)

    def start_over(self) -> None:
        """Forget what failed, so that every host is looked at again."""
        for name in self._failures:
            self.log_in_again(name)
        self._failures.clear()
        self._listened.clear()  # somebody may have begun to speak
        self.ended.clear()

    def close(self) -> None:
        """End every login, also on hosts where something failed, which Nornir would leave out."""
        if all(asked.done() for asked in self._endpoints.values()):
            for thread in self._asking:
                thread.join()  # they have ended, or are about to
        if DEPARTURE.is_due:
            return  # a host that hangs would keep us here, too; its login ends with the process
        self._nornir.data.reset_failed_hosts()
        self._nornir.close_connections()

    def each_or_stop(self, task: Callable[..., Result], hosts: Collection[str], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        """As `each`, and go no further if it failed anywhere.

        Raises:
            StoppedError: it failed on a host
        """
        values = self.each(task, hosts, **arguments)
        self.stop_if_failed()
        return values

    def stop_if_failed(self) -> None:
        """Go no further if anything has failed on any host but those whose failure is tolerated.

        Raises:
            StoppedError: it has
        """
        if self._standing_failures():
            raise StoppedError

    def end_failed_clusters(self) -> None:
        """Go no further in clusters where anything has failed but what is tolerated. The others do not share hosts.

        Raises:
            StoppedError: none is left
        """
        failed = self._standing_failures()
        for name in dict.fromkeys(map(self._cluster_name, failed)):
            hosts = ", ".join(host for host in failed if self._cluster_name(host) == name)
            self.ended[name] = f"the change of cluster {name} stopped because {hosts} failed"
        if failed and not any(cluster.name not in self.ended for cluster in self.clusters):
            raise StoppedError

    def _standing_failures(self) -> list[str]:
        """Names of hosts whose failure is neither tolerated nor has ended its cluster's change already."""
        failed = (name for name in self._failures if name not in self.tolerated)
        return [name for name in failed if self._cluster_name(name) not in self.ended]

    def _cluster_name(self, host: str) -> str:
        return self.intent.node(host).cluster

    @contextlib.contextmanager
    def until_failure(self) -> Iterator[None]:
        """Work that a failed host ends. The report is made all the same."""
        try:
            yield
        except StoppedError:
            several = len(self.clusters) > 1
            names = [f"{name} ({self._cluster_name(name)})" if several else name for name in self._failures]
            self._stopped = f"the run stopped because {', '.join(names)} failed"

    def interrupt(self, error: BaseException) -> None:
        """Note that the run goes no further. What its last look found still holds if nothing was changed since.

        Arguments:
            error: what ended it
        """
        failure = Failure.of(error)
        self._error = replace(failure, message=str(error)) if isinstance(error, KubeHaError) else failure
        if not self._looked:
            self._stopped = "the run was interrupted"
        answered = {name: asked for name, asked in self._endpoints.items() if asked.done() and not asked.exception()}
        self._endpoints = answered  # nobody waits for the others any more

    def look(self, lease: Lease | None = None, *, scope: Scope = Scope.ALL) -> None:
        """Gather facts of every host that can be reached, and of the VIPs, and see what differs there.

        Clusters whose change has ended are left out.

        Arguments:
            lease: that the run is going to ask for: it has no business on a host where another run is at work
            scope: whom they ask, as `get_facts` has it
        """
        wanted = scope is Scope.ALL and not self.dry_run
        clusters = [each for each in self.clusters if each.name not in self.ended and wanted and self._asks_for(each)]
        self._asking = []
        # Where nobody answers that takes seconds, and only a report wants to know.
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
        """Whether a check goes by what the controller itself asks of a cluster."""
        with_credential = NEED_CREDENTIAL if cluster.name in self.credentials else frozenset[str]()
        return bool({FROM_CONTROLLER, *with_credential} & {*self.checks})

    def _heard_nobody_else(self) -> frozenset[str]:
        """Names of the hosts that have listened for other routers, as the intent is now, and heard none."""
        return frozenset(name for name, wire in self._listened.items() if wire == self._wire(name))

    def _wire(self, name: str) -> tuple[str, tuple[int, ...]]:
        return self.intent.node(name).interface, self.intent.cluster_of(name).virtual_router_ids

    def _hears_nobody_else(self, name: str) -> bool:
        heard = self.facts[name].heard
        return heard is not None and heard.is_whole and not foreign_routers(self.view(name))

    def _ask_for(self, cluster: Cluster) -> Future[Endpoint]:
        """What the controller sees at a cluster's VIP, by a thread that keeps no process."""
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
        """Gather facts of one host again, as a gate needs them, and see what differs there.

        Arguments:
            name: of a host that can be reached

        Raises:
            KubeHaError: it cannot be looked at
        """
        self.facts[name] = self.one(get_facts, name, intent=self.intent, scope=Scope.GATE)
        self.plans[name] = self.one(get_plan, name, intent=self.intent, facts=self.facts)
        return self.facts[name]

    def look_at_each(self, names: Collection[str]) -> dict[str, BaseException]:
        """Gather facts of some hosts again, as a gate needs them, all at once, and see what differs there.

        Arguments:
            names: of the hosts

        Returns:
            Why, of those that cannot be looked at
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
        """Gather facts of a cluster's hosts of this run, quickly, and keep nothing of it.

        Arguments:
            cluster: one of the run's

        Returns:
            By name, of the hosts that can be looked at, failed ones among them
        """
        names = [node.name for node in cluster.nodes if node.name in self.hosts and node.name not in self.unreachable]
        found = self._ask(get_facts, names, {"intent": self.intent, "scope": Scope.OWN})
        return {name: result.result for name, result in found.items() if not result.exception}

    def look_at_former(self, cluster: Cluster, address: str) -> Facts | None:
        """Gather facts of a machine that was a node of a cluster, and is not in the inventory any more.

        Nobody logs in where any host key would do: another machine may have the address by now.

        Arguments:
            cluster: that it was a node of; it is logged in to as that cluster's nodes are
            address: its

        Returns:
            None if there is no login
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
        """Those that any of the run's hosts serves."""
        return tuple(cluster for cluster in self.intent.clusters if cluster.name in self._cluster_names)

    def report_of_checks(self) -> Report:
        """What the last look found, without the faults that were made before it."""
        return replace(self.report(), faults=())

    def report(self) -> Report:
        """What the run found and did. A dry run has changed nothing, so there is nothing to check."""
        judged = not self.dry_run
        return Report(
            run_id=self.run_id,
            runbook=self._runbook,
            started=self._started,
            finished=datetime.now(UTC),
            hosts={name: self._host_report(name, judged=judged) for name in self.hosts},
            clusters={cluster.name: self._cluster_report(cluster, judged=judged) for cluster in self.clusters},
            dry_run=self.dry_run,
            faults=tuple(self.faults),
            error=self._error,
        )

    def _cluster_report(self, cluster: Cluster, *, judged: bool) -> ClusterReport:
        stopped = self._why_ended(cluster.name)
        facts = {} if stopped else self.facts
        asked = None if stopped else self._endpoints.get(cluster.name)
        endpoint = asked.result() if asked else None
        left_out = {node.name for node in cluster.nodes} - {*self.hosts}
        is_asked_for = {*self.checks} <= NEED_CREDENTIAL
        checks = self.checks if is_asked_for or cluster.name in self.credentials else {*self.checks} - NEED_CREDENTIAL
        findings = check_cluster(ClusterView(cluster, facts, endpoint, left_out), checks) if judged else ()
        return ClusterReport(
            self._with_aftermath(cluster, findings) if judged and stopped else findings,
            str(cluster.vip.ip),
            cluster.nodes[0].haproxy.port,
            {apiserver.name: str(apiserver) for apiserver in cluster.apiservers},
        )

    def _with_aftermath(self, cluster: Cluster, unseen: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Return the findings of a change that ended early: none passes, and what is wrong after it fails."""
        after = check_cluster(ClusterView(cluster, self.aftermath.get(cluster.name, {})), self.checks)
        wrong = {each.id: each for each in after if each.status in {Status.FAIL, Status.WARN}}
        return tuple(wrong.get(each.id, each) for each in unseen)

    def _host_report(self, name: str, *, judged: bool) -> HostReport:
        node, failure = self.intent.node(name), self._failures.get(name)
        stopped = self._why_ended(node.cluster)
        findings: tuple[Finding, ...] = ()
        if failure:
            findings = unknown_host(failure.message, self.checks)
        elif stopped and (judged or name not in self.plans):
            findings = unknown_host(self._why_stopped(name, stopped), self.checks)
        elif judged:
            findings = check_host(self.view(name), self.checks)
        diff = "\n".join(filter(None, self._diffs.get(name, ())))
        steps = self.steps.get(name, self.plans[name].steps) if self.dry_run and name in self.plans else ()
        return HostReport(
            node.cluster,
            node.role,
            name in self.changed,
            findings,
            failure,
            diff,
            steps,
            address=str(node.address),
            state=self._host_state(node) if judged and not (failure or stopped) else None,
        )

    def _host_state(self, node: Node) -> HostState:
        facts = self.facts[node.name]
        return HostState(
            vrrp=facts.vrrp_state(VRRP_INSTANCE),
            holds_vip=facts.holds(node.vip),
            apiservers=_shown_apiservers(node, facts),
        )

    def view(self, name: str) -> HostView:
        """All that the last look found of a host.

        Arguments:
            name: of a host that was looked at
        """
        cluster = self.intent.cluster_of(name)
        macs = {
            node.address: frozenset(link.mac for link in self.facts[node.name].links.values() if link.mac.strip("0:"))
            for node in cluster.nodes
            if node.name in self.facts
        }
        return HostView(cluster, self.intent.node(name), self.facts[name], self.plans[name], macs)

    def _why_ended(self, cluster: str) -> str:
        """Why the run did not go to its end in a cluster; "" if it did."""
        return self._stopped if len(self._cluster_names) == 1 else self.ended.get(cluster) or self._stopped

    def _why_stopped(self, name: str, reason: str) -> str:
        if name not in self.changed:
            return f"left as it was: {reason}"
        missing = "not at its gate yet" if name in self.in_hand else "not looked at again"
        return f"changed, and {missing}: {reason}"
