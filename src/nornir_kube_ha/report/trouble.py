"""What did not pass, worst first and each thing once: what a pager or a ticket tells in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report.faults import clusters_of, troubles_of
from nornir_kube_ha.report.model import Failure, HostReport, Report

_TOLD = 3  # trials of a fault: a pager and a ticket have no room for a hundred
_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.SKIP)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that did not pass.

    Arguments:
        where: the host or the cluster; of a fault, the clusters that it was made in
        what: the check's id, the error's class, the fault, or how many checks have the same to tell
        status: of the check; of a host that an error ended the work on, what became of the host
        expected: what should be, "" if only the error knows
        seen: what is, or why it could not be seen
        next: what to do about it, "" if nothing
    """

    where: str
    what: str
    status: Status
    expected: str
    seen: str
    next: str = ""


def troubles(report: Report) -> list[Trouble]:
    """All that did not pass, worst first, else in the report's order.

    Arguments:
        report: the run's report
    """
    hosts = (_of_host(name, host) for name, host in report.hosts.items())
    clusters = (_of_findings(name, cluster.findings) for name, cluster in report.clusters.items())
    faults = (_of_fault(fault) for fault in report.faults if not fault.passed)
    return sorted(
        chain(_of_run(report), *hosts, *clusters, faults), key=lambda trouble: _WORST_FIRST.index(trouble.status)
    )


def _of_run(report: Report) -> Iterator[Trouble]:
    """What ended the run before it was done."""
    if report.error:
        yield Trouble("run", report.error.type, Status.UNKNOWN, "", report.error.message)


def tells(finding: Finding, failure: Failure) -> bool:
    """Whether a finding is there only to say that an error came before it.

    Arguments:
        finding: of a host
        failure: the error that ended the work on the host
    """
    return finding.status is Status.UNKNOWN and finding.seen == failure.message


def _of_host(name: str, host: HostReport) -> Iterator[Trouble]:
    failure = host.failure
    if failure:
        status = Status.UNKNOWN if host.status == "unknown" else Status.FAIL
        yield Trouble(name, failure.type, status, "", failure.message)
    elif not host.findings:
        yield Trouble(name, "no check", Status.UNKNOWN, "", "nothing was checked")
    yield from _of_findings(name, (each for each in host.findings if not (failure and tells(each, failure))))


def _of_fault(fault: FaultReport) -> Trouble:
    where = ", ".join(clusters_of(fault)) or "no cluster"
    return Trouble(where, fault.name, Status.FAIL, fault.limit.words, "\n".join(troubles_of(fault, _TOLD)))


def _of_findings(where: str, findings: Iterable[Finding]) -> Iterator[Trouble]:
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.status is not Status.PASS:
            # A host that was not looked at has the same reason at every check: it is told once.
            key = ("", finding.seen) if finding.status is Status.UNKNOWN else (finding.id, finding.seen)
            alike.setdefault(key, []).append(finding)
    yield from (_trouble(where, group) for group in alike.values())


def _trouble(where: str, alike: list[Finding]) -> Trouble:
    first = alike[0]
    if len(alike) == 1:
        return Trouble(where, first.id, first.status, first.expected, first.seen, first.next)
    return Trouble(where, f"{len(alike)} checks", first.status, "", first.seen, first.next)
