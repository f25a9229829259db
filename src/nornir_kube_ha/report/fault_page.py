"""What the HTML page says of faults."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nornir_kube_ha.checks import Status
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.report.api import ApiRow, api_rows, lacks_api, limit_words
from nornir_kube_ha.report.axis import windows
from nornir_kube_ha.report.faults import Cost, clusters_of, cost_of, in_words, troubles_of, verdict
from nornir_kube_ha.report.lanes import NARROW, WIDE
from nornir_kube_ha.report.page import Anchors, Topic
from nornir_kube_ha.report.timeline import Timeline, timeline
from nornir_kube_ha.report.trial_words import sentences

KINDS = {
    Outcome.PASSED: Status.PASS,
    Outcome.MISSED: Status.FAIL,
    Outcome.INTERRUPTED: Status.UNKNOWN,
    Outcome.NOT_INJECTED: Status.UNKNOWN,
    Outcome.NOT_HEALED: Status.FAIL,
}
"""An outcome's colours, and its place at a glance."""


@dataclass(frozen=True, slots=True)
class FaultPart:
    """All that the page says of a fault.

    Arguments:
        anchor: its id
        fault: what was broken, and what that cost
        cost: the same in words
    """

    anchor: str
    fault: FaultReport
    cost: Cost

    @property
    def kind(self) -> Status:
        """Its colours."""
        return KINDS[self.fault.outcome]

    @property
    def where(self) -> str:
        """The clusters that it was made in."""
        return ", ".join(clusters_of(self.fault))

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """Each figure after its title."""
        cost = self.cost
        return (
            ("Outage, new connections", in_words(cost.new)),
            ("Outage, long-lived ones", in_words(cost.reused)),
            ("Outage after the heal", in_words(cost.after)),
            ("New connections failed", ", ".join(cost.failed) or "none was made"),
            ("Two holders", f"{cost.two_holders} s" if self.watched else "not watched"),
            ("Took over", ", ".join(cost.ways) or "nobody"),
        )

    @property
    def api(self) -> tuple[ApiRow, ...]:
        """What clients of the Kubernetes API waited; nothing if that was not measured."""
        return api_rows(self.fault)

    @property
    def lacks_api(self) -> bool:
        """Whether these were not measured though the fault was."""
        return lacks_api(self.fault)

    @property
    def limit(self) -> str:
        """What it may cost."""
        return limit_words(self.fault)

    @property
    def watched(self) -> bool:
        """Whether it is known who held the VIP."""
        return any(trial.holding for trial in self.fault.trials)

    @property
    def troubles(self) -> list[str]:
        """What was wrong."""
        return troubles_of(self.fault)

    @property
    def drawn(self) -> Trial | None:
        """The trial that is drawn; none if there is nothing to draw."""
        worst = self.fault.worst
        return worst if worst and (worst.attempts or worst.holding) else None

    @property
    def number(self) -> int:
        """Which of the trials is drawn."""
        return next((number for number, trial in enumerate(self.fault.trials, start=1) if trial is self.drawn), 0)

    @property
    def timelines(self) -> tuple[tuple[Timeline, ...], ...]:
        """It drawn, from afar and closely; each for a wide and for a narrow screen."""
        trial = self.drawn
        if not trial:
            return ()
        return tuple(tuple(timeline(trial, window, frame) for frame in (WIDE, NARROW)) for window in windows(trial))

    @property
    def words(self) -> tuple[str, ...]:
        """What is drawn, in sentences."""
        return sentences(self.drawn) if self.drawn else ()


def fault_parts_of(faults: Iterable[FaultReport], anchors: Anchors) -> tuple[FaultPart, ...]:
    """What the page says of each fault.

    Arguments:
        faults: of the report
        anchors: gives out their ids
    """
    return tuple(FaultPart(anchors.of("fault", fault.name), fault, cost_of(fault)) for fault in faults)


def fault_topics_of(parts: Sequence[FaultPart]) -> Iterator[Topic]:
    """Faults that did not pass, as they are told of at a glance.

    Arguments:
        parts: the page's
    """
    for part in parts:
        if not part.fault.passed:
            place = (part.where or "why", part.anchor)
            yield Topic(
                part.kind, f"{part.fault.name} {verdict(part.fault.outcome).lower()}", part.fault.meaning, (place,)
            )
