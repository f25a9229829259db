"""The faults on the HTML page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nornir_kube_ha.checks import Status
from nornir_kube_ha.failover.trial import FaultReport, Trial
from nornir_kube_ha.report.api_costs import ApiRow, api_rows, lacks_api, limit_words
from nornir_kube_ha.report.fault_costs import OUTCOME_STATUSES, Cost, clusters_of, cost_of, problems_of
from nornir_kube_ha.report.html.axis import excerpts
from nornir_kube_ha.report.html.clusters import Anchors, Topic
from nornir_kube_ha.report.html.lanes import NARROW, WIDE
from nornir_kube_ha.report.html.timeline import Timeline, timeline
from nornir_kube_ha.report.html.trial_words import sentences
from nornir_kube_ha.report.words import in_words


@dataclass(frozen=True, slots=True)
class FaultPart:
    """The part of the page about one fault.

    Arguments:
        anchor: id of the part
        fault: the fault and its trials
        cost: its cost in words
    """

    anchor: str
    fault: FaultReport
    cost: Cost

    @property
    def kind(self) -> Status:
        """Status that gives the part its colours."""
        return OUTCOME_STATUSES[self.fault.outcome]

    @property
    def where(self) -> str:
        """Clusters in which the fault was injected."""
        return ", ".join(clusters_of(self.fault))

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """Title and text of each figure."""
        cost = self.cost
        return (
            ("Outage, new connections", in_words(cost.new)),
            ("Outage, long-lived ones", in_words(cost.reused)),
            ("Outage after the heal", in_words(cost.after)),
            ("New connections failed", ", ".join(cost.failed) or "no connection was made"),
            ("Two holders", cost.two_holders if self.watched else "not recorded"),
            ("Took over", ", ".join(cost.ways) or "nobody"),
        )

    @property
    def api(self) -> tuple[ApiRow, ...]:
        """Cost for clients of the Kubernetes API; empty if it was not measured."""
        return api_rows(self.fault)

    @property
    def lacks_api(self) -> bool:
        """Whether a trial was measured without a credential for the Kubernetes API."""
        return lacks_api(self.fault)

    @property
    def limit(self) -> str:
        """The limit in words."""
        return limit_words(self.fault)

    @property
    def watched(self) -> bool:
        """Whether the VIP holders were recorded."""
        return any(trial.holding for trial in self.fault.trials)

    @property
    def problems(self) -> list[str]:
        """What went wrong."""
        return problems_of(self.fault)

    @property
    def drawn(self) -> Trial | None:
        """The trial to draw; None if there is nothing to draw."""
        worst = self.fault.worst
        return worst if worst and (worst.attempts or worst.holding) else None

    @property
    def number(self) -> int:
        """Number of the drawn trial; 0 if none is drawn."""
        return next((number for number, trial in enumerate(self.fault.trials, start=1) if trial is self.drawn), 0)

    @property
    def timelines(self) -> tuple[tuple[Timeline, ...], ...]:
        """Timelines of the drawn trial, one for each excerpt; each for a wide and a narrow screen."""
        trial = self.drawn
        if not trial:
            return ()
        return tuple(tuple(timeline(trial, excerpt, frame) for frame in (WIDE, NARROW)) for excerpt in excerpts(trial))

    @property
    def words(self) -> tuple[str, ...]:
        """The drawn trial in sentences."""
        return sentences(self.drawn) if self.drawn else ()


def fault_parts_of(faults: Iterable[FaultReport], anchors: Anchors) -> tuple[FaultPart, ...]:
    """Return the part of the page about each fault.

    Arguments:
        faults: the report's faults
        anchors: allocates the ids
    """
    return tuple(FaultPart(anchors.of("fault", fault.name), fault, cost_of(fault)) for fault in faults)


def fault_topics_of(parts: Sequence[FaultPart]) -> Iterator[Topic]:
    """Yield a topic for each fault that did not pass.

    Arguments:
        parts: the page's faults
    """
    for part in parts:
        if not part.fault.passed:
            title = f"{part.fault.name} {part.fault.outcome}"
            yield Topic(part.kind, title, part.fault.meaning, ((part.where or "why", part.anchor),))
