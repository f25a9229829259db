"""A trial against its limit, and what many trials of a fault come to."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from nornir_kube_ha.failover.api_outage import ApiCost, Requests, Watches
from nornir_kube_ha.failover.limit import ApiLimit, Limit
from nornir_kube_ha.failover.outage import FOREVER, Holding, Outage, Span
from nornir_kube_ha.failover.statistics import Statistics
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial, exceeded, losses

ANYTHING = Limit(two_holders=None, after=None, two_after=None)
TRIAL = Trial("demo", "lb-1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), Outcome.PASSED, heal=2.0)
LOST = Outage(0.25, 0.25, 0.0, failed=3, cut=1, total=20)
NO_END = Requests(FOREVER, total=5)
TWICE = Holding((Span("lb-1", -1, 0.5), Span("lb-2", 0.25, 3), Span("lb-1", 2.5, FOREVER)), -1, 4)
"""Two holders from 0.25 s to 0.5 s and, after the heal, from 2.5 s to 3 s."""


def fault(*trials: Trial, limit: Limit | None = None) -> FaultReport:
    return FaultReport("haproxy-kill", "haproxy is killed", limit or Limit(seconds=0.15), trials)


def trial(outcome: Outcome = Outcome.PASSED, seconds: float = 0.0, after: float = 0.0) -> Trial:
    return replace(TRIAL, outcome=outcome, new=Outage(seconds), after=Outage(after))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (ANYTHING, ""),
        (Limit(), "no two holders, no outage after the heal, no two holders after the heal"),
        (replace(ANYTHING, seconds=0.15), "outage at most 0.15 s"),
        (replace(ANYTHING, seconds=0.0), "no outage"),
        (replace(ANYTHING, failed=0), "no failed new connections"),
        (replace(ANYTHING, lost=3), "failed requests on long-lived connections at most 3"),
        (replace(ANYTHING, moves=0), "no moves of the VIP"),
        (replace(ANYTHING, moves=1, two_holders=0.5), "moves of the VIP at most 1, two holders for at most 0.5 s"),
        (replace(ANYTHING, after=1.0), "outage after the heal at most 1 s"),
        (replace(ANYTHING, two_after=0.0), "no two holders after the heal"),
        (replace(ANYTHING, two_after=2.5), "two holders after the heal for at most 2.5 s"),
    ],
)
def test_limit_in_words(limit: Limit, words: str) -> None:
    assert limit.words == words


def test_trial_shows_no_holders_that_were_not_recorded() -> None:
    assert (TRIAL.two_holders, TRIAL.no_holder, TRIAL.moves) == (0, 0, ())


def test_trial_shows_its_holders() -> None:
    watched = replace(TRIAL, holding=TWICE)
    assert (watched.two_holders, watched.no_holder) == (0.75, 0)
    assert watched.moves == ((0.25, "lb-2"), (2.5, "lb-1"))
    assert replace(TRIAL, holding=Holding((Span("lb-1", 0, 1),), -1, 4)).no_holder == 4


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (ANYTHING, None),
        (replace(ANYTHING, seconds=0.25), None),  # as much as is allowed
        (replace(ANYTHING, seconds=0.15), "outage 0.25 s, at most 0.15 s allowed"),
        (replace(ANYTHING, failed=2), None),  # the third was cut: it had begun before
        (replace(ANYTHING, failed=1), "failed new connections 2, at most 1 allowed"),
        (replace(ANYTHING, lost=3), "failed requests on long-lived connections 4, at most 3 allowed"),
        (replace(ANYTHING, moves=1), "moves of the VIP 2, at most 1 allowed"),
        (replace(ANYTHING, two_holders=0.25), None),  # those after the heal have a limit of their own
        (replace(ANYTHING, two_holders=0.0), "two holders for 0.25 s, at most 0 s allowed"),
        (replace(ANYTHING, after=0.0), "outage after the heal 0.125 s, at most 0 s allowed"),
        (replace(ANYTHING, two_after=0.5), None),
        (replace(ANYTHING, two_after=0.25), "two holders after the heal for 0.5 s, at most 0.25 s allowed"),
    ],
)
def test_what_is_more_than_the_limit_allows(limit: Limit, words: str | None) -> None:
    cost = replace(TRIAL, new=LOST, reused=Outage(1, failed=4), after=Outage(0.125, failed=1), holding=TWICE)
    assert exceeded(limit, cost) == (() if words is None else (words,))


def test_each_exceeded_cost_is_reported() -> None:
    nothing = ApiLimit(**dict.fromkeys((field.name for field in fields(ApiLimit)), 0))
    of_address = [field.name for field in fields(Limit) if field.name != "api"]
    none = Limit(**dict.fromkeys(of_address, 0), api=nothing)
    cost = replace(TRIAL, new=LOST, reused=Outage(1, failed=4), after=Outage(0.125, failed=1), holding=TWICE)
    assert len(exceeded(none, cost)) == len(of_address)
    watched = Watches(0.5, heard=9, ended=(("timeout", 2),))
    asked = Requests(0.5, failed=1, total=9)
    lost = ApiCost(Requests(1), asked, asked, watched, cached=asked, lost=1, missed=3)
    served = Requests(total=9)
    well = ApiCost(Requests(), served, served, Watches(heard=9), cached=served)
    of_api = exceeded(none, replace(TRIAL, api=lost))
    assert len(of_api) == len(fields(ApiLimit)) + 2  # a lost write and a missed event need no limit
    assert of_api[-2:] == ("acknowledged writes lost 1, at most 0 allowed", "events missed 3, at most 0 allowed")
    assert exceeded(Limit(two_holders=None), replace(TRIAL, api=lost)) == losses(lost) == of_api[-2:]
    assert exceeded(none, replace(TRIAL, api=well)) == exceeded(none, TRIAL) == ()


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (
            ApiCost(),
            ("no read was made", "no cached read was made", "no write was made", "no watch received an event"),
        ),
        (
            ApiCost(Requests(1), NO_END, NO_END, Watches(FOREVER, heard=1), cached=NO_END),
            (
                "no read was answered from then on",
                "no cached read was answered from then on",
                "no write was answered from then on",
                "a watch stopped receiving events",
            ),
        ),
    ],
)
def test_what_was_not_seen_or_has_no_end_is_not_survived(cost: ApiCost, words: tuple[str, ...]) -> None:
    assert exceeded(Limit(two_holders=None), replace(TRIAL, api=cost)) == words


def test_without_a_heal_all_holders_are_the_faults() -> None:
    cost = replace(TRIAL, heal=None, holding=TWICE)
    assert exceeded(Limit(), cost) == ("two holders for 0.75 s, at most 0 s allowed",)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (FOREVER, "outage without end, at most 0.15 s allowed"),
        (0.15004, "outage 0.15004 s, at most 0.15 s allowed"),  # never "0.15 s, at most 0.15 s"
        (0.1512345, "outage 0.151 s, at most 0.15 s allowed"),
        (1234.5, "outage 1234.5 s, at most 0.15 s allowed"),
    ],
)
def test_figure_that_is_too_much_is_seen_to_be(seconds: float, words: str) -> None:
    assert exceeded(replace(ANYTHING, seconds=0.15), trial(seconds=seconds)) == (words,)


def test_exceeded_count_is_reported_in_full() -> None:
    cost = replace(TRIAL, reused=Outage(1, failed=12345))
    assert exceeded(replace(ANYTHING, lost=0), cost) == (
        "failed requests on long-lived connections 12345, at most 0 allowed",
    )


@pytest.mark.parametrize(
    ("values", "statistics"),
    [
        ([], (0, 0, 0)),
        ([3], (3, 3, 3)),
        ([2, 1], (1, 2, 2)),
        ([3, 1, 2], (2, 3, 3)),
        ([4, 3, 2, 1], (2, 4, 4)),
        (range(1, 100), (50, 99, 99)),
        (range(1, 101), (50, 99, 100)),
        (range(1, 201), (100, 198, 200)),
        ([0.0] * 99 + [FOREVER], (0, 0, FOREVER)),
        ([FOREVER, FOREVER, 1], (FOREVER, FOREVER, FOREVER)),
    ],
    ids=str,
)
def test_statistics_are_by_nearest_rank(values: list[float], statistics: tuple[float, float, float]) -> None:
    found = Statistics.of(values)
    assert (found.median, found.p99, found.maximum) == statistics


def test_statistics_are_of_the_trials_that_were_measured() -> None:
    trials = [trial(seconds=1), trial(Outcome.MISSED, 2), *(trial(each, 9) for each in list(Outcome)[2:])]
    assert fault(*trials).measured == tuple(trials[:2])
    assert fault(*trials).statistics(lambda each: each.new.seconds) == Statistics(1, 2, 2)


def test_fault_is_as_good_as_its_worst_trial() -> None:
    outcomes = list(Outcome)
    for number, outcome in enumerate(outcomes):
        found = fault(*map(trial, reversed(outcomes[: number + 1])), trial())
        assert (found.outcome, found.passed) == (outcome, outcome is Outcome.PASSED)


def test_fault_without_a_trial_did_not_pass() -> None:
    none = fault()
    assert (none.outcome, none.passed, none.worst) == (Outcome.NOT_INJECTED, False, None)
    assert [*none.troubles] == []
    assert none.statistics(lambda each: each.new.seconds) == Statistics()


@pytest.mark.parametrize(
    ("trials", "worst"),
    [
        ([trial(seconds=1), trial(seconds=2), trial()], 1),
        ([trial(seconds=9), trial(Outcome.MISSED)], 1),
        ([trial(seconds=1), trial(seconds=1, after=1)], 1),
        ([trial(seconds=9), trial(seconds=FOREVER)], 1),
        ([trial(), trial(Outcome.NOT_HEALED), trial(Outcome.NOT_INJECTED, FOREVER)], 1),
    ],
)
def test_worst_trial_is_the_one_to_look_at(trials: list[Trial], worst: int) -> None:
    assert fault(*trials).worst is trials[worst]


def test_trouble_of_the_only_trial() -> None:
    missed = replace(trial(Outcome.MISSED), exceeded=("outage 1 s", "moves 2"))
    assert [*fault(missed).troubles] == ["lb-1: missed: outage 1 s; moves 2"]
    silent = replace(trial(Outcome.NOT_HEALED), words="lb-1 does not answer")
    assert [*fault(silent).troubles] == ["lb-1: not healed: lb-1 does not answer"]


def test_troubles_say_which_trial_it_was() -> None:
    missed = replace(trial(Outcome.MISSED), exceeded=("outage 1 s",), target="lb-2")
    untold = replace(trial(Outcome.INTERRUPTED), words="healed at once", exceeded=("moves 2",))
    assert [*fault(trial(), missed, trial(), untold).troubles] == [
        "lb-2: missed: outage 1 s (trial 2 of 4)",
        "lb-1: interrupted: moves 2; healed at once (trial 4 of 4)",
    ]
