"""A trial drawn over time: where each moment stands, what is drawn there, and the same in words."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.support.reports import (
    HOSTILE,
    MISSED,
    NOT_HEALED,
    NOT_INJECTED,
    SURVIVED,
    UNENDING,
    asked,
    handed_over,
    hostile_faults,
    kept,
    split_brain,
    trial_of,
)

from nornir_kube_ha.failover.outage import FOREVER, Attempt, Span
from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.html.axis import Axis, Excerpt, excerpts
from nornir_kube_ha.report.html.lanes import NARROW, WIDE, Frame
from nornir_kube_ha.report.html.shapes import Line
from nornir_kube_ha.report.html.timeline import Timeline, timeline
from nornir_kube_ha.report.html.trial_words import MOST_PHASES, sentences

WHOLE = Excerpt("The whole trial", -1.0, 9.0)
FRAMES = pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
FLAPPING = trial_of(asked(), *(Span(f"lb-{number % 2}", number / 10, number / 10 + 0.1) for number in range(60)))
TRIALS = {
    "handed-over": handed_over(),
    "split-brain": split_brain(),
    "unending": UNENDING,
    "not-healed": NOT_HEALED.trials[0],
    "not-injected": NOT_INJECTED.trials[0],
    "hostile": hostile_faults()[0].trials[0],
    "flapping": FLAPPING,
    "intermittent": trial_of(asked([(at / 10, at / 10 + 0.03) for at in range(80)]), heal=8.5),
    "unwatched": replace(handed_over(), holding=None),
    "unkept": replace(handed_over(), attempts=()),
    "cut-only": trial_of(asked([(0.0, 0.02)])),
    "interrupted": replace(handed_over(), heal=None, healed=None),
    "late-outage": trial_of(asked([(8.0, 8.5)]), heal=8.9),
    "no-answer": trial_of(asked([(-1.0, 9.0)])),
    "three-hosts": trial_of(asked(), *(Span(f"lb-{number}.example.net" * 3, 0, 3) for number in range(3))),
}
EVERY_TRIAL = pytest.mark.parametrize("trial", TRIALS.values(), ids=[*TRIALS])


def numbers(line: Line) -> list[tuple[float, float]]:
    """Every point of a path that is given by itself, and the corner that is given from it."""
    found = [(float(x), float(y)) for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", line.path)]
    boxes = re.findall(r"M(-?[\d.]+) (-?[\d.]+)h([\d.]+)v([\d.]+)", line.path)
    return found + [(float(x) + float(wide), float(y) + float(high)) for x, y, wide, high in boxes]


def titled(drawn: Timeline, words: str) -> list[str]:
    return [line.title for line in drawn.lines if words in line.title]


def of_kind(drawn: Timeline, kind: str) -> list[Line]:
    return [line for line in drawn.lines if kind in line.kind.split()]


def words_of(drawn: Timeline, kind: str) -> list[str]:
    return [text.text for text in drawn.texts if text.kind == kind]


def test_moments_stand_where_they_belong() -> None:
    axis = Axis(WHOLE, 100, 1100)
    assert [axis.x(moment) for moment in (-1, 0, 4, 9)] == [100, 200, 600, 1100]
    assert [axis.x(moment) for moment in (-FOREVER, -2, 10, FOREVER)] == [100, 100, 1100, 1100]
    assert axis.shows(-5, -1)
    assert axis.shows(2, FOREVER)
    assert not axis.shows(9.1, FOREVER)
    assert not axis.shows(-5, -1.1)


@pytest.mark.parametrize(
    ("start", "end", "apart", "words"),
    [
        (-1.0, 9.0, 100, ["-1 s", "0 s", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s", "8 s", "9 s"]),
        (-1.0, 9.0, 101, ["0 s", "2 s", "4 s", "6 s", "8 s"]),
        (-0.1, 0.2, 200, ["-0.1 s", "0.0 s", "0.1 s", "0.2 s"]),
        (-0.03, 0.05, 200, ["-0.02 s", "0.00 s", "0.02 s", "0.04 s"]),
        (-7.0, 400.0, 200, ["0 s", "100 s", "200 s", "300 s", "400 s"]),
        (5.02, 5.31, 300, ["5.1 s", "5.2 s", "5.3 s"]),
        (-1.0, 55.0, 120, ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s"]),
    ],
)
def test_ticks_are_round_and_apart(start: float, end: float, apart: float, words: list[str]) -> None:
    axis = Axis(Excerpt("", start, end), 0, 1000)
    ticks = [*axis.ticks(apart)]
    assert [each for _, each in ticks] == words
    assert [x for x, _ in ticks] == pytest.approx([axis.x(float(each.split()[0])) for each in words])
    assert all(later[0] - earlier[0] >= apart * 0.99 for earlier, later in pairwise(ticks))


def test_what_is_short_is_looked_at_closely() -> None:
    found = {excerpt.name: (excerpt.start, excerpt.end) for excerpt in excerpts(handed_over())}
    assert found["The whole trial"] == (-1.0, 9.0)
    start, end = found["Around the fault"]
    assert start < 0
    assert 0.1 < end < 0.5
    assert [*found] == ["The whole trial", "Around the fault"]
    assert [excerpt.name for excerpt in excerpts(split_brain())][1:] == ["Around the fault", "Around the heal"]


@pytest.mark.parametrize("name", ["not-injected", "unending", "not-healed", "late-outage", "no-answer"])
def test_what_is_long_or_did_not_happen_is_not_looked_at_closely(name: str) -> None:
    assert [excerpt.name for excerpt in excerpts(TRIALS[name])] == ["The whole trial"]


def test_trial_of_which_only_its_heal_is_known_is_whole() -> None:
    bare = replace(NOT_INJECTED.trials[0], heal=2.0)
    assert excerpts(bare) == (Excerpt("The whole trial", 0.0, 2.0),)
    assert excerpts(NOT_INJECTED.trials[0]) == (Excerpt("The whole trial", 0.0, 1.0),)


@FRAMES
@EVERY_TRIAL
def test_everything_stays_within_the_picture(trial: Trial, frame: Frame) -> None:
    for excerpt in excerpts(trial):
        drawn = timeline(trial, excerpt, frame)
        for line in drawn.lines:
            assert all(-1.3 <= x <= frame.width + 1.3 for x, _ in numbers(line)), line
            assert all(0 <= y <= drawn.height for _, y in numbers(line)), line
        for text in drawn.texts:
            assert 0 <= text.x <= frame.width
            assert text.x + len(text.text) * frame.letter <= frame.width + 0.1, text
            assert 0 < text.y < drawn.height


@FRAMES
@EVERY_TRIAL
def test_words_of_one_line_do_not_overlap(trial: Trial, frame: Frame) -> None:
    for excerpt in excerpts(trial):
        by_line: dict[float, list[tuple[float, float]]] = {}
        for text in timeline(trial, excerpt, frame).texts:
            by_line.setdefault(text.y, []).append((text.x, text.x + len(text.text) * frame.letter))
        for spans in by_line.values():
            assert all(before[1] <= after[0] for before, after in pairwise(sorted(spans)))


@FRAMES
def test_each_kind_of_connection_and_each_host_has_its_lane(frame: Frame) -> None:
    assert words_of(timeline(handed_over(), WHOLE, frame), "lane") == [
        "new connections",
        "long-lived ones",
        "lb-1",
        "lb-2",
    ]
    assert words_of(timeline(TRIALS["unwatched"], WHOLE, frame), "lane") == ["new connections", "long-lived ones"]
    assert words_of(timeline(TRIALS["unkept"], WHOLE, frame), "lane") == ["lb-1", "lb-2"]
    assert words_of(timeline(NOT_INJECTED.trials[0], WHOLE, frame), "lane") == []


@FRAMES
def test_requests_that_failed_are_below_the_line_and_the_others_above(frame: Frame) -> None:
    for excerpt in excerpts(handed_over()):
        drawn = timeline(handed_over(), excerpt, frame)
        assert all(re.search(r"v-[\d.]+h", line.path) for line in of_kind(drawn, "answered"))
        assert all(re.search(r"v[\d.]+h", line.path) for line in of_kind(drawn, "failed"))
    drawn = timeline(handed_over(), WHOLE, frame)
    assert titled(drawn, "answered") == ["new connections: 496 answered", "long-lived ones: 794 answered"]
    assert titled(drawn, "failed") == ["new connections: 4 failed", "long-lived ones: 6 failed"]


def test_requests_with_room_are_drawn_one_by_one() -> None:
    near = Excerpt("", -0.1, 0.2)
    (answered, _), (failed, _) = (of_kind(timeline(handed_over(), near, WIDE), each) for each in ("answered", "failed"))
    assert (answered.kind, answered.path.count("M"), failed.path.count("M")) == ("answered", 12, 4)


def test_requests_without_room_are_a_bar_that_ends_where_the_outage_does() -> None:
    drawn = timeline(handed_over(), WHOLE, WIDE)
    axis = Axis(WHOLE, WIDE.left, WIDE.right)
    answered, failed = (of_kind(drawn, kind)[0] for kind in ("answered", "failed"))
    assert (answered.kind, answered.path.count("M"), failed.path.count("M")) == ("answered many", 2, 1)
    begin, wide = re.findall(r"M([\d.]+) .*?h([\d.]+)", failed.path)[0]
    assert float(begin) == pytest.approx(axis.x(0.02), abs=0.06)
    assert float(begin) + float(wide) == pytest.approx(axis.x(0.10), abs=0.12)


def test_one_that_failed_among_many_is_seen() -> None:
    trial = trial_of(asked([(3.0, 3.01)], step=0.002))
    (failed,) = of_kind(timeline(trial, WHOLE, NARROW), "failed")
    assert float(re.findall(r"h([\d.]+)", failed.path)[0]) >= 2


def test_bar_breaks_where_nothing_was_asked() -> None:
    tries = [each for each in asked() if not 2 <= each.start < 3]
    (answered,) = of_kind(timeline(trial_of(tries), WHOLE, WIDE), "answered")
    assert answered.path.count("M") == 2


@pytest.mark.parametrize(("frame", "words"), [(WIDE, "outage 0.080 s"), (NARROW, "0.080 s")], ids=["wide", "narrow"])
def test_outage_is_marked_with_its_seconds(frame: Frame, words: str) -> None:
    for excerpt in excerpts(handed_over()):
        drawn = timeline(handed_over(), excerpt, frame)
        assert words in words_of(drawn, "loss")
        assert titled(drawn, "outage") == ["new connections: outage 0.080 s", "long-lived ones: outage 0.100 s"]


def test_outage_without_end_reaches_the_edge_and_says_so() -> None:
    drawn = timeline(UNENDING, WHOLE, WIDE)
    assert "outage: no end" in words_of(drawn, "loss")
    first = of_kind(drawn, "loss")[0]
    assert max(x for x, _ in numbers(first)) == pytest.approx(WIDE.right, abs=0.1)


@FRAMES
def test_fault_heal_and_its_end_are_marked(frame: Frame) -> None:
    drawn = timeline(handed_over(), WHOLE, frame)
    assert words_of(drawn, "mark") == ["fault", "heal", "healed"]
    assert [line.kind for line in of_kind(drawn, "mark")] == ["mark fault", "mark heal", "mark healed"]
    assert [line.title for line in of_kind(drawn, "making")] == ["fault present after 0.030 s"]
    assert words_of(timeline(handed_over(), excerpts(handed_over())[1], frame), "mark") == ["fault"]
    assert words_of(timeline(TRIALS["interrupted"], WHOLE, frame), "mark") == ["fault"]


@FRAMES
def test_host_that_holds_the_vip_has_a_bar(frame: Frame) -> None:
    drawn = timeline(handed_over(), WHOLE, frame)
    assert [line.title for line in of_kind(drawn, "held")] == [
        "lb-1 held the VIP from -1.000 s to 0.050 s",
        "lb-2 held the VIP from 0.070 s to the end",
    ]
    assert of_kind(drawn, "both") == []
    assert words_of(drawn, "both") == []


@FRAMES
def test_two_holders_are_marked_across_their_lanes(frame: Frame) -> None:
    drawn = timeline(split_brain(), WHOLE, frame)
    assert [line.title for line in of_kind(drawn, "both")] == [
        "lb-1 and lb-2 held the VIP at once for 4.350 s",
        "lb-2 and lb-1 held the VIP at once for 0.100 s",
    ]
    assert words_of(drawn, "both") == ["two holders for 4.450 s"]


def test_trial_in_sentences() -> None:
    assert sentences(handed_over()) == (
        "Times count from the start of the fault on lb-1, at 0 s. The fault was present after 0.030 s.",
        "The heal began at 5.000 s, and ended at 5.400 s.",
        "The client was late by up to 0.001 s, so it may have missed anything shorter.",
        (
            "New connections, while the fault lasted: 4 of 300 requests failed, 1 of them in flight "
            "when the fault began;"
            " outage 0.080 s from 0.020 s on."
        ),
        (
            "Long-lived connections, while the fault lasted: 6 of 480 requests failed, 1 of them in "
            "flight when the fault began;"
            " outage 0.100 s from 0.026 s on."
        ),
        "New connections, after the heal began: all 200 requests were answered, the slowest after 0.004 s.",
        "Long-lived connections, after the heal began: all 320 requests were answered, the slowest after 0.004 s.",
        "From -1.000 s to 0.050 s lb-1 held the VIP.",
        "From 0.050 s to 0.070 s nobody held the VIP.",
        "From 0.070 s to 9.000 s lb-2 held the VIP.",
    )


def test_sentences_tell_of_two_holders_of_stretches_and_of_no_heal() -> None:
    told = sentences(replace(split_brain(), healed=None))
    assert "The heal began at 5.000 s, and its end was not seen." in told
    assert "From 0.900 s to 5.250 s lb-1 and lb-2 held the VIP at once." in told
    assert any(each.endswith("outage 1.360 s from 0.040 s on, longest stretch 0.500 s.") for each in told)
    assert any("outage no end from" in each for each in sentences(UNENDING))


def test_sentences_are_limited() -> None:
    told = sentences(FLAPPING)
    assert sum(each.startswith("From ") for each in told) == MOST_PHASES
    assert re.fullmatch(r"After that, the holders changed \d+ more times\.", told[-1])


def test_trial_of_which_nothing_is_known_says_little() -> None:
    assert sentences(NOT_INJECTED.trials[0]) == ("Times count from the start of the fault on kube-2, at 0 s.",)


def test_long_names_of_hosts_are_cut() -> None:
    lanes = words_of(timeline(TRIALS["three-hosts"], WHOLE, WIDE), "lane")[1:]
    assert all("\N{HORIZONTAL ELLIPSIS}" in each for each in lanes)
    assert len(titled(timeline(TRIALS["hostile"], WHOLE, WIDE), HOSTILE)) >= 2


def test_order_of_attempts_does_not_matter() -> None:
    backwards = replace(handed_over(), attempts=handed_over().attempts[::-1])
    assert timeline(backwards, WHOLE, WIDE) == timeline(handed_over(), WHOLE, WIDE)


def test_single_request_is_drawn() -> None:
    trial = replace(handed_over(), attempts=(Attempt(0.5, 0.6),), holding=None)
    assert titled(timeline(trial, excerpts(trial)[0], NARROW), "1 answered")
    assert sum(1 for _ in kept()) == 800  # what the other tests count
    assert MISSED.worst == split_brain()
    assert SURVIVED.worst == handed_over()
