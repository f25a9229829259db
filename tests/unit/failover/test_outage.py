"""The arithmetic of an outage: what a client lost, and who held the VIP."""

from dataclasses import replace
from itertools import permutations

import pytest

from nornir_kube_ha.failover.outage import FOREVER, Attempt, Holding, Outage, Span, outage, reused_outage

STEP = 0.125  # seconds between two attempts: a sum of powers of two, so that no figure is rounded


def tries(outcomes: str, *, begin: float = 0.0, connection: int | None = None) -> list[Attempt]:
    """An attempt each step: `.` was answered, `x` was refused."""
    return [
        Attempt(begin + number * STEP, begin + number * STEP + STEP / 4, "refused" if each == "x" else "", connection)
        for number, each in enumerate(outcomes)
    ]


def test_attempt_says_what_it_is() -> None:
    answered = Attempt(1.0, 1.5)
    assert (answered.failed, answered.is_new) == (False, True)
    failed = Attempt(1.0, 1.5, "timeout", 0, "kube-1")
    assert (failed.failed, failed.is_new) == (True, False)


def test_attempt_on_another_clock_is_the_same_otherwise() -> None:
    attempt = Attempt(1.0, 1.5, "timeout", 3, "kube-1")
    assert attempt.moved(-1.25) == replace(attempt, start=-0.25, end=0.25)
    assert attempt.moved(0) == attempt


@pytest.mark.parametrize(
    ("outcomes", "seconds", "longest", "start", "failed"),
    [
        ("", 0, 0, None, 0),
        (".", 0, 0, None, 0),
        ("....", 0, 0, None, 0),
        (".x..", 1, 1, 1, 1),
        (".xxx.", 3, 3, 1, 3),
        ("x..", 1, 1, 0, 1),
        ("x", FOREVER, FOREVER, 0, 1),
        ("..xx", FOREVER, FOREVER, 2, 2),
        (".x.xx.", 4, 2, 1, 3),  # in between one succeeded, but not for good
        (".xx.x.", 4, 2, 1, 3),
        (".xxx.x..x.", 8, 3, 1, 5),
        (".xx...x", FOREVER, FOREVER, 1, 3),
    ],
)
def test_outage_lasts_until_the_first_success_for_good(
    outcomes: str, seconds: float, longest: float, start: float | None, failed: int
) -> None:
    found = outage(tries(outcomes))
    assert (found.seconds, found.longest) == (seconds * STEP, longest * STEP)
    assert found.start == (None if start is None else start * STEP)
    assert (found.failed, found.total) == (failed, len(outcomes))


def test_outage_does_not_depend_on_the_order_of_the_attempts() -> None:
    attempts = tries(".xx.x")
    assert {outage(order) for order in permutations(attempts)} == {outage(attempts)}


def test_outage_ends_where_its_seconds_end() -> None:
    assert outage(tries(".xx.")).end == 3 * STEP
    assert outage(tries(".xx")).end == FOREVER
    assert outage(tries("..")).end is None


def test_answer_that_came_late_is_no_outage() -> None:
    found = outage([Attempt(0, 0.25), Attempt(0.5, 3.5), Attempt(1, 1.25)])
    assert found == Outage(total=3, slowest=3.0)


def test_time_that_a_failed_attempt_took_is_not_the_slowest_answer() -> None:
    assert outage([Attempt(0, 0.25), Attempt(0.5, 5.5, "timeout")]).slowest == 0.25
    assert outage([Attempt(0.5, 5.5, "timeout")]).slowest == 0


def test_attempts_that_began_before_the_fault_are_cut() -> None:
    attempts = tries(".xxx.", begin=-2 * STEP)  # the first that fails begins one step before zero
    assert (outage(attempts).failed, outage(attempts).cut, outage(attempts).failed_new) == (3, 1, 2)
    later = outage(attempts, made=STEP)
    assert (later.cut, later.failed_new) == (2, 1)
    assert outage(attempts, made=10).failed_new == 0
    assert later.seconds == outage(attempts).seconds == 3 * STEP  # the client lost them all the same


def test_attempt_that_begins_as_the_fault_is_there_is_not_cut() -> None:
    assert outage(tries("x."), made=0.0).cut == 0


def test_answered_attempts_are_never_cut() -> None:
    assert outage(tries("....", begin=-1), made=10).cut == 0


def test_no_long_lived_connection_loses_nothing() -> None:
    assert reused_outage([]) == Outage()
    assert reused_outage(tries("xx.")) == Outage()  # those are new ones


def test_long_lived_connections_lose_what_the_worst_of_them_lost() -> None:
    attempts = [
        *tries(".x...", connection=0),
        *tries(".xxx.", connection=1),
        *tries(".....", connection=2),
        *tries("xxxxx"),  # new ones do not count
    ]
    assert reused_outage(attempts) == Outage(3 * STEP, 3 * STEP, STEP, failed=4, total=15, slowest=STEP / 4)


def test_a_success_on_one_connection_does_not_end_the_outage_of_another() -> None:
    apart = reused_outage([*tries("x.x.", connection=0), *tries(".x.x", connection=1)])
    assert (apart.seconds, apart.longest, apart.start) == (FOREVER, FOREVER, 0)
    together = outage([*tries("x.x.", connection=0), *tries(".x.x", connection=0)])
    assert together.seconds == FOREVER


def test_worst_connection_and_longest_stretch_may_be_two() -> None:
    found = reused_outage([*tries("x.x.x.", connection=0), *tries(".xxx..", connection=1)])
    assert (found.seconds, found.longest) == (5 * STEP, 3 * STEP)


def test_long_lived_connections_count_what_was_in_flight() -> None:
    found = reused_outage([*tries("xx.", connection=0, begin=-STEP), *tries("xx.", connection=1, begin=-STEP)])
    assert (found.failed, found.cut, found.failed_new) == (4, 2, 2)


def holding(*spans: Span, start: float = -1.0, end: float = 4.0) -> Holding:
    return Holding(spans, start, end)


HANDED_OVER = holding(Span("lb-1", -1, 0), Span("lb-2", 0.5, FOREVER))
BOTH = holding(Span("lb-1", -1, 1), Span("lb-2", 0.5, FOREVER))


def test_nobody_ever_held_it() -> None:
    nobody = holding()
    assert nobody.phases == ((-1, 4, ()),)
    assert (nobody.seconds_with(0), nobody.seconds_with(1), nobody.seconds_with(2)) == (5, 0, 0)
    assert (nobody.moves(), nobody.holders(0)) == ((), ())


def test_phases_have_no_gap_and_tell_who_held_it() -> None:
    assert HANDED_OVER.phases == ((-1, 0, ("lb-1",)), (0, 0.5, ()), (0.5, 4, ("lb-2",)))
    assert BOTH.phases == ((-1, 0.5, ("lb-1",)), (0.5, 1, ("lb-1", "lb-2")), (1, 4, ("lb-2",)))


def test_a_span_ends_just_before_its_end() -> None:
    assert HANDED_OVER.holders(-0.001) == ("lb-1",)
    assert HANDED_OVER.holders(0) == ()
    assert HANDED_OVER.holders(0.5) == ("lb-2",)


def test_phase_goes_on_where_a_host_gives_it_up_and_takes_it_at_once() -> None:
    assert holding(Span("lb-1", -1, 1), Span("lb-1", 1, 9)).phases == ((-1, 4, ("lb-1",)),)


def test_times_outside_the_watch_are_not_reported() -> None:
    assert holding(Span("lb-1", -9, 9), start=0, end=2).phases == ((0, 2, ("lb-1",)),)
    assert holding(Span("lb-1", 7, 9), start=0, end=2).phases == ((0, 2, ()),)


@pytest.mark.parametrize(
    ("count", "since", "seconds"),
    [(0, -FOREVER, 0), (1, -FOREVER, 4.5), (2, -FOREVER, 0.5), (2, 0.75, 0.25), (2, 1, 0), (1, 3, 1), (1, 9, 0)],
)
def test_seconds_with_so_many_holders(count: int, since: float, seconds: float) -> None:
    assert BOTH.seconds_with(count, since=since) == seconds


def test_three_holders_are_two_or_more() -> None:
    all_three = holding(*(Span(f"lb-{number}", 0, number) for number in (1, 2, 3)))
    assert [end - begin for begin, end, holders in all_three.phases if len(holders) == 3] == [1]
    assert all_three.seconds_with(2) == 2


def test_seconds_of_all_counts_are_the_whole_watch() -> None:
    for each in (HANDED_OVER, BOTH, holding()):
        assert sum(each.seconds_with(count) for count in (0, 1, 2)) == each.end - each.start


def test_moves_go_to_another_host_only() -> None:
    assert HANDED_OVER.moves() == ((0.5, "lb-2"),)
    assert BOTH.moves() == ((0.5, "lb-2"),)
    assert holding(Span("lb-1", -1, 1), Span("lb-1", 2, 3)).moves() == ()


def test_moves_there_and_back_are_two() -> None:
    back = holding(Span("lb-1", -1, 0), Span("lb-2", 0.5, 2), Span("lb-1", 2, FOREVER))
    assert back.moves() == ((0.5, "lb-2"), (2, "lb-1"))
    assert back.moves(since=1) == ((2, "lb-1"),)
    assert back.moves(since=2) == ((2, "lb-1"),)


def test_moves_do_not_depend_on_the_order_of_the_spans() -> None:
    assert Holding(BOTH.spans[::-1], -1, 4).moves() == BOTH.moves()
