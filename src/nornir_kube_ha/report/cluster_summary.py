"""Clusters at a glance: a line for each, with its status and what did not pass."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nornir_kube_ha.checks import Status
from nornir_kube_ha.report.model import HOST_STATUSES, Report
from nornir_kube_ha.report.words import counted

FEW = 3
"""With more clusters than this, only those with problems are shown in full."""
_WORST_FIRST = ("failed", "unknown", "passed")
_TOLD = {Status.FAIL, Status.WARN}


@dataclass(frozen=True, slots=True)
class ClusterSummary:
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
    def passed(self) -> bool:
        """Whether everything passed, without a warning."""
        return self.status == "passed" and not self.wrong


def summarize_clusters(report: Report) -> tuple[ClusterSummary, ...]:
    """Return a line for each cluster, in inventory order."""
    return tuple(_summary(report, name) for name in report.cluster_names)


def _summary(report: Report, name: str) -> ClusterSummary:
    statuses = Counter(host.status for host in report.hosts_of(name).values())
    found = {finding.status for finding in report.findings_of(name)}
    status = next((each for each in _WORST_FIRST if statuses[each] or HOST_STATUSES[each] in found), "passed")
    hosts = counted((each, statuses[each]) for each in HOST_STATUSES)
    return ClusterSummary(name, status, hosts, tuple(dict.fromkeys(_wrong(report, name))))


def _wrong(report: Report, name: str) -> Iterator[str]:
    for host in report.hosts_of(name).values():
        if host.failure:
            yield host.failure.type
        else:
            seen = any(finding.status is not Status.UNKNOWN for finding in host.findings)
            told = {*_TOLD, Status.UNKNOWN} if seen else _TOLD
            yield from (finding.id for finding in host.findings if finding.status in told)
    yield from (finding.id for finding in report.findings_of(name) if finding.status in {*_TOLD, Status.UNKNOWN})
