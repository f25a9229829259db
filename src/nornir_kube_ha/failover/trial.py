"""Trials of a fault, and whether their cost is within the fault's limit."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nornir_kube_ha.failover.api_outage import ApiCost
from nornir_kube_ha.failover.limit import ApiLimit, Limit
from nornir_kube_ha.failover.outage import FOREVER, Attempt, Holding, Outage
from nornir_kube_ha.failover.statistics import Statistics

_LONG = 100  # from here on `.3g` shows no fraction, and from 1000 on an exponent


class Outcome(StrEnum):
    """Outcome of a trial, best first."""

    PASSED = "passed"
    MISSED = "missed"
    """The cost exceeds the limit."""
    INTERRUPTED = "interrupted"
    """Healed at once, before the measurement was complete."""
    NOT_INJECTED = "not injected"
    """The fault was never present on the host, so the trial shows nothing."""
    NOT_HEALED = "not healed"
    """The cluster did not recover. No further fault is injected until an operator has looked at it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One injection of a fault. Times are in seconds from the start of the injection.

    Arguments:
        cluster: cluster whose VIP was measured
        target: what was broken: a host, an apiserver, or several
        started: time with its time zone
        outcome: outcome of the trial
        words: why it was not injected, not healed or interrupted; "" otherwise
        exceeded: costs above the limit, in a few words each
        new: outage of new connections while the fault lasted
        reused: outage of long-lived connections while the fault lasted
        after: outage of new connections from the start of the heal
        after_reused: outage of long-lived connections from the start of the heal
        made: when the fault was known to be present; attempts that began earlier may have met it or not
        heal: when the heal began; None if the trial ended before
        healed: when the host had healed
        holding: holders of the VIP over time; None if they were not recorded
        before: VIP holder before the fault
        holder: VIP holder at the end
        api: cost for clients of the Kubernetes API, from the injection on; None without a credential
        late: the client's maximum lateness; it could not have seen anything shorter
        attempts: all requests; kept for the trial that is drawn
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
        """Seconds in which two or more hosts held the VIP."""
        return self.holding.seconds_with(2) if self.holding else 0.0

    @property
    def no_holder(self) -> float:
        """Seconds in which no host held the VIP."""
        return self.holding.seconds_with(0) if self.holding else 0.0

    @property
    def moves(self) -> tuple[tuple[float, str], ...]:
        """When the VIP moved to another host, and to which."""
        return self.holding.moves() if self.holding else ()


def exceeded(limit: Limit, trial: Trial) -> tuple[str, ...]:
    """Return the costs of a trial that exceed the limit, in a few words each.

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
    """Return the costs that no limit allows, in a few words each.

    Arguments:
        cost: cost of a trial
    """
    return tuple(_over(_losses(cost)))


_Measured = tuple[str, float, float | None, str]


def _over(measured: Iterable[_Measured]) -> Iterator[str]:
    for what, seen, most, unit in measured:
        if most is not None and seen > most:
            yield f"{what} {_figure(seen, most, unit)}, at most {most:g}{unit} allowed"


def _unseen(cost: ApiCost) -> Iterator[str]:
    """Yield what fails a trial whatever the limit: requests or watches that were never made or never recovered."""
    for what, requests in (("read", cost.read), ("cached read", cost.cached), ("write", cost.write)):
        if not requests.total:
            yield f"no {what} was made"
        elif requests.gap == FOREVER:
            yield f"no {what} was answered from then on"
    if not cost.watch.heard:
        yield "no watch received an event"
    elif cost.watch.silence == FOREVER:
        yield "a watch stopped receiving events"


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
    # A figure rounded down to its own limit would hide the excess.
    return f"{short if float(short) > most and seen < _LONG else f'{seen:.6g}'}{unit}"


@dataclass(frozen=True, slots=True)
class FaultReport:
    """A fault and all its trials.

    Arguments:
        name: `haproxy-kill`
        meaning: description in one line
        limit: what it may cost
        trials: in order
    """

    name: str
    meaning: str
    limit: Limit
    trials: tuple[Trial, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of its trials; `NOT_INJECTED` without a trial."""
        order = list(Outcome)
        return max((trial.outcome for trial in self.trials), key=order.index, default=Outcome.NOT_INJECTED)

    @property
    def passed(self) -> bool:
        """Whether every trial was injected, healed, and within the limit."""
        return self.outcome is Outcome.PASSED

    @property
    def measured(self) -> tuple[Trial, ...]:
        """Trials in which the fault was present until the heal."""
        return tuple(trial for trial in self.trials if trial.outcome in {Outcome.PASSED, Outcome.MISSED})

    @property
    def api_costs(self) -> tuple[ApiCost, ...]:
        """Costs for clients of the Kubernetes API, of the measured trials with a credential."""
        return tuple(trial.api for trial in self.measured if trial.api)

    @property
    def worst(self) -> Trial | None:
        """The worst trial by outcome, then by outage; None without a trial."""
        order = list(Outcome)
        return max(
            self.trials,
            key=lambda trial: (order.index(trial.outcome), trial.new.seconds, trial.after.seconds),
            default=None,
        )

    def statistics(self, figure: Callable[[Trial], float]) -> Statistics:
        """Return the statistics of one figure over the measured trials.

        Arguments:
            figure: `lambda trial: trial.new.seconds`
        """
        return Statistics.of(figure(trial) for trial in self.measured)

    @property
    def troubles(self) -> Iterator[str]:
        """What went wrong in each trial that did not pass, a line each."""
        for number, trial in enumerate(self.trials, start=1):
            if trial.outcome is not Outcome.PASSED:
                which = f" (trial {number} of {len(self.trials)})" if len(self.trials) > 1 else ""
                yield f"{trial.target}: {trial.outcome}: {'; '.join((*trial.exceeded, trial.words)).strip('; ')}{which}"
