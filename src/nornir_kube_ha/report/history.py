"""What changed between runs of verify: since when each check of a cluster has been red or green. No I/O.

Red is `fail` or `unknown`. A skipped check keeps the state that it had.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from pydantic import TypeAdapter

from nornir_kube_ha.checks import Finding, Since, Status
from nornir_kube_ha.report.model import KEEPS_FROM_PASSING, Report
from nornir_kube_ha.text import one_line, shortened

SCHEMA = 1
MOST_CHECKS, MOST_CHANGES, MOST_UNSENT = 2000, 500, 100  # so that a file stays below the limit of `read_text`
LONGEST_SEEN = 200  # characters
FORGOTTEN = timedelta(days=30)  # a check that was not made for so long
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of one check.

    Arguments:
        host: name of the host; "" for a check of the cluster
        check: id of the check
        red: whether it was red when it was last made
        since: first run that saw this state
        before: first run that saw the opposite state before; None if no run did
        made: last run that made the check
    """

    host: str
    check: str
    red: bool
    since: datetime
    before: datetime | None
    made: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A check that turned red or green, or that was red when it was first made.

    Arguments:
        host: name of the host; "" for a check of the cluster
        check: id of the check
        red: its new state
        at: end of the run that saw it
        lasted: seconds in the state before; None if it was made for the first time
        seen: what the run saw, on one line
    """

    host: str
    check: str
    red: bool
    at: datetime
    lasted: float | None
    seen: str


@dataclass(frozen=True, slots=True)
class History:
    """The history of one cluster.

    Arguments:
        schema: version of the format
        checks: the state of each check
        changes: the latest changes, oldest first
        unsent: changes that no notification has reported yet
    """

    schema: int = SCHEMA
    checks: tuple[Entry, ...] = ()
    changes: tuple[Change, ...] = ()
    unsent: tuple[Change, ...] = ()


@cache
def _adapter() -> TypeAdapter[History]:
    return TypeAdapter(History)


def parse_history(text: str) -> History:
    """Return a history from its file.

    Raises:
        ValueError: the file is damaged, or of another version
    """
    history = _adapter().validate_json(text)
    if history.schema != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {history.schema}")
    return history


def history_text(history: History) -> str:
    """Return the text of a history's file."""
    return _adapter().dump_json(history, indent=1).decode() + "\n"


def updated(history: History, report: Report, cluster: str, *, notifies: bool) -> History:
    """Return the history of a cluster after a run.

    Arguments:
        history: the history before the run
        report: the run's report
        cluster: name of the cluster
        notifies: whether changes will be sent
    """
    now = report.finished
    known = {(each.host, each.check): each for each in history.checks}
    made = {
        (host, finding.id): (finding, _entry(known.get((host, finding.id)), host, finding, now))
        for host, finding in _findings(report, cluster)
        if finding.status is not Status.SKIP
    }
    changes = tuple(_changes(known, made.values()))
    states = {**known, **{key: entry for key, (_, entry) in made.items()}}
    kept = sorted((each for each in states.values() if now - each.made < FORGOTTEN), key=lambda each: each.made)
    unsent = (*history.unsent, *changes)[-MOST_UNSENT:] if notifies else ()
    return History(SCHEMA, tuple(kept[-MOST_CHECKS:]), (*history.changes, *changes)[-MOST_CHANGES:], unsent)


def without_sent(history: History, sent: Iterable[Change]) -> History:
    """Return the history after a notification.

    Arguments:
        history: the history, which another run may have updated meanwhile
        sent: the changes that were sent
    """
    done = set(sent)
    return replace(history, unsent=tuple(each for each in history.unsent if each not in done))


def with_history(report: Report, histories: Mapping[str, History]) -> Report:
    """Return the report, in which each finding has its history.

    Arguments:
        report: the run's report
        histories: after the run, by the cluster's name
    """
    known = {(name, each.host, each.check): each for name, history in histories.items() for each in history.checks}

    def told(cluster: str, host: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        entries = ((each, known.get((cluster, host, each.id))) for each in findings)
        return tuple(
            replace(each, since=_since(entry, report.finished)) if entry and each.status is not Status.SKIP else each
            for each, entry in entries
        )

    hosts = {n: replace(each, findings=told(each.cluster, n, each.findings)) for n, each in report.hosts.items()}
    clusters = {n: replace(each, findings=told(n, "", each.findings)) for n, each in report.clusters.items()}
    return replace(report, hosts=hosts, clusters=clusters)


def duration_words(seconds: float) -> str:
    """Return a duration in its largest unit: `7 days`, `1 hour`."""
    for length, unit in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a second"


def _findings(report: Report, cluster: str) -> Iterator[tuple[str, Finding]]:
    for name, host in report.hosts_of(cluster).items():
        yield from ((name, finding) for finding in host.findings)
    yield from (("", finding) for finding in report.findings_of(cluster))


def _entry(known: Entry | None, host: str, finding: Finding, now: datetime) -> Entry:
    red = finding.status in KEEPS_FROM_PASSING
    if known and known.red == red:
        return replace(known, made=now)
    return Entry(host, finding.id, red, now, known.since if known else None, now)


def _changes(known: Mapping[tuple[str, str], Entry], made: Iterable[tuple[Finding, Entry]]) -> Iterator[Change]:
    for finding, entry in made:
        before = known.get((entry.host, entry.check))
        if entry.red != before.red if before else entry.red:
            seen = shortened(one_line(finding.seen), LONGEST_SEEN)
            yield Change(entry.host, entry.check, entry.red, entry.since, _lasted(entry), seen)


def _lasted(entry: Entry) -> float | None:
    return max(0.0, (entry.since - entry.before).total_seconds()) if entry.before else None


def _since(entry: Entry, now: datetime) -> Since:
    state, other = ("red", "green") if entry.red else ("green", "red")
    lasted = _lasted(entry)
    local, today = entry.since.astimezone(), now.astimezone().date()
    words = f"{state} since {local:%H:%M}" if local.date() == today else f"{state} since {local:%Y-%m-%d %H:%M}"
    if lasted is not None:
        words += f", was {other} for {duration_words(lasted)}"
    return Since(state, entry.since.isoformat(), lasted, words)
