"""Make a run's report from what it saw and did. No I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nornir_kube_ha.checks import (
    NEED_CREDENTIAL,
    ClusterView,
    Finding,
    HostView,
    Status,
    check_cluster,
    check_host,
    unknown_host,
)
from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.facts import Endpoint, Facts
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.intent.names import VRRP_INSTANCE
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.report import ClusterReport, HostReport, HostState, Origin, Report
from nornir_kube_ha.report.causes import with_causes
from nornir_kube_ha.text import shortened

LONGEST_WORD = 100  # characters of an apiserver's name or status from haproxy; real ones are shorter
MOST_STRANGERS = 20  # apiservers that are not in the inventory: a malicious host could report any number of them


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run's last look found.

    Arguments:
        intent: desired state, from the inventory
        facts: by host name, of the hosts that were looked at
        plans: what differs, by host name
        endpoints: what the controller saw at the VIP, by cluster, where it asked
        asked_for_health: names of the clusters whose apiservers were asked with a credential
    """

    intent: Intent
    facts: Mapping[str, Facts]
    plans: Mapping[str, HostPlan]
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    asked_for_health: Collection[str] = frozenset()

    def view(self, name: str) -> HostView:
        """Return all that was found of a host, in the form that checks take.

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


@dataclass(frozen=True, slots=True)
class Summary:
    """The data of a run that its report needs besides the ledger and the last look.

    Arguments:
        origin: who runs it, with what
        runbook: its name
        run_id: the run's
        started: when the run started
        hosts: names of the hosts to work on
        checks: ids of the checks to make
        dry_run: whether nothing was changed; then nothing is checked
    """

    origin: Origin
    runbook: str
    run_id: str
    started: datetime
    hosts: Collection[str]
    checks: Collection[str]
    dry_run: bool

    def report(self, snapshot: Snapshot, ledger: Ledger) -> Report:
        """Return the report.

        Arguments:
            snapshot: what the last look found
            ledger: what was done and what failed
        """
        names = {ledger.clusters[name] for name in self.hosts}
        clusters = [cluster for cluster in snapshot.intent.clusters if cluster.name in names]
        hosts = {name: self._host(snapshot, ledger, name) for name in self.hosts}
        parts = {cluster.name: self._cluster(snapshot, ledger, cluster) for cluster in clusters}
        for name, part in parts.items():
            own = {host: each.findings for host, each in hosts.items() if each.cluster == name}
            explained, findings = with_causes(own, part.findings, name)
            hosts |= {host: replace(hosts[host], findings=each) for host, each in explained.items()}
            parts[name] = replace(part, findings=findings)
        return Report(
            run_id=self.run_id,
            runbook=self.runbook,
            started=self.started,
            finished=datetime.now(UTC),
            hosts=hosts,
            clusters=parts,
            dry_run=self.dry_run,
            faults=tuple(ledger.faults),
            error=ledger.error,
            origin=self.origin,
        )

    def _cluster(self, snapshot: Snapshot, ledger: Ledger, cluster: Cluster) -> ClusterReport:
        stopped = ledger.why_ended(cluster.name)
        facts = {} if stopped else snapshot.facts
        endpoint = None if stopped else snapshot.endpoints.get(cluster.name)
        left_out = {node.name for node in cluster.nodes} - {*self.hosts}
        is_wanted = {*self.checks} <= NEED_CREDENTIAL or cluster.name in snapshot.asked_for_health
        checks = self.checks if is_wanted else {*self.checks} - NEED_CREDENTIAL
        findings = check_cluster(ClusterView(cluster, facts, endpoint, left_out), checks) if not self.dry_run else ()
        return ClusterReport(
            self._with_aftermath(ledger, cluster, findings) if stopped and not self.dry_run else findings,
            str(cluster.vip.ip),
            cluster.nodes[0].haproxy.port,
            {apiserver.name: str(apiserver) for apiserver in cluster.apiservers},
        )

    def _with_aftermath(self, ledger: Ledger, cluster: Cluster, unseen: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Return the findings of a change that ended early: none passes, and what is wrong after it fails."""
        after = check_cluster(ClusterView(cluster, ledger.aftermath.get(cluster.name, {})), self.checks)
        wrong = {each.id: each for each in after if each.status in {Status.FAIL, Status.WARN}}
        return tuple(wrong.get(each.id, each) for each in unseen)

    def _host(self, snapshot: Snapshot, ledger: Ledger, name: str) -> HostReport:
        node, failure = snapshot.intent.node(name), ledger.failures.get(name)
        stopped = ledger.why_ended(node.cluster)
        findings: tuple[Finding, ...] = ()
        if failure:
            findings = unknown_host(failure.message, self.checks, node)
        elif stopped and (not self.dry_run or name not in snapshot.plans):
            findings = unknown_host(ledger.why_stopped(name, stopped), self.checks, node)
        elif not self.dry_run:
            findings = check_host(snapshot.view(name), self.checks)
        is_planned = self.dry_run and name in snapshot.plans
        return HostReport(
            node.cluster,
            node.role,
            name in ledger.changed,
            findings,
            failure,
            "\n".join(filter(None, ledger.diffs.get(name, ()))),
            ledger.steps.get(name, snapshot.plans[name].steps) if is_planned else (),
            address=str(node.address),
            state=None if self.dry_run or failure or stopped else _state(node, snapshot.facts[name]),
        )


def _state(node: Node, facts: Facts) -> HostState:
    return HostState(
        vrrp=facts.vrrp_state(VRRP_INSTANCE),
        holds_vip=facts.holds(node.vip),
        apiservers=_shown_apiservers(node, facts),
    )


def _shown_apiservers(node: Node, facts: Facts) -> dict[str, str]:
    """Return the status of each apiserver as haproxy reports it: those of the inventory, and a few others."""
    names = {apiserver.name for apiserver in node.apiservers}
    found = {shortened(each.name, LONGEST_WORD): shortened(each.status, LONGEST_WORD) for each in facts.servers or ()}
    left_out = set([name for name in found if name not in names][MOST_STRANGERS:])
    return {name: status for name, status in found.items() if name not in left_out}
