"""One run of a runbook: tasks over hosts, what each of them found and did, and the report."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from nornir.core import Nornir

from nornir_kube_ha.checks import ALL, HostView, foreign_routers
from nornir_kube_ha.engine.endpoints import Endpoints
from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.session import Session
from nornir_kube_ha.engine.summary import Snapshot, Summary
from nornir_kube_ha.facts import Facts, Scope
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.planning.found import as_found
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.report import Report
from nornir_kube_ha.tasks import get_facts, get_plan


class Run(Session):
    """One run of a runbook.

    Arguments:
        runbook: its name: `deploy`
        nornir: the caller's, with the whole inventory; filtered runs share its connections
        intent: desired state of the whole inventory
        hosts: names of the hosts to work on
        checks: ids of the checks to make
        verbosity: number of `-v`: how much of the tasks' results goes to stderr
        tell: called with each line of progress
        defer_signals: makes the context for steps that an interruption must wait for

    Attributes:
        lease: the run's claim to its hosts, while it changes them
        snapshot: what the last look found
        checks: ids of the checks to make
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
        defer_signals: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        meant = frozenset(hosts)
        self.hosts = tuple(node.name for node in intent.nodes if node.name in meant)
        self._cluster_names = frozenset(node.cluster for node in intent.nodes if node.name in meant)
        ledger = Ledger({node.name: node.cluster for node in intent.nodes}, self._cluster_names)
        super().__init__(nornir, ledger, self._node, verbosity=verbosity)
        self.snapshot = Snapshot(intent, {}, {})
        self.checks = checks
        self.tell = tell
        self.defer_signals = defer_signals
        self.run_id = secrets.token_hex(6)
        self.lease: Lease | None = None
        self._runbook = runbook
        self._started = datetime.now(UTC)
        self._lock = threading.Lock()  # hosts of several clusters are looked at side by side
        self._listened: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._endpoints = Endpoints()

    def _node(self, name: str) -> Node:
        return self.intent.node(name)

    @property
    def intent(self) -> Intent:
        """Desired state of the whole inventory."""
        return self.snapshot.intent

    @property
    def facts(self) -> Mapping[str, Facts]:
        """What the last look found, by host name."""
        return self.snapshot.facts

    @property
    def plans(self) -> Mapping[str, HostPlan]:
        """What differs, by host name."""
        return self.snapshot.plans

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters that any of the run's hosts serves."""
        return tuple(cluster for cluster in self.intent.clusters if cluster.name in self._cluster_names)

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

    def make_only(self, checks: Collection[str]) -> None:
        """From now on, make only some checks.

        Arguments:
            checks: their ids
        """
        self.checks = checks

    def expect(self, intent: Intent) -> None:
        """From now on, compare the hosts with another desired state.

        Arguments:
            intent: of the whole inventory
        """
        self._update(intent=intent)

    def replan(self, plans: Mapping[str, HostPlan]) -> None:
        """Replace the plans of some hosts, which otherwise come from the last look.

        Arguments:
            plans: by host name
        """
        self._update(plans=plans)

    def _update(
        self,
        intent: Intent | None = None,
        facts: Mapping[str, Facts] | None = None,
        plans: Mapping[str, HostPlan] | None = None,
    ) -> None:
        with self._lock:
            self.snapshot = replace(
                self.snapshot,
                intent=intent or self.intent,
                facts={**self.facts, **(facts or {})},
                plans={**self.plans, **(plans or {})},
            )

    @contextlib.contextmanager
    def using_lease(self, lease: Lease) -> Iterator[None]:
        """Present a lease to the hosts with each step of the block.

        Arguments:
            lease: this run's
        """
        self.lease = lease
        try:
            yield
        finally:
            self.lease = None

    def start_over(self) -> None:
        """Forget all failures, so that every host is looked at again."""
        for name in self.ledger.failures:
            self.log_in_again(name)
        self.ledger.start_over()
        self._listened.clear()  # another router may be there by now

    def close(self) -> None:
        """Close every login, also on failed hosts, which Nornir would leave out."""
        self._endpoints.close()
        super().close()

    def interrupt(self, error: BaseException) -> None:
        """Record that the run was interrupted. Its last look still holds if nothing was changed since.

        Arguments:
            error: what ended it
        """
        self.ledger.interrupt(error)
        if not self.is_look_current:
            self.ledger.stopped = "the run was interrupted"
        self._endpoints = self._endpoints.answered()  # the process waits for no other host

    def look(
        self,
        lease: Lease | None = None,
        *,
        scope: Scope = Scope.ALL,
        credentials: Mapping[str, Kubernetes] | None = None,
    ) -> None:
        """Gather facts of every host that can be reached, and of the VIPs, and find out what differs.

        Clusters whose change has ended are left out.

        Arguments:
            lease: the lease that this run will take; a host whose lease another run holds fails
            scope: which other machines hosts ask, as for `get_facts`
            credentials: by cluster name: for asking its apiservers for their health
        """
        credentials = credentials or {}
        self.snapshot = replace(self.snapshot, asked_for_health=frozenset(credentials))
        wanted = scope is Scope.ALL and not self.dry_run
        going = [each for each in self.clusters if wanted and each.name not in self.ledger.ended]
        endpoints = Endpoints.of(going, credentials, self.checks)
        facts = self.each(
            get_facts, self.going, intent=self.intent, lease=lease, scope=scope, listened=self._heard_nobody_else()
        )
        intent = as_found(self.intent, facts)
        self.expect(intent)
        plans = self.each(get_plan, [*facts], intent=intent, facts=facts)
        self.snapshot = Snapshot(intent, facts, plans, asked_for_health=frozenset(credentials))
        self._endpoints, self.is_look_current = endpoints, True
        if scope is Scope.ALL:
            self._listened = {name: self._wire(name) for name in plans if self._hears_nobody_else(name)}

    def _heard_nobody_else(self) -> frozenset[str]:
        """Return the hosts that have listened for other routers, under the present intent, and heard none."""
        return frozenset(name for name, wire in self._listened.items() if wire == self._wire(name))

    def _wire(self, name: str) -> tuple[str, tuple[int, ...]]:
        return self.intent.node(name).interface, self.intent.cluster_of(name).virtual_router_ids

    def _hears_nobody_else(self, name: str) -> bool:
        heard = self.facts[name].heard
        return heard is not None and heard.is_whole and not foreign_routers(self.view(name))

    def look_at(self, name: str) -> Facts:
        """Gather facts of one host again, in the scope of a gate, and find out what differs.

        Arguments:
            name: of a host that can be reached

        Raises:
            KubeHaError: it cannot be looked at
        """
        if error := self.look_at_each([name]).get(name):
            raise error
        return self.facts[name]

    def look_at_each(self, names: Collection[str]) -> dict[str, BaseException]:
        """Gather facts of some hosts again, in parallel and in the scope of a gate, and find out what differs.

        Arguments:
            names: of the hosts

        Returns:
            The error of each host that cannot be looked at, by name
        """
        found = self.ask(get_facts, names, intent=self.intent, scope=Scope.GATE)
        self._update(facts={name: each.result for name, each in found.items() if not each.exception})
        seen = [name for name, each in found.items() if not each.exception]
        planned = self.ask(get_plan, seen, intent=self.intent, facts=self.facts)
        self.replan({name: each.result for name, each in planned.items() if not each.exception})
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
        found = self.ask(get_facts, names, intent=self.intent, scope=Scope.OWN)
        return {name: result.result for name, result in found.items() if not result.exception}

    def view(self, name: str) -> HostView:
        """Return all that the last look found of a host.

        Arguments:
            name: of a host that was looked at
        """
        return self.snapshot.view(name)

    def report_of_checks(self) -> Report:
        """Return the report of the last look, without the faults that were made before it."""
        return replace(self.report(), faults=())

    def report(self) -> Report:
        """Return the report of what the run found and did.

        It waits for what the controller has asked, except in clusters whose change has ended.
        """
        asked = self._endpoints.asked.items()
        waited = {name: each.result() for name, each in asked if not self.ledger.why_ended(name)}
        made_by = self.origin, self._runbook, self.run_id, self._started
        summary = Summary(*made_by, self.hosts, self.checks, self.dry_run)
        return summary.report(replace(self.snapshot, endpoints=waited), self.ledger)
