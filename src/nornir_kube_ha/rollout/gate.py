"""The gate of each host after its change, where no check may newly fail, and the final wait for all checks."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from nornir_kube_ha.checks import Finding, Status, check_host
from nornir_kube_ha.engine.retry import until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import GateError, HostUnreachableError, KubeHaError
from nornir_kube_ha.report import ClusterReport, Report
from nornir_kube_ha.ssh.departure import DEPARTURE

GATE_SECONDS = 20.0  # seconds; an election and two rounds of health checks take about three
GATE_INTERVAL = 0.1  # seconds, on top of the 0.2 that a look takes
SETTLE_SECONDS = 30.0
SETTLE_INTERVAL = 0.5
STANDING = {Status.FAIL, Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Gate:
    """The checks that a host must pass after its change.

    Arguments:
        checks: ids of the checks that count
        before: ids of those that failed before the change
    """

    checks: Collection[str]
    before: frozenset[str]

    @classmethod
    def of(cls, run: Run, name: str, checks: Collection[str]) -> Self:
        """Return the gate of a host, by its state now.

        Arguments:
            run: has looked at it
            name: of the host
            checks: ids of the checks that count
        """
        return cls(checks, frozenset(each.id for each in _standing(run, name, checks)))

    def new(self, run: Run, name: str) -> list[Finding]:
        """Return the findings of the last look that fail now and did not before.

        Arguments:
            run: has looked at it again
            name: of the host
        """
        return [each for each in _standing(run, name, self.checks) if each.id not in self.before]


def pass_gates(run: Run, gates: Mapping[str, Gate]) -> dict[str, KubeHaError]:
    """Wait until hosts pass their gates, all at the same time: time-outs do not add up.

    Arguments:
        run: logs in
        gates: by the name of the host

    Returns:
        The error of each host that does not pass within `GATE_SECONDS`, or cannot be looked at
    """
    deadline = time.monotonic() + GATE_SECONDS
    waiting, failed = dict(gates), dict[str, KubeHaError]()
    while waiting:
        # A host that hangs makes the look long, and what it saw of the others dates from its start.
        begun = time.monotonic()
        silent, broken = _lost(run, waiting)
        failed |= broken
        new = {name: silent.get(name) or gate.new(run, name) for name, gate in waiting.items() if name not in broken}
        waiting = {name: waiting[name] for name, findings in new.items() if findings}
        if waiting and (begun >= deadline or DEPARTURE.is_due):
            return failed | {name: _gate_error(name, new[name]) for name in waiting}
        if waiting:
            time.sleep(GATE_INTERVAL)
    return failed


def pass_gate(run: Run, name: str, gate: Gate) -> None:
    """Wait until one host passes its gate.

    Arguments:
        run: logs in
        name: of the host
        gate: its gate

    Raises:
        GateError: it does not pass within `GATE_SECONDS`
        KubeHaError: it cannot be looked at
    """
    if error := pass_gates(run, {name: gate}).get(name):
        raise error


def _lost(run: Run, names: Collection[str]) -> tuple[dict[str, list[Finding]], dict[str, KubeHaError]]:
    """Return the hosts that do not answer, to be asked on a new login, and the errors of those given up."""
    silent, broken = dict[str, list[Finding]](), dict[str, KubeHaError]()
    for name, error in run.look_at_each(names).items():
        if isinstance(error, HostUnreachableError):
            run.log_in_again(name)
            silent[name] = [Finding("host.reachable", Status.UNKNOWN, "an answer", error.message)]
        elif isinstance(error, KubeHaError):
            broken[name] = error
        else:
            raise error
    return silent, broken


def _gate_error(name: str, new: list[Finding]) -> GateError:
    words = "; ".join(f"{each.id}: expected {each.expected}, seen {each.seen}" for each in new)
    return GateError(name, f"fails its checks {GATE_SECONDS:g} s after the change: {words}")


def _standing(run: Run, name: str, checks: Collection[str]) -> list[Finding]:
    return [each for each in check_host(run.view(name), checks) if each.status in STANDING]


def settled(run: Run) -> set[str]:
    """Look again until every check passes on the hosts without a failure, for `SETTLE_SECONDS` at most.

    Arguments:
        run: has changed something

    Returns:
        Names of the hosts where every check passes

    Raises:
        StoppedError: a host of each cluster can no longer be looked at
    """

    def look() -> Report:
        run.look()
        run.ledger.end_failed_clusters()
        report = run.report()
        going = {report.hosts[name].cluster for name in run.going}
        clusters = {name: _judged(run, name, cluster) for name, cluster in report.clusters.items() if name in going}
        return replace(report, hosts={name: report.hosts[name] for name in run.going}, clusters=clusters)

    report = until_passed(look, timeout=SETTLE_SECONDS, sleep=SETTLE_INTERVAL, tell=lambda _: None)
    return {name for name, host in report.hosts.items() if host.status == "passed"}


def _judged(run: Run, name: str, cluster: ClusterReport) -> ClusterReport:
    """Return a cluster's report without findings that waiting cannot change: those that a failed host keeps unknown."""
    failed = set(run.hosts) - set(run.reached)
    if not any(run.intent.node(host).cluster == name for host in failed):
        return cluster
    return replace(cluster, findings=tuple(each for each in cluster.findings if each.status is not Status.UNKNOWN))
