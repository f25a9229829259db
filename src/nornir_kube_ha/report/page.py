"""What stands on the HTML page, in its order, with an anchor for each thing that one may want to link to."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nornir_kube_ha.checks import CHECKS, Finding, Severity, Status
from nornir_kube_ha.report import seen
from nornir_kube_ha.report.model import ClusterReport, HostReport, Report
from nornir_kube_ha.report.picture import picture
from nornir_kube_ha.report.shapes import NARROW, WIDE, Picture

WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.SKIP)
MOST_NODES = 12
"""A picture of more nodes than these would be longer than a page: words do better."""


class Anchors:
    """Gives out ids, none of them twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, *parts: str) -> str:
        """An id; the same one for the same thing in every report, unless names differ only in odd characters.

        Arguments:
            parts: names from the outside inwards, `lb-2`, `haproxy.active`
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
    """A finding where it stands on the page.

    Arguments:
        anchor: its id
        where: the host or the cluster
        finding: what was found
    """

    anchor: str
    where: str
    finding: Finding

    @property
    def meaning(self) -> str:
        """What it says when it passes, in one line; "" for a check that is not ours."""
        check = CHECKS.get(self.finding.id)
        return check.meaning if check else ""

    @property
    def severity(self) -> Severity:
        """What it means that it does not hold: as it was judged, or else as the check says of itself."""
        judged = {Status.FAIL: Severity.CRITICAL, Status.WARN: Severity.WARNING}
        check = CHECKS.get(self.finding.id)
        return judged.get(self.finding.status) or (check.severity if check else Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A host that an error ended the work on, or that was not looked at.

    Arguments:
        anchor: its id
        where: the host
        status: what became of the host
        title: the error's class, or that nobody looked
        message: why
        entries: the checks that nobody knows of therefore
    """

    anchor: str
    where: str
    status: Status
    title: str
    message: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix.

    Arguments:
        check: its id
        cells: one for each host, none where the check was not made; a single one if it is the cluster's
        of_cluster: it looks at all hosts at once
    """

    check: str
    cells: tuple[Entry | None, ...]
    of_cluster: bool = False

    @property
    def meaning(self) -> str:
        """What it says when it passes, in one line."""
        return next((cell.meaning for cell in self.cells if cell), "")

    @property
    def passed(self) -> tuple[Entry, ...]:
        """Those of its cells that passed."""
        return tuple(cell for cell in self.cells if cell and cell.finding.status is Status.PASS)


@dataclass(frozen=True, slots=True)
class Part:
    """All that the page says of a cluster.

    Arguments:
        anchor: its id
        name: the cluster's
        cluster: its report
        hosts: its nodes, by name
        anchors: id of each node's column, by name
        unseen: hosts that are not known of, worst first
        problems: checks that did not pass, worst first
        rows: the matrix
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
        """It drawn for a wide and for a narrow screen; none if there is too much to draw, or nothing."""
        if not 0 < len(self.hosts) <= MOST_NODES:
            return ()
        return tuple(picture(self.cluster, self.hosts, layout) for layout in (WIDE, NARROW))

    @property
    def words(self) -> tuple[str, ...]:
        """What the picture shows, in sentences."""
        return seen.in_words(self.cluster, self.hosts)

    @property
    def worst(self) -> Status:
        """The worst that is to be told of it."""
        found = {*(entry.finding.status for entry in self.problems), *(each.status for each in self.unseen)}
        return next((status for status in WORST_FIRST if status in found), Status.PASS)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that did not pass, and everywhere it did not.

    Arguments:
        status: what became of it
        title: the check, or the error's class
        meaning: the check's, in one line
        places: where, and the id that tells more
    """

    status: Status
    title: str
    meaning: str
    places: tuple[tuple[str, str], ...]


def parts_of(report: Report, anchors: Anchors) -> tuple[Part, ...]:
    """The page's parts, one for each cluster: the worst first, in the inventory's order else.

    Arguments:
        report: the run's report
        anchors: gives out their ids
    """
    names = dict.fromkeys([*(host.cluster for host in report.hosts.values()), *report.clusters])
    parts = [_part(report, name, anchors) for name in names]
    return tuple(sorted(parts, key=lambda part: (*WORST_FIRST, Status.PASS).index(part.worst)))


def topics_of(parts: Iterable[Part], others: Iterable[Topic] = ()) -> tuple[Topic, ...]:
    """All that did not pass, worst first, each thing once however many hosts have it.

    Arguments:
        parts: the page's
        others: what is told before these, if it is as bad
    """
    found: dict[tuple[Status, str, str], list[tuple[str, str]]] = {}
    for part in parts:
        for each in part.unseen:
            found.setdefault((each.status, each.title, ""), []).append((each.where, each.anchor))
        for entry in part.problems:
            key = (entry.finding.status, entry.finding.id, entry.meaning)
            found.setdefault(key, []).append((entry.where, entry.anchor))
    topics = (Topic(*key, tuple(places)) for key, places in found.items())
    return tuple(sorted((*others, *topics), key=lambda topic: WORST_FIRST.index(topic.status)))


def _part(report: Report, name: str, anchors: Anchors) -> Part:
    cluster = report.clusters.get(name, ClusterReport(()))
    hosts = {host: each for host, each in report.hosts.items() if each.cluster == name}
    anchor = anchors.of("cluster", name)
    found = {host: _entries(host, each.findings, anchors) for host, each in hosts.items()}
    of_cluster = _entries(name, cluster.findings, anchors)
    unseen = [each for host, report_ in hosts.items() for each in _unseen(host, report_, found[host], anchors)]
    told = {entry.anchor for each in unseen for entry in each.entries}
    entries = [*(entry for each in found.values() for entry in each), *of_cluster]
    return Part(
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
    """One thing to tell, not one for each check that was not made."""
    unknown = tuple(entry for entry in entries if entry.finding.status is Status.UNKNOWN)
    if host.failure:
        status = Status.UNKNOWN if host.status == "unknown" else Status.FAIL
        yield Unseen(anchors.of(name, "failure"), name, status, host.failure.type, host.failure.message, unknown)
    elif len({entry.finding.seen for entry in unknown}) == 1 and len(unknown) == len(host.findings) > 1:
        reason = unknown[0].finding.seen
        yield Unseen(anchors.of(name, "unknown"), name, Status.UNKNOWN, "not looked at", reason, unknown)


def _problems(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    wrong = (entry for entry in entries if entry.finding.status is not Status.PASS)
    return tuple(sorted(wrong, key=lambda entry: WORST_FIRST.index(entry.finding.status)))


def _rows(found: Mapping[str, tuple[Entry, ...]]) -> Iterator[Row]:
    """A row for each check that any host has, in their order."""
    by_host = [{entry.finding.id: entry for entry in entries} for entries in found.values()]
    for check in dict.fromkeys(check for entries in by_host for check in entries):
        yield Row(check, tuple(entries.get(check) for entries in by_host))
