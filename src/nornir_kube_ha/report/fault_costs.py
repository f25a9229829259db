"""The cost of a fault, in figures and words that all renderings share."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from nornir_kube_ha.checks import Status
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.report.model import Report
from nornir_kube_ha.report.words import NONE, in_seconds, spread

WAYS = 3  # paths of the VIP that are listed; the others are counted

FIGURES: Mapping[str, Callable[[Trial], float]] = {
    "new": lambda trial: trial.new.seconds,
    "reused": lambda trial: trial.reused.seconds,
    "after": lambda trial: trial.after.seconds,
}
"""Outages of a trial: new connections, long-lived connections, and new connections from the start of the heal."""

OUTCOME_STATUSES = {
    Outcome.PASSED: Status.PASS,
    Outcome.MISSED: Status.FAIL,
    Outcome.INTERRUPTED: Status.UNKNOWN,
    Outcome.NOT_INJECTED: Status.UNKNOWN,
    Outcome.NOT_HEALED: Status.FAIL,
}
"""Each outcome of a fault, with the status of a check that is as bad."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a fault in words. An outage is one figure for one measured trial, else median, p99 and maximum.

    Arguments:
        new: outage of new connections; empty if no trial was measured
        reused: outage of long-lived connections
        after: outage of new connections from the start of the heal
        failed: failed new connections and their total; cut ones are counted separately
        two_holders: longest time in which two hosts held the VIP; `-` if it was not watched
        ways: paths of the VIP, the most frequent first
    """

    new: tuple[str, ...]
    reused: tuple[str, ...]
    after: tuple[str, ...]
    failed: tuple[str, ...]
    two_holders: str
    ways: tuple[str, ...]


def cost_of(fault: FaultReport) -> Cost:
    """Return the cost of a fault over its trials."""
    most = two_holders(fault)
    new, reused, after = (_spread(fault, of) for of in FIGURES.values())
    return Cost(new, reused, after, _failed(fault), NONE if most is None else in_seconds(most), _ways(fault))


def _spread(fault: FaultReport, of: Callable[[Trial], float]) -> tuple[str, ...]:
    unhealed = (trial for trial in fault.trials if trial.outcome is Outcome.NOT_HEALED and trial.new.total)
    # A cluster that did not recover has figures to show; for a fault that was never present, they would mislead.
    return spread([of(trial) for trial in fault.measured or unhealed])


def _failed(fault: FaultReport) -> tuple[str, ...]:
    total = sum(trial.new.total for trial in fault.trials)
    cut = sum(trial.new.cut for trial in fault.trials)
    failed = sum(trial.new.failed_new for trial in fault.trials)
    return (*([f"{failed} of {total}"] if total else []), *([f"{cut} cut"] if cut else []))


def _ways(fault: FaultReport) -> tuple[str, ...]:
    found = Counter(way for trial in fault.trials if (way := way_of(trial)))
    told = [f"{way} ({count} times)" if len(found) > 1 < count else way for way, count in found.most_common(WAYS)]
    others = len(found) - len(told)
    return (*told, *([f"{others} other {'way' if others == 1 else 'ways'}"] if others else []))


def way_of(trial: Trial) -> str:
    """Return the path of the VIP, `lb-1 -> lb-2`; "" if it did not move."""
    hosts = [host for _, host in trial.moves]
    return " -> ".join(filter(None, (trial.before, *hosts))) if hosts else ""


def two_holders(fault: FaultReport) -> float | None:
    """Return the longest time in seconds in which two hosts held the VIP; None if not recorded."""
    return max((trial.two_holders for trial in fault.trials if trial.holding), default=None)


def seconds_of(trial: Trial) -> float:
    """Return the length of a trial in seconds, from the injection to its last record."""
    ends = (trial.made, trial.heal, trial.healed, trial.holding.end if trial.holding else None)
    return max(0.0, *(end for end in ends if end is not None), *(each.end for each in trial.attempts))


def clusters_of(fault: FaultReport) -> tuple[str, ...]:
    """Return the clusters in which a fault was injected."""
    return tuple(dict.fromkeys(trial.cluster for trial in fault.trials))


def by_cluster(report: Report) -> dict[tuple[str, str], FaultReport]:
    """Return the faults by cluster and name, with all trials of a fault in a cluster merged."""
    found: dict[tuple[str, str], FaultReport] = {}
    for fault in report.faults:
        for cluster in clusters_of(fault) or ("",):
            trials = tuple(trial for trial in fault.trials if trial.cluster == cluster)
            before = found.get((cluster, fault.name))
            found[cluster, fault.name] = replace(fault, trials=(*(before.trials if before else ()), *trials))
    return found


def counts_of(report: Report) -> dict[Outcome, int]:
    """Return the number of faults by outcome, without zeros."""
    found = Counter(fault.outcome for fault in report.faults)
    return {outcome: found[outcome] for outcome in Outcome if found[outcome]}


def problems_of(fault: FaultReport, most: int | None = None) -> list[str]:
    """Return what went wrong in each trial that did not pass, or that no trial was made.

    Arguments:
        fault: the fault
        most: largest number of problems to list; the others are counted. None lists all
    """
    if not fault.trials:
        return [f"{Outcome.NOT_INJECTED}: no trial was made"]
    told = list(islice(fault.troubles, most))
    more = sum(1 for _ in fault.troubles) - len(told)
    return [*told, *([f"and {more} more"] if more else [])]
