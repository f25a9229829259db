"""The contents of the HTML page in order, with an anchor for each element worth a link."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nornir_kube_ha.checks import CHECKS, Finding, Severity, Status
from nornir_kube_ha.report.html import cluster_state
from nornir_kube_ha.report.html.picture import picture
from nornir_kube_ha.report.html.shapes import NARROW, WIDE, Picture
from nornir_kube_ha.report.model import HOST_STATUSES, ClusterReport, HostReport, Report
from nornir_kube_ha.report.problems import WORST_FIRST

MOST_NODES = 12
"""A picture of more nodes would be longer than a page; the cluster is then described in words only."""


class Anchors:
    """Allocates unique ids."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, *parts: str) -> str:
        """Return an unused id.

        It is the same in every report, unless names differ only in special characters.

        Arguments:
            parts: names from the outside in, `lb-2`, `haproxy.active`
        """
        stem = re.sub(r"[^\w.-]+", "-", ".".join(parts), flags=re.ASCII)
        anchor, number = stem, 1
        while anchor in self._taken:
            number += 1
            anchor = f"{stem}-{number}"
        self._taken.add(anchor)
        return anchor


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding on the page.

    Arguments:
        anchor: id of the entry
        where: host or cluster
        finding: the finding
    """

    anchor: str
    where: str
    finding: Finding

    @property
    def meaning(self) -> str:
        """What the check states when it passes, in one line; "" for an unknown check."""
        check = CHECKS.get(self.finding.id)
        return check.meaning if check else ""

    @property
    def severity(self) -> Severity:
        """Severity of the check's failure: by the finding's status, else as the check declares."""
        judged = {Status.FAIL: Severity.CRITICAL, Status.WARN: Severity.WARNING}
        check = CHECKS.get(self.finding.id)
        return judged.get(self.finding.status) or (check.severity if check else Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A host on which an error ended the work, or that was not looked at.

    Arguments:
        anchor: id of the entry
        where: name of the host
        status: status of the host
        title: class of the error, or `not looked at`
        message: reason
        entries: its checks with an unknown result
    """

    anchor: str
    where: str
    status: Status
    title: str
    message: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix of checks.

    Arguments:
        check: id of the check
        cells: an entry for each host, None if the check was not made; a single one for a check of the cluster
        of_cluster: whether it is a check of the whole cluster
    """

    check: str
    cells: tuple[Entry | None, ...]
    of_cluster: bool = False

    @property
    def meaning(self) -> str:
        """What the check states when it passes, in one line."""
        return next((cell.meaning for cell in self.cells if cell), "")

    @property
    def passed(self) -> tuple[Entry, ...]:
        """Cells that passed."""
        return tuple(cell for cell in self.cells if cell and cell.finding.status is Status.PASS)


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """The part of the page about one cluster.

    Arguments:
        anchor: id of the part
        name: name of the cluster
        cluster: its report
        hosts: its nodes, by name
        anchors: id of each node's column, by name
        unseen: hosts without a result, worst first
        problems: checks that did not pass, worst first
        rows: matrix of checks
    """

    anchor: str
    name: str
    cluster: ClusterReport
    hosts: Mapping[str, HostReport]
    anchors: Mapping[str, str]
    unseen: tuple[Unseen, ...]
    problems: tuple[Entry, ...]
    rows: tuple[Row, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Pictures for a wide and a narrow screen; empty if the cluster has too many nodes, or none."""
        if not 0 < len(self.hosts) <= MOST_NODES:
            return ()
        return tuple(picture(self.cluster, self.hosts, layout) for layout in (WIDE, NARROW))

    @property
    def words(self) -> tuple[str, ...]:
        """Contents of the picture in sentences."""
        return cluster_state.in_words(self.cluster, self.hosts)

    @property
    def worst(self) -> Status:
        """The worst status in the cluster."""
        found = {*(entry.finding.status for entry in self.problems), *(each.status for each in self.unseen)}
        return next((status for status in WORST_FIRST if status in found), Status.PASS)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that did not pass, with all its locations.

    Arguments:
        status: its status
        title: the check, or the class of the error
        meaning: the check's meaning in one line
        places: host or cluster, and the id of its entry
    """

    status: Status
    title: str
    meaning: str
    places: tuple[tuple[str, str], ...]


def parts_of(report: Report, anchors: Anchors) -> tuple[ClusterPart, ...]:
    """Return the parts of the page, one for each cluster: the worst first, otherwise in inventory order.

    Arguments:
        report: the run's report
        anchors: allocates the ids
    """
    parts = [_part(report, name, anchors) for name in report.cluster_names]
    return tuple(sorted(parts, key=lambda part: (*WORST_FIRST, Status.PASS).index(part.worst)))


def topics_of(parts: Iterable[ClusterPart], others: Iterable[Topic] = ()) -> tuple[Topic, ...]:
    """Return everything that did not pass but has no other cause, worst first, each topic once for all its hosts.

    Arguments:
        parts: the page's clusters
        others: topics that come first among those with the same status
    """
    found: dict[tuple[Status, str, str], list[tuple[str, str]]] = {}
    for part in parts:
        for each in part.unseen:
            found.setdefault((each.status, each.title, ""), []).append((each.where, each.anchor))
        for entry in (each for each in part.problems if not each.finding.cause):
            key = (entry.finding.status, entry.finding.id, entry.meaning)
            found.setdefault(key, []).append((entry.where, entry.anchor))
    topics = (Topic(*key, tuple(places)) for key, places in found.items())
    return tuple(sorted((*others, *topics), key=lambda topic: WORST_FIRST.index(topic.status)))


def _part(report: Report, name: str, anchors: Anchors) -> ClusterPart:
    cluster = report.clusters.get(name, ClusterReport(()))
    hosts = report.hosts_of(name)
    anchor = anchors.of("cluster", name)
    found = {host: _entries(host, each.findings, anchors) for host, each in hosts.items()}
    of_cluster = _entries(name, cluster.findings, anchors)
    unseen = [each for host, report_ in hosts.items() for each in _unseen(host, report_, found[host], anchors)]
    told = {entry.anchor for each in unseen for entry in each.entries}
    entries = [*(entry for each in found.values() for entry in each), *of_cluster]
    return ClusterPart(
        anchor,
        name,
        cluster,
        hosts,
        {host: anchors.of(host) for host in hosts},
        tuple(sorted(unseen, key=lambda each: WORST_FIRST.index(each.status))),
        _problems(entry for entry in entries if entry.anchor not in told),
        (*_rows(found), *(Row(entry.finding.id, (entry,), of_cluster=True) for entry in of_cluster)),
    )


def _entries(where: str, findings: Iterable[Finding], anchors: Anchors) -> tuple[Entry, ...]:
    return tuple(Entry(anchors.of(where, finding.id), where, finding) for finding in findings)


def _unseen(name: str, host: HostReport, entries: Iterable[Entry], anchors: Anchors) -> Iterator[Unseen]:
    """Yield one entry for a host without results, instead of one for each check."""
    unknown = tuple(entry for entry in entries if entry.finding.status is Status.UNKNOWN)
    if host.failure:
        status = HOST_STATUSES[host.status]
        yield Unseen(anchors.of(name, "failure"), name, status, host.failure.type, host.failure.message, unknown)
    elif len({entry.finding.seen for entry in unknown}) == 1 and len(unknown) == len(host.findings) > 1:
        reason = unknown[0].finding.seen
        yield Unseen(anchors.of(name, "unknown"), name, Status.UNKNOWN, "not looked at", reason, unknown)


def _problems(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    wrong = (entry for entry in entries if entry.finding.status is not Status.PASS)
    return tuple(sorted(wrong, key=lambda entry: (WORST_FIRST.index(entry.finding.status), bool(entry.finding.cause))))


def _rows(found: Mapping[str, tuple[Entry, ...]]) -> Iterator[Row]:
    """Yield a row for each check that any host has, in order."""
    by_host = [{entry.finding.id: entry for entry in entries} for entries in found.values()]
    for check in dict.fromkeys(check for entries in by_host for check in entries):
        yield Row(check, tuple(entries.get(check) for entries in by_host))
