"""A run of several runbooks, one after the other, with one report: the story of a rehearsal."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import Failure, Report, Step
from nornir_kube_ha.report.problems import WORST_FIRST, problems
from nornir_kube_ha.text import named, one_line, shortened

MOST_WORDS = 360  # characters of a step's reason, and of the remarks on it; the report has the rest


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to make.

    Arguments:
        name: what it does, in a few words
        seconds: how long it takes, about
        do: makes it; returns its report, if it has one
        is_change: whether the story's hosts report its changes as theirs
        is_shown: whether the story's hosts are as this step reports them, until a later one says otherwise
    """

    name: str
    seconds: float
    do: Callable[[], Report | None]
    is_change: bool = False
    is_shown: bool = True


@dataclass(slots=True)
class Story:
    """The record of such a run.

    Arguments:
        runbook: its name
        tell: called with each line of progress
        steps: made so far
        faults: measured so far, changes included
        error: what ended the story, other than a host's failure
    """

    runbook: str
    tell: Callable[[str], object]
    steps: list[Step] = field(default_factory=list)
    faults: list[FaultReport] = field(default_factory=list)
    error: Failure | None = None
    _planned: Sequence[Planned] = ()
    _remarks: list[str] = field(default_factory=list)
    _shown: Report | None = None
    _changes: dict[str, str] = field(default_factory=dict)
    _run_id: str = field(default_factory=lambda: secrets.token_hex(6))
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def play(self, planned: Sequence[Planned]) -> None:
        """Make steps, until one does not pass.

        Raises:
            KeyboardInterrupt, SystemExit: interrupted; the step in hand is recorded
        """
        self._planned = planned
        whole = sum(each.seconds for each in planned)
        self.tell(f"{len(planned)} steps, about {in_minutes(whole)} in all")
        for number, each in enumerate(planned, start=1):
            left = sum(later.seconds for later in planned[number - 1 :])
            self.tell(f"{number} of {len(planned)}: {each.name} (about {in_minutes(left)} left)")
            if not self._make(each):
                return

    def remark(self, words: str) -> None:
        """Add words to the step in hand: what a reader must know of it, though it passes.

        Arguments:
            words: one sentence, without a full stop
        """
        self._remarks.append(words)

    def _make(self, planned: Planned) -> bool:
        begun = time.monotonic()
        try:
            report = planned.do()
        except KubeHaError as error:
            self.error = Failure.of(error)
            self._note(planned, "failed", begun, self.error.message)
            return False
        except BaseException as error:
            self.error = Failure.of(error)
            self._note(planned, "unknown", begun, self.error.message)
            raise
        return self._note_report(planned, begun, report)

    def _note_report(self, planned: Planned, begun: float, report: Report | None) -> bool:
        changes = {name: host.diff for name, host in report.hosts.items() if host.changed} if report else {}
        missed = [fault for fault in self.faults if not fault.passed]
        passed = not missed and (report is None or report.passed)
        if planned.is_change:
            self._changes |= changes
        if report and (planned.is_shown or not passed):
            self._shown = report
        self._note(planned, "passed" if passed else "failed", begun, "" if passed else _reason(report, missed), changes)
        return passed

    def _note(
        self, planned: Planned, status: str, begun: float, words: str = "", changes: dict[str, str] | None = None
    ) -> None:
        told = (shortened(one_line(each), MOST_WORDS) for each in (words, "; ".join(self._remarks)))
        said = "; ".join(filter(None, told))
        self._remarks.clear()
        self.steps.append(Step(planned.name, status, time.monotonic() - begun, said, changes or {}))
        if said:
            self.tell(f"{planned.name}: {status}: {said}")

    def report(self) -> Report:
        """Return the report of the story so far. Hosts are as the last step that looked at them reports them."""
        shown = self._shown
        hosts = {
            name: replace(host, changed=name in self._changes, diff=self._changes.get(name, ""))
            for name, host in (shown.hosts if shown else {}).items()
        }
        unreached = (Step(each.name, "unknown", words="not reached") for each in self._planned[len(self.steps) :])
        return Report(
            run_id=self._run_id,
            runbook=self.runbook,
            started=self._started,
            finished=datetime.now(UTC),
            hosts=hosts,
            clusters=shown.clusters if shown else {},
            faults=tuple(self.faults),
            error=self.error,
            steps=(*self.steps, *unreached),
        )


def _reason(report: Report | None, missed: Sequence[FaultReport]) -> str:
    places: dict[str, list[str]] = {}
    for each in problems(report) if report else ():
        if each.status in WORST_FIRST[:2]:
            places.setdefault(f"{each.what}: {each.seen}", []).append(each.where)
    worst = [f"{named(where)}: {words}" for words, where in places.items()]
    troubles = [trouble for fault in missed for trouble in fault.troubles]
    said = ""
    for words in (*worst[:2], *troubles[:2]):  # whole ones only: the end of the first often says what to do
        longer = "; ".join(filter(None, (said, words)))
        said = longer if not said or len(longer) <= MOST_WORDS else said
    return said or "it did not pass"


def in_minutes(seconds: float) -> str:
    """Return a rough time in words: `50 s`, `2 minutes`."""
    return f"{max(10, round(seconds, -1)):.0f} s" if seconds < 95 else f"{seconds / 60:.0f} minutes"
