"""A fault that was made and measured, once or many times, and whether what it cost is within its limit."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nornir_kube_ha.api_outage import ApiCost
from nornir_kube_ha.outage import FOREVER, Attempt, Holding, Outage

_LONG = 100  # from here on, three digits would be no whole number


@dataclass(frozen=True, slots=True)
class ApiLimit:
    """What a fault may cost clients of the Kubernetes API; no write may be lost, no event missed. None: any.

    Arguments:
        read: seconds until a new read is answered
        cached: seconds until a new read from an apiserver's watch cache is answered
        write: seconds until a new write is acknowledged
        watch: seconds until a watch hears of a write
        failed: reads and writes that fail
        cuts: watches that end, and not by their apiserver
    """

    read: float | None = None
    cached: float | None = None
    write: float | None = None
    watch: float | None = None
    failed: int | None = None
    cuts: int | None = None

    @property
    def words(self) -> str:
        """What is judged, in a line: `reads without answer for at most 0.3 s, no watches cut`."""
        return ", ".join(
            [
                *_at_most("reads without answer for", self.read, " s"),
                *_at_most("cached reads without answer for", self.cached, " s"),
                *_at_most("writes without answer for", self.write, " s"),
                *_at_most("watches silent for", self.watch, " s"),
                *_at_most("failed reads and writes", self.failed),
                *_at_most("watches cut", self.cuts),
            ]
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """What a fault may cost. None: any.

    Arguments:
        seconds: outage of new connections while the fault lasts
        failed: new connections that fail though they began after the fault
        lost: requests that fail on long-lived connections
        moves: how often the VIP goes to another host
        two_holders: seconds in which two hosts hold the VIP, while the fault lasts
        after: outage of new connections once the fault is healed
        two_after: seconds in which two hosts hold the VIP, once the fault is healed
        api: what it may cost clients of the Kubernetes API, where that is measured
    """

    seconds: float | None = None
    failed: int | None = None
    lost: int | None = None
    moves: int | None = None
    two_holders: float | None = 0.0
    after: float | None = 0.0
    two_after: float | None = 0.0
    api: ApiLimit = field(default_factory=ApiLimit)

    @property
    def words(self) -> str:
        """What is judged, in a line: `outage at most 0.15 s, none after the heal, never two holders`."""
        return ", ".join(
            [
                *_at_most("outage", self.seconds, " s"),
                *_at_most("failed new connections", self.failed),
                *_at_most("failed requests on long-lived connections", self.lost),
                *_at_most("moves of the VIP", self.moves),
                *_at_most("two holders for", self.two_holders, " s"),
                *_at_most("outage after the heal", self.after, " s"),
                *_at_most("two holders after the heal for", self.two_after, " s"),
            ]
        )


def _at_most(what: str, limit: float | None, unit: str = "") -> list[str]:
    return (
        [] if limit is None else [f"no {what.removesuffix(' for')}" if not limit else f"{what} at most {limit:g}{unit}"]
    )


class Outcome(StrEnum):
    """What became of a trial, best first."""

    PASSED = "passed"
    MISSED = "missed"
    """It cost more than its limit allows."""
    INTERRUPTED = "interrupted"
    """Healed at once, before all was measured."""
    NOT_INJECTED = "not injected"
    """The host did not show the fault: nothing was survived."""
    NOT_HEALED = "not healed"
    """The cluster is not well again: nothing more is broken until somebody has looked."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A fault, made once. Times are in seconds; zero is when its making began.

    Arguments:
        cluster: whose VIP it was
        target: what was broken: a host, an apiserver, or several
        started: when, with its time zone
        outcome: what became of it
        words: why it was not injected, not healed or interrupted; "" otherwise
        exceeded: what was more than the limit allows, each in a few words
        new: outage of new connections while the fault lasted
        reused: outage of long-lived connections in that time
        after: outage of new connections once it was being healed
        after_reused: outage of long-lived connections in that time
        made: when the fault was surely there; what began before may have met it or not
        heal: when healing began; none if the trial did not come to it
        healed: when the host had healed
        holding: who held the VIP at each moment, none if that was not watched
        before: who held the VIP before
        holder: who held the VIP in the end
        api: what clients of the Kubernetes API lost, from the making of the fault on; none without a credential
        late: how late the client's own schedule was at the worst: what it could not have seen
        attempts: every request, kept for the trial that is drawn
    """

    cluster: str
    target: str
    started: datetime
    outcome: Outcome
    words: str = ""
    exceeded: tuple[str, ...] = ()
    new: Outage = field(default_factory=Outage)
    reused: Outage = field(default_factory=Outage)
    after: Outage = field(default_factory=Outage)
    after_reused: Outage = field(default_factory=Outage)
    made: float = 0.0
    heal: float | None = None
    healed: float | None = None
    holding: Holding | None = None
    before: str = ""
    holder: str = ""
    api: ApiCost | None = None
    late: float = 0.0
    attempts: tuple[Attempt, ...] = ()

    @property
    def two_holders(self) -> float:
        """Seconds in which two hosts or more held the VIP."""
        return self.holding.seconds_with(2) if self.holding else 0.0

    @property
    def no_holder(self) -> float:
        """Seconds in which nobody held the VIP."""
        return self.holding.seconds_with(0) if self.holding else 0.0

    @property
    def moves(self) -> tuple[tuple[float, str], ...]:
        """When the VIP went to another host, and to which."""
        return self.holding.moves() if self.holding else ()


def exceeded(limit: Limit, trial: Trial) -> tuple[str, ...]:
    """What a trial cost more than its limit allows, each in a few words.

    Arguments:
        limit: what the fault may cost
        trial: what it cost
    """
    heal = FOREVER if trial.heal is None else trial.heal
    two_after = trial.holding.seconds_with(2, since=heal) if trial.holding else 0.0
    measured: tuple[_Measured, ...] = (
        ("outage", trial.new.seconds, limit.seconds, " s"),
        ("failed new connections", trial.new.failed_new, limit.failed, ""),
        ("failed requests on long-lived connections", trial.reused.failed, limit.lost, ""),
        ("moves of the VIP", len(trial.moves), limit.moves, ""),
        ("two holders for", trial.two_holders - two_after, limit.two_holders, " s"),
        ("outage after the heal", trial.after.seconds, limit.after, " s"),
        ("two holders after the heal for", two_after, limit.two_after, " s"),
        *(_api_measured(limit.api, trial.api) if trial.api else ()),
    )
    return (*_over(measured), *(_unseen(trial.api) if trial.api else ()))


def losses(cost: ApiCost) -> tuple[str, ...]:
    """What no fault may cost, each in a few words.

    Arguments:
        cost: of a trial
    """
    return tuple(_over(_losses(cost)))


_Measured = tuple[str, float, float | None, str]


def _over(measured: Iterable[_Measured]) -> Iterator[str]:
    for what, seen, most, unit in measured:
        if most is not None and seen > most:
            yield f"{what} {_figure(seen, most, unit)}, at most {most:g}{unit} allowed"


def _unseen(cost: ApiCost) -> Iterator[str]:
    """What came to no end, or was not seen at all, whatever the limit: it has not been survived."""
    for what, requests in (("read", cost.read), ("cached read", cost.cached), ("write", cost.write)):
        if not requests.total:
            yield f"no {what} was made"
        elif requests.gap == FOREVER:
            yield f"no {what} was answered any more"
    if not cost.watch.heard:
        yield "no watch heard anything"
    elif cost.watch.silence == FOREVER:
        yield "a watch did not hear of a write any more"


def _api_measured(limit: ApiLimit, cost: ApiCost) -> tuple[_Measured, ...]:
    return (
        ("reads without answer for", cost.read.gap, limit.read, " s"),
        ("cached reads without answer for", cost.cached.gap, limit.cached, " s"),
        ("writes without answer for", cost.write.gap, limit.write, " s"),
        ("watches silent for", cost.watch.silence, limit.watch, " s"),
        ("failed reads and writes", cost.read.failed + cost.write.failed, limit.failed, ""),
        ("watches cut", cost.watch.cuts, limit.cuts, ""),
        *_losses(cost),
    )


def _losses(cost: ApiCost) -> tuple[_Measured, ...]:
    return (("acknowledged writes lost", cost.lost, 0, ""), ("events missed", cost.missed, 0, ""))


def _figure(seen: float, most: float, unit: str) -> str:
    if seen == FOREVER:
        return "without end"
    short = f"{seen:.3g}"
    # A figure that is rounded down to its own limit would tell of nothing.
    return f"{short if float(short) > most and seen < _LONG else f'{seen:.6g}'}{unit}"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a figure, over trials.

    Arguments:
        median: half of the trials had no more
        p99: 99 of 100 trials had no more
        maximum: no trial had more
    """

    median: float = 0.0
    p99: float = 0.0
    maximum: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Statistics":
        """By nearest rank: each is a value that was measured.

        Arguments:
            values: the figures; all are zero if there are none
        """
        ranked = sorted(values)
        if not ranked:
            return cls()
        return cls(_rank(ranked, 50), _rank(ranked, 99), ranked[-1])


def _rank(ranked: list[float], percent: int) -> float:
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class FaultReport:
    """A fault, and every trial of it.

    Arguments:
        name: `haproxy-kill`
        meaning: what is broken, in a line
        limit: what it may cost
        trials: in order
    """

    name: str
    meaning: str
    limit: Limit
    trials: tuple[Trial, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of its trials; not injected if there was none."""
        order = list(Outcome)
        return max((trial.outcome for trial in self.trials), key=order.index, default=Outcome.NOT_INJECTED)

    @property
    def passed(self) -> bool:
        """Whether each trial was made, healed, and within the limit."""
        return self.outcome is Outcome.PASSED

    @property
    def measured(self) -> tuple[Trial, ...]:
        """Trials in which the fault was there to the end."""
        return tuple(trial for trial in self.trials if trial.outcome in {Outcome.PASSED, Outcome.MISSED})

    @property
    def api_costs(self) -> tuple[ApiCost, ...]:
        """What clients of the Kubernetes API lost, in each of the measured trials that had a credential."""
        return tuple(trial.api for trial in self.measured if trial.api)

    @property
    def worst(self) -> Trial | None:
        """The trial to look at: one that did not pass before one that did, then by outage. None if there is none."""
        order = list(Outcome)
        return max(
            self.trials,
            key=lambda trial: (order.index(trial.outcome), trial.new.seconds, trial.after.seconds),
            default=None,
        )

    def statistics(self, figure: Callable[[Trial], float]) -> Statistics:
        """Of one figure, over the trials that were measured.

        Arguments:
            figure: `lambda trial: trial.new.seconds`
        """
        return Statistics.of(figure(trial) for trial in self.measured)

    @property
    def troubles(self) -> Iterator[str]:
        """What was wrong with each trial that did not pass, in a line."""
        for number, trial in enumerate(self.trials, start=1):
            if trial.outcome is not Outcome.PASSED:
                which = f" (trial {number} of {len(self.trials)})" if len(self.trials) > 1 else ""
                yield f"{trial.target}: {trial.outcome}: {'; '.join((*trial.exceeded, trial.words)).strip('; ')}{which}"
