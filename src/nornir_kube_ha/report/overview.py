"""Clusters at a glance: a line for each, with its status and what did not pass."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nornir_kube_ha.checks import Status
from nornir_kube_ha.report.model import Report

FEW = 3
"""With more clusters than this, only those with problems are shown in full."""
_WORST_FIRST = ("failed", "unknown", "passed")
_TOLD = {Status.FAIL, Status.WARN}


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One cluster at a glance.

    Arguments:
        name: name of the cluster
        status: worst status of its hosts and its own checks: `failed`, `unknown`, `passed`
        hosts: number of its hosts with each status, in words
        wrong: ids of the checks that failed, warned or could not be made, and classes of errors; each once
    """

    name: str
    status: str
    hosts: str
    wrong: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether everything passed."""
        return self.status == "passed" and not self.wrong


def overview_of(report: Report) -> tuple[ClusterLine, ...]:
    """Return a line for each cluster, in inventory order."""
    names = dict.fromkeys([*(host.cluster for host in report.hosts.values()), *report.clusters])
    return tuple(_line(report, name) for name in names)


def _line(report: Report, name: str) -> ClusterLine:
    statuses = Counter(host.status for host in report.hosts.values() if host.cluster == name)
    found = {*statuses}
    findings = report.clusters[name].findings if name in report.clusters else ()
    if any(finding.status is Status.FAIL for finding in findings):
        found.add("failed")
    if any(finding.status is Status.UNKNOWN for finding in findings):
        found.add("unknown")
    status = next((each for each in _WORST_FIRST if each in found), "passed")
    hosts = ", ".join(f"{statuses[each]} {each}" for each in reversed(_WORST_FIRST) if statuses[each])
    return ClusterLine(name, status, hosts, tuple(dict.fromkeys(_wrong(report, name))))


def _wrong(report: Report, name: str) -> Iterator[str]:
    for host in (host for host in report.hosts.values() if host.cluster == name):
        if host.failure:
            yield host.failure.type
        else:
            seen = any(finding.status is not Status.UNKNOWN for finding in host.findings)
            told = {*_TOLD, Status.UNKNOWN} if seen else _TOLD
            yield from (finding.id for finding in host.findings if finding.status in told)
    if name in report.clusters:
        yield from (
            finding.id for finding in report.clusters[name].findings if finding.status in {*_TOLD, Status.UNKNOWN}
        )
