"""What a fault cost, in the figures and the words that every rendering shares."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Statistics, Trial
from nornir_kube_ha.report.model import Report

NO_END = "no end"
NONE = "-"
WAYS = 3  # ways of the VIP that are told apart; the others are a number

FIGURES: Mapping[str, Callable[[Trial], float]] = {
    "new": lambda trial: trial.new.seconds,
    "reused": lambda trial: trial.reused.seconds,
    "after": lambda trial: trial.after.seconds,
}
"""Outages of a trial: of new connections, of long-lived ones, and of new ones once the fault was being healed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a fault cost, in words. An outage is one figure if one trial was measured; else median, p99 and maximum.

    Arguments:
        new: outage of new connections; nothing if no trial was measured
        reused: outage of long-lived connections
        after: outage of new connections once the fault was being healed
        failed: new connections that failed, of how many; what was cut is told apart
        two_holders: seconds in which two hosts held the VIP, at most
        ways: where the VIP went, the most usual way first
    """

    new: tuple[str, ...]
    reused: tuple[str, ...]
    after: tuple[str, ...]
    failed: tuple[str, ...]
    two_holders: str
    ways: tuple[str, ...]


def cost_of(fault: FaultReport) -> Cost:
    """What a fault cost, over its trials.

    Arguments:
        fault: the fault
    """
    most = two_holders(fault)
    new, reused, after = (_spread(fault, of) for of in FIGURES.values())
    return Cost(new, reused, after, _failed(fault), NONE if most is None else figure(most), _ways(fault))


def _spread(fault: FaultReport, of: Callable[[Trial], float]) -> tuple[str, ...]:
    unhealed = (trial for trial in fault.trials if trial.outcome is Outcome.NOT_HEALED and trial.new.total)
    # A cluster that is not well again has lost something; of a fault that was not there, any figure would mislead.
    return spread([of(trial) for trial in fault.measured or unhealed])


def spread(seconds: Sequence[float]) -> tuple[str, ...]:
    """A figure over trials: itself if there is one, else median, p99 and maximum.

    Arguments:
        seconds: of each trial
    """
    if len(seconds) <= 1:
        return tuple(map(figure, seconds))
    found = Statistics.of(seconds)
    return figure(found.median), figure(found.p99), figure(found.maximum)


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
    """Where the VIP went, `lb-1 -> lb-2`; "" if it stayed where it was.

    Arguments:
        trial: of a fault
    """
    hosts = [host for _, host in trial.moves]
    return " -> ".join(filter(None, (trial.before, *hosts))) if hosts else ""


def figure(seconds: float) -> str:
    """Seconds, as exact as is of use: a client asks every few milliseconds.

    Arguments:
        seconds: how many; infinite if there is no end of them
    """
    if seconds == FOREVER:
        return NO_END
    if not seconds:
        return "0"
    return f"{seconds:.3f}" if abs(seconds) < 10 else f"{seconds:.1f}"


def in_seconds(seconds: float) -> str:
    """The same with its unit.

    Arguments:
        seconds: how many
    """
    return _with_unit(figure(seconds))


def _with_unit(value: str) -> str:
    return value if value == NO_END else f"{value} s"


def in_words(figures: tuple[str, ...]) -> str:
    """An outage over trials: `0.080 s`, or `median 0.080 s, p99 0.120 s, max 0.140 s`.

    Arguments:
        figures: one, or three
    """
    words = [_with_unit(value) for value in figures]
    if len(words) <= 1:
        return "".join(words) or "not measured"
    return ", ".join(f"{name} {value}" for name, value in zip(("median", "p99", "max"), words, strict=True))


def two_holders(fault: FaultReport) -> float | None:
    """For how many seconds two hosts held the VIP in any trial, at most; none if nobody watched.

    Arguments:
        fault: the fault
    """
    return max((trial.two_holders for trial in fault.trials if trial.holding), default=None)


def seconds_of(trial: Trial) -> float:
    """How long a trial took, from the making of its fault to the last that is known of it.

    Arguments:
        trial: of a fault
    """
    ends = (trial.made, trial.heal, trial.healed, trial.holding.end if trial.holding else None)
    return max(0.0, *(end for end in ends if end is not None), *(each.end for each in trial.attempts))


def clusters_of(fault: FaultReport) -> tuple[str, ...]:
    """The clusters that a fault was made in.

    Arguments:
        fault: the fault
    """
    return tuple(dict.fromkeys(trial.cluster for trial in fault.trials))


def by_cluster(report: Report) -> dict[tuple[str, str], FaultReport]:
    """Each fault in each cluster, all trials of it together: by the names of both, which no two have alike.

    Arguments:
        report: the run's report
    """
    found: dict[tuple[str, str], FaultReport] = {}
    for fault in report.faults:
        for cluster in clusters_of(fault) or ("",):
            trials = tuple(trial for trial in fault.trials if trial.cluster == cluster)
            before = found.get((cluster, fault.name))
            found[cluster, fault.name] = replace(fault, trials=(*(before.trials if before else ()), *trials))
    return found


def counts_of(report: Report) -> dict[Outcome, int]:
    """How many faults have each outcome; those that none has are left out.

    Arguments:
        report: the run's report
    """
    found = Counter(fault.outcome for fault in report.faults)
    return {outcome: found[outcome] for outcome in Outcome if found[outcome]}


def troubles_of(fault: FaultReport, most: int | None = None) -> list[str]:
    """What was wrong with each trial that did not pass; with the fault, if it was never made.

    Arguments:
        fault: the fault
        most: how many to tell; of the others, only how many there are. None: all
    """
    if not fault.trials:
        return [f"{Outcome.NOT_INJECTED}: no trial was made"]
    told = list(islice(fault.troubles, most))
    more = sum(1 for _ in fault.troubles) - len(told)
    return [*told, *([f"and {more} more"] if more else [])]


def verdict(outcome: Outcome) -> str:
    """The outcome, in capitals if it is not well, so that it is seen without colours too.

    Arguments:
        outcome: of a fault or a trial
    """
    return outcome.value if outcome is Outcome.PASSED else outcome.upper()
