"""Types of the checks: check, view, verdict, finding."""

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

NOT_ASKED = "not asked: a quick deploy asks only the hosts, and a gate asks no other node"


class Status(StrEnum):
    """Result of a check. A run passes if all results are `pass`, `warn` or `skip`."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    """The check does not hold, but nothing is broken yet. Does not fail the run."""
    FAIL = "fail"
    SKIP = "skip"
    """The check does not apply, or was not asked for."""
    UNKNOWN = "unknown"
    """The check could not be made. The run has not passed."""


class Severity(StrEnum):
    """Whether a check that does not hold is a `fail` or only a `warn`."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Since:
    """How long a check has had its state, from earlier runs of verify with `--history`.

    Arguments:
        state: `red` for fail or unknown, `green` for pass or warn
        since: first run that saw this state, in ISO 8601
        before: seconds in the opposite state before; None if no run saw that
        words: all of it as a phrase: `red since 02:13, was green for 7 days`
    """

    state: str
    since: str
    before: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, for the report.

    Arguments:
        id: the check's stable name, `haproxy.listening`
        status: the result
        expected: intended state
        seen: observed state, or why it could not be observed
        next: what to do; "" if nothing
        cause: host or cluster, and id, of the failed check that explains this one; "" if none does
        since: how long it has had its state; None without a history
    """

    id: str
    status: Status
    expected: str
    seen: str
    next: str = ""
    cause: str = ""
    since: Since | None = None


@dataclass(frozen=True)
class HostView:
    """One host's intended and observed state, as a host check sees it.

    Arguments:
        cluster: the node's cluster
        node: intended state
        facts: observed state
        plan: differences between both
        macs: hardware addresses of the cluster's nodes that were looked at, by the node's own address
    """

    cluster: Cluster
    node: Node
    facts: Facts
    plan: HostPlan
    macs: Mapping[IPAddress, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def routers(self) -> tuple[Router, ...]:
        """The virtual routers in the live keepalived.conf; `files.intended` reports one that is not deployed yet."""
        if KEEPALIVED_CONF not in self.facts.files:
            return self.cluster.routers
        live = self.facts.keepalived_conf.virtual_router_ids
        return tuple(each for each in self.cluster.routers if each.is_first or str(each.virtual_router_id) in live)

    @property
    def missing(self) -> str:
        """`packages.installed` if packages are missing, which explains a tool that could not be run; else ""."""
        return "packages.installed" if self.plan.install else ""

    @property
    def scope(self) -> Scope:
        """What the look probed beyond the host itself."""
        return self.facts.scope


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster's intended and observed state, as a cluster check sees it.

    Arguments:
        cluster: intended state
        facts: observed state by host name, of the hosts that were looked at
        endpoint: the controller's view of the VIP; None if it did not look
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
        """What every look probed at least."""
        return min((facts.scope for facts in self.seen.values()), default=Scope.ALL)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Names of the nodes that were not looked at."""
        return tuple(node.name for node in self.cluster.nodes if node.name not in self.facts)

    def unmade(self, expected: str, seen: str = "") -> "Verdict | Skipped":
        """Return the result of a check that needs nodes which were not looked at.

        Arguments:
            expected: intended state
            seen: what is known from the other nodes

        Returns:
            `Skipped` if the operator left all of these nodes out; else a verdict with `ok` None
        """
        words = "; ".join(filter(None, (f"not seen: {', '.join(self.unseen)}", seen)))
        if set(self.unseen) <= set(self.left_out):
            return Skipped(expected, f"{words} (left out of this run)" if not seen else words)
        return Verdict(None, expected, words, "")

    def holders(self, router: Router) -> tuple[str, ...]:
        """Return the names of the nodes that hold at least one VIP of a virtual router."""
        return tuple(name for name, facts in self.seen.items() if facts.holds_any(router.vips))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check's rule.

    Arguments:
        ok: whether the check holds; None if that could not be determined
        expected: intended state
        seen: observed state
        next: what to do if the check does not hold
        severity: overrides the check's severity; None keeps it
        because: with `ok` None, id of the check that fails for the same cause; "" if the rule sees no such cause
    """

    ok: bool | None
    expected: str
    seen: str
    next: str
    severity: Severity | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The result of a rule that does not apply. It does not keep a run from passing.

    Arguments:
        expected: intended state
        seen: why it was not checked
    """

    expected: str
    seen: str


HostRule = Callable[[HostView], Verdict | Skipped]
ClusterRule = Callable[[ClusterView], Verdict | Skipped]
Rule = TypeVar("Rule", HostRule, ClusterRule)


@dataclass(frozen=True, slots=True)
class Check(Generic[Rule]):
    """A check: a statement about a host or cluster, and the rule that tests it.

    Arguments:
        id: stable name
        meaning: the statement, in one line
        rule: function that tests it
        severity: whether a failure fails the run
        asks: the least scope of a look that the rule needs
    """

    id: str
    meaning: str
    rule: Rule
    severity: Severity = Severity.CRITICAL
    asks: Scope = Scope.OWN

    def judge(self, view: Any, chosen: Collection[str]) -> Finding:  # noqa: ANN401 - of the kind that its rule takes
        """Run the check and return its finding.

        Arguments:
            view: the host or cluster to check
            chosen: ids of all checks in the report
        """
        if view.scope < self.asks:
            return Finding(self.id, Status.SKIP, self.meaning, NOT_ASKED)
        try:
            return self.finding(self.rule(view), chosen)
        except Exception as error:  # noqa: BLE001 - an exception in a rule must not lose the report
            words = f"the check itself raised {type(error).__name__}: {error}"
            return Finding(
                self.id,
                Status.UNKNOWN,
                self.meaning,
                words,
                "report this as a bug, with what is unusual about this host",
            )

    def finding(self, verdict: Verdict | Skipped, chosen: Collection[str]) -> Finding:
        """Return the finding for a rule's result.

        A check that could not be made is skipped if the check in `because` is in the same report; else it is unknown.

        Arguments:
            verdict: result of the rule
            chosen: ids of all checks in the report
        """
        if isinstance(verdict, Skipped) or (verdict.ok is None and verdict.because in chosen):
            return Finding(self.id, Status.SKIP, verdict.expected, verdict.seen)
        if verdict.ok:
            return Finding(self.id, Status.PASS, verdict.expected, verdict.seen)
        status = Status.UNKNOWN if verdict.ok is None else Status.FAIL
        if (verdict.severity or self.severity) is Severity.WARNING:
            status = Status.WARN
        return Finding(self.id, status, verdict.expected, verdict.seen, verdict.next)
