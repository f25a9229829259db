"""Everything that did not pass, worst first and without repetition, as for a pager or a ticket."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report.fault_costs import clusters_of, problems_of
from nornir_kube_ha.report.model import HOST_STATUSES, Failure, HostReport, Report

_TOLD = 3  # trials listed for a fault, because a pager or a ticket has no room for a hundred
WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.SKIP)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not pass.

    Arguments:
        where: host or cluster; for a fault, its clusters
        what: id of the check, class of the error, name of the fault, or the number of checks with the same finding
        status: status of the check; for an error, status of the host
        expected: what was expected, "" for an error
        seen: what was seen, or why nothing could be seen
        next: what to do, "" if nothing
        cause: the failed check that explains it, `lb-2: haproxy.active`; "" if none does
    """

    where: str
    what: str
    status: Status
    expected: str
    seen: str
    next: str = ""
    cause: str = ""


def parts(told: Finding | Problem) -> Iterator[tuple[str, str]]:
    """Yield title and text of what was expected, what was seen, why, and what to do, without empty ones."""
    values = {"expected": told.expected, "seen": told.seen, "follows from": told.cause, "next": told.next}
    for title, value in values.items():
        if value:
            yield title, value


def problems(report: Report) -> list[Problem]:
    """Return everything that did not pass: worst first, causes before what follows from them, else in report order."""
    hosts = (_of_host(name, host, makes_checks=not report.dry_run) for name, host in report.hosts.items())
    clusters = (_of_findings(name, cluster.findings) for name, cluster in report.clusters.items())
    faults = (_of_fault(fault) for fault in report.faults if not fault.passed)
    return sorted(
        chain(_of_run(report), *hosts, *clusters, faults, _of_steps(report)),
        key=lambda problem: (WORST_FIRST.index(problem.status), bool(problem.cause)),
    )


def _of_run(report: Report) -> Iterator[Problem]:
    """Yield the error that ended the run early."""
    if report.error:
        yield Problem("run", report.error.type, Status.UNKNOWN, "", report.error.message)


def _of_steps(report: Report) -> Iterator[Problem]:
    """Yield the step of a rehearsal that failed: the first, since it is the last that was made."""
    for step in report.steps:
        if step.status == "failed":
            yield Problem("rehearsal", step.name, Status.FAIL, "", step.words)


def repeats(finding: Finding, failure: Failure) -> bool:
    """Return whether a finding only repeats that an error came before it.

    Arguments:
        finding: finding of a host
        failure: error that ended the work on the host
    """
    return finding.status is Status.UNKNOWN and finding.seen == failure.message


def _of_host(name: str, host: HostReport, *, makes_checks: bool) -> Iterator[Problem]:
    failure = host.failure
    if failure:
        yield Problem(name, failure.type, HOST_STATUSES[host.status], "", failure.message)
    elif makes_checks and not host.findings:
        yield Problem(name, "no check", Status.UNKNOWN, "", "no check was made")
    yield from _of_findings(name, (each for each in host.findings if not (failure and repeats(each, failure))))


def _of_fault(fault: FaultReport) -> Problem:
    where = ", ".join(clusters_of(fault)) or "no cluster"
    return Problem(where, fault.name, Status.FAIL, fault.limit.words, "\n".join(problems_of(fault, _TOLD)))


def _of_findings(where: str, findings: Iterable[Finding]) -> Iterator[Problem]:
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.status is not Status.PASS:
            # All checks of a host that was not looked at have the same reason, which is reported once.
            key = ("", finding.seen) if finding.status is Status.UNKNOWN else (finding.id, finding.seen)
            key = (finding.status, finding.cause) if finding.cause else key
            alike.setdefault(key, []).append(finding)
    yield from (_problem(where, group) for group in alike.values())


def _problem(where: str, alike: list[Finding]) -> Problem:
    first = alike[0]
    if len(alike) == 1:
        return Problem(where, first.id, first.status, first.expected, first.seen, first.next, first.cause)
    what = f"{len(alike)} checks"
    if first.cause:
        return Problem(where, what, first.status, "", ", ".join(each.id for each in alike), cause=first.cause)
    return Problem(where, what, first.status, "", first.seen, first.next)
