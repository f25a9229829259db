"""Whether hosts are well after a change: each at its gate, where no check may fail that did not before, then all."""

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

GATE_SECONDS = 20.0  # an election and two rounds of health checks take about three
GATE_INTERVAL = 0.1  # seconds, beside the 0.2 that a look takes
SETTLE_SECONDS = 30.0
SETTLE_INTERVAL = 0.5
STANDING = {Status.FAIL, Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Gate:
    """What a host that serves must hold up against after its change.

    Arguments:
        checks: ids of the checks that count
        before: ids of those that failed before the change
    """

    checks: Collection[str]
    before: frozenset[str]

    @classmethod
    def of(cls, run: Run, name: str, checks: Collection[str]) -> Self:
        """The gate of a host as it is now.

        Arguments:
            run: has looked at it
            name: of the host
            checks: ids of the checks that count
        """
        return cls(checks, frozenset(each.id for each in _standing(run, name, checks)))

    def new(self, run: Run, name: str) -> list[Finding]:
        """What the last look found to fail now and did not before.

        Arguments:
            run: has looked at it again
            name: of the host
        """
        return [each for each in _standing(run, name, self.checks) if each.id not in self.before]


def pass_gates(run: Run, gates: Mapping[str, Gate]) -> dict[str, KubeHaError]:
    """Wait until hosts are as well as they were, for all of them together: time-outs do not add up.

    Arguments:
        run: logs in
        gates: by the name of the host

    Returns:
        Why, of those that are not for `GATE_SECONDS`, or cannot be looked at
    """
    deadline = time.monotonic() + GATE_SECONDS
    waiting, failed = dict(gates), dict[str, KubeHaError]()
    while waiting:
        # A host that hangs makes a look long: what it saw of the others is of its beginning.
        begun = time.monotonic()
        silent, broken = _lost(run, waiting)
        failed |= broken
        new = {name: silent.get(name) or gate.new(run, name) for name, gate in waiting.items() if name not in broken}
        waiting = {name: waiting[name] for name, findings in new.items() if findings}
        if waiting and (begun >= deadline or DEPARTURE.is_due):
            return failed | {name: _not_well(name, new[name]) for name in waiting}
        if waiting:
            time.sleep(GATE_INTERVAL)
    return failed


def pass_gate(run: Run, name: str, gate: Gate) -> None:
    """Wait until one host is as well as it was.

    Arguments:
        run: logs in
        name: of the host
        gate: its gate

    Raises:
        GateError: it is not, for `GATE_SECONDS`
        KubeHaError: it cannot be looked at
    """
    if error := pass_gates(run, {name: gate}).get(name):
        raise error


def _lost(run: Run, names: Collection[str]) -> tuple[dict[str, list[Finding]], dict[str, KubeHaError]]:
    """Hosts that give no answer and are asked on a new login next time, and those that need not be asked again."""
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


def _not_well(name: str, new: list[Finding]) -> GateError:
    words = "; ".join(f"{each.id}: expected {each.expected}, seen {each.seen}" for each in new)
    return GateError(name, f"not well {GATE_SECONDS:g} s after its change: {words}")


def _standing(run: Run, name: str, checks: Collection[str]) -> list[Finding]:
    return [each for each in check_host(run.view(name), checks) if each.status in STANDING]


def settled(run: Run) -> set[str]:
    """Look again until every check passes where nothing failed, for `SETTLE_SECONDS` at most.

    Arguments:
        run: has changed something

    Returns:
        Names of the hosts whose every check passes

    Raises:
        StoppedError: in each cluster, a host cannot be looked at any more
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
    """A cluster's checks that waiting may still turn green: what a host that failed keeps unknown is not waited for."""
    failed = set(run.hosts) - set(run.reached)
    if not any(run.intent.node(host).cluster == name for host in failed):
        return cluster
    return replace(cluster, findings=tuple(each for each in cluster.findings if each.status is not Status.UNKNOWN))
