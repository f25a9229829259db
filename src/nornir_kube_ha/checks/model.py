"""The words of checks: status, finding, verdict."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.facts import Endpoint, Facts, Scope
from nornir_kube_ha.intent import Cluster, Node, Router
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.planning.vrrp_compatibility import virtual_router_ids

NOT_ASKED = "not asked: a quick look asks the hosts only, and a gate asks no other node"


class Status(StrEnum):
    """What became of a check. A run passes only with passes, warnings and skips."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    """It does not hold, and nothing is lost yet: somebody should see to it. Fails no run."""
    FAIL = "fail"
    SKIP = "skip"
    """Rightly not made: the operator did not ask for it, or there is nothing to check."""
    UNKNOWN = "unknown"
    """Could not be made, though it should have been: the run has not passed."""


class Severity(StrEnum):
    """What it means that a check does not hold: `fail`, or only `warn`."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Arguments:
        id: the check's name, `haproxy.listening`; stable
        status: what became of it
        expected: what should be
        seen: what is, or why it could not be seen
        next: what to do about it, "" if nothing
    """

    id: str
    status: Status
    expected: str
    seen: str
    next: str = ""


@dataclass(frozen=True)
class HostView:
    """All that is known of one host.

    Arguments:
        cluster: the cluster that it serves
        node: what should be
        facts: what is
        plan: what differs
        macs: hardware addresses of each node of the cluster that was looked at, by its own address
    """

    cluster: Cluster
    node: Node
    facts: Facts
    plan: HostPlan
    macs: Mapping[IPAddress, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """Those virtual routers that its own keepalived.conf has; one that is to come is up to `files.intended`."""
        file = self.facts.files.get(KEEPALIVED_CONF)
        if file is None:
            return self.cluster.routers
        live = virtual_router_ids(file.content.decode(errors="replace"))
        return tuple(each for each in self.cluster.routers if each.is_first or str(each.virtual_router_id) in live)

    @property
    def missing(self) -> str:
        """`packages.installed` if that check is red for a missing package; it is why a tool could not be asked."""
        return "packages.installed" if self.plan.install else ""

    @property
    def scope(self) -> Scope:
        """Who was asked."""
        return self.facts.scope


@dataclass(frozen=True, slots=True)
class ClusterView:
    """All that is known of one cluster.

    Arguments:
        cluster: what should be
        facts: what is, by host name, of the hosts that were looked at
        endpoint: what the controller sees at the VIP, none if it did not look
        left_out: names of nodes that the operator left out of the run, with `--filter` for example
    """

    cluster: Cluster
    facts: Mapping[str, Facts]
    endpoint: Endpoint | None = None
    left_out: Collection[str] = ()

    @property
    def seen(self) -> Mapping[str, Facts]:
        """The facts of this cluster's own nodes, in the inventory's order."""
        return {node.name: self.facts[node.name] for node in self.cluster.nodes if node.name in self.facts}

    @property
    def scope(self) -> Scope:
        """Whom each of the nodes asked."""
        return min((facts.scope for facts in self.seen.values()), default=Scope.ALL)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Names of the nodes that were not looked at."""
        return tuple(node.name for node in self.cluster.nodes if node.name not in self.facts)

    def unmade(self, expected: str, seen: str = "") -> "Verdict | Skipped":
        """What a check says that needs nodes which were not looked at.

        Arguments:
            expected: what should be
            seen: what is known all the same

        Returns:
            A skip if the operator left all of these nodes out; else a verdict without an answer
        """
        words = "; ".join(filter(None, (f"not seen: {', '.join(self.unseen)}", seen)))
        if set(self.unseen) <= set(self.left_out):
            return Skipped(expected, f"{words} (left out of this run)" if not seen else words)
        return Verdict(None, expected, words, "")

    def holders(self, router: Router) -> tuple[str, ...]:
        """Names of the nodes that were seen with a virtual router's VIP, or with one of several.

        Arguments:
            router: one of the cluster's
        """
        return tuple(name for name, facts in self.seen.items() if facts.holds_any(router.vips))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check's own function says.

    Arguments:
        ok: it holds; None if that could not be found out though it should have been
        expected: what should be
        seen: what is
        next: what to do if it does not hold
        severity: if it is another one than the check's own
        because: where `ok` is None, the id of the check that fails for the same cause; the rule has seen that cause
    """

    ok: bool | None
    expected: str
    seen: str
    next: str
    severity: Severity | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a check's own function says where there is rightly nothing to check. It does not keep a run from passing.

    Arguments:
        expected: what should be
        seen: why it was not checked
    """

    expected: str
    seen: str


HostRule = Callable[[HostView], Verdict | Skipped]
ClusterRule = Callable[[ClusterView], Verdict | Skipped]
Rule = TypeVar("Rule", HostRule, ClusterRule)


@dataclass(frozen=True, slots=True)
class Check(Generic[Rule]):
    """A check.

    Arguments:
        id: its name
        meaning: what it says when it passes, in one line
        rule: the function that decides
        severity: what it means that it does not hold
        asks: the least that a look must ask for it
    """

    id: str
    meaning: str
    rule: Rule
    severity: Severity = Severity.CRITICAL
    asks: Scope = Scope.OWN

    def judge(self, view: Any, chosen: Collection[str]) -> Finding:  # noqa: ANN401 - of the kind that its rule takes
        """What it finds.

        Arguments:
            view: all that is known of the host, or of the cluster
            chosen: ids of the checks that are wanted: those that the report will have
        """
        if view.scope < self.asks:
            return Finding(self.id, Status.SKIP, self.meaning, NOT_ASKED)
        try:
            return self.finding(self.rule(view), chosen)
        except Exception as error:  # noqa: BLE001 - what a rule did not expect costs this check, not the report
            words = f"the check itself failed: {type(error).__name__}: {error}"
            return Finding(self.id, Status.UNKNOWN, self.meaning, words, "report it, with what is odd about this host")

    def finding(self, verdict: Verdict | Skipped, chosen: Collection[str]) -> Finding:
        """What it found, in words for the report.

        A check that could not be made is skipped only where another one of the same report is red for that cause.

        Arguments:
            verdict: what its rule says
            chosen: ids of the checks that the report will have
        """
        if isinstance(verdict, Skipped) or (verdict.ok is None and verdict.because in chosen):
            return Finding(self.id, Status.SKIP, verdict.expected, verdict.seen)
        if verdict.ok:
            return Finding(self.id, Status.PASS, verdict.expected, verdict.seen)
        status = Status.UNKNOWN if verdict.ok is None else Status.FAIL
        if (verdict.severity or self.severity) is Severity.WARNING:
            status = Status.WARN
        return Finding(self.id, status, verdict.expected, verdict.seen, verdict.next)
