"""Whether hosts are well after a change: each at its gate, where no check may fail that did not before, then all."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from nornir_kube_ha.checks import Finding, Status, check_host
from nornir_kube_ha.errors import GateError, HostUnreachableError, KubeHaError
from nornir_kube_ha.report import Report
from nornir_kube_ha.runbooks.patience import until_passed
from nornir_kube_ha.runbooks.run import Run

GATE_SECONDS = 20.0  # an election and two rounds of health checks take about three
GATE_INTERVAL = 0.3
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

    def passed_by(self, run: Run, name: str) -> None:
        """Wait until a host is as well as it was.

        Arguments:
            run: logs in
            name: of the host

        Raises:
            GateError: it is not, for `GATE_SECONDS`
            KubeHaError: it cannot be looked at
        """
        for error in not_passed(run, {name: self}).values():
            raise error

    def new(self, run: Run, name: str) -> list[Finding]:
        """What fails now and did not before.

        Arguments:
            run: has looked at the host again
            name: of the host
        """
        return [each for each in _standing(run, name, self.checks) if each.id not in self.before]


def not_passed(run: Run, gates: Mapping[str, Gate]) -> dict[str, KubeHaError]:
    """Wait until hosts are as well as they were, all at once. A host that gives no answer is asked on a new login.

    Arguments:
        run: logs in
        gates: by host name

    Returns:
        Of those that are not, for `GATE_SECONDS`, or cannot be looked at: why
    """
    deadline = time.monotonic() + GATE_SECONDS
    waiting, wrong = dict(gates), dict[str, KubeHaError]()
    while waiting:
        in_time = time.monotonic() < deadline
        errors = run.look_at_each([*waiting])
        for name, gate in [*waiting.items()]:
            error = errors.get(name)
            if isinstance(error, HostUnreachableError):
                run.log_in_again(name)
                new = [Finding("host.reachable", Status.UNKNOWN, "an answer", error.message)]
            elif isinstance(error, KubeHaError):
                wrong[name] = error
                continue
            elif error:
                raise error
            else:
                new = gate.new(run, name)
            if not new:
                del waiting[name]
            elif not in_time:
                words = "; ".join(f"{each.id}: expected {each.expected}, seen {each.seen}" for each in new)
                wrong[name] = GateError(name, f"not well {GATE_SECONDS:g} s after its change: {words}")
        waiting = {name: gate for name, gate in waiting.items() if name not in wrong}
        if waiting:
            time.sleep(GATE_INTERVAL)
    return wrong


def _standing(run: Run, name: str, checks: Collection[str]) -> list[Finding]:
    return [each for each in check_host(run.view(name), checks) if each.status in STANDING]


def settled(run: Run) -> set[str]:
    """Look again until every check passes where nothing failed, for `SETTLE_SECONDS` at most.

    Arguments:
        run: has changed something

    Returns:
        Names of the hosts whose every check passes

    Raises:
        StoppedError: no cluster is left whose hosts can all be looked at
    """

    def look() -> Report:
        run.look()
        run.stop_failed_clusters()
        report = run.report()
        return replace(
            report,
            hosts={name: report.hosts[name] for name in run.reached},
            clusters={cluster.name: report.clusters[cluster.name] for cluster in run.going},
        )

    report = until_passed(look, timeout=SETTLE_SECONDS, sleep=SETTLE_INTERVAL, tell=lambda _: None)
    return {name for name, host in report.hosts.items() if host.status == "passed"}
