"""Since when checks are red or green, from one run to the next."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.reports import FAILED, HOLDER, HOSTILE, PASSED, SKIPPED, UNKNOWN, WARNED, host, report_of

from nornir_kube_ha.checks import Finding, Since, Status
from nornir_kube_ha.files import MAX_TEXT
from nornir_kube_ha.report import Report, to_json, to_text
from nornir_kube_ha.report.history import (
    MOST_CHANGES,
    MOST_CHECKS,
    MOST_UNSENT,
    History,
    duration_words,
    history_text,
    parse_history,
    updated,
    with_history,
    without_sent,
)

NIGHT = datetime(2026, 11, 29, 2, 13, tzinfo=UTC)
GREEN = replace(FAILED, status=Status.PASS)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def run(*findings: Finding, at: datetime, cluster: tuple[Finding, ...] = ()) -> Report:
    return report_of(host(*findings), cluster=cluster, finished=at)


def after(*reports: Report, notifies: bool = False) -> History:
    history = History()
    for report in reports:  # each run reads what the one before has written
        history = updated(parse_history(history_text(history)), report, "demo", notifies=notifies)
    return history


def since(history: History, report: Report) -> Since | None:
    return with_history(report, {"demo": history}).hosts["lb-1"].findings[0].since


def test_red_after_seven_green_days() -> None:
    first, second = (run(GREEN, at=NIGHT - days * DAY) for days in (7, 6))
    red, later = run(FAILED, at=NIGHT), run(FAILED, at=NIGHT + timedelta(minutes=5))
    history = after(first, second, red, later)
    lasted = 7 * 86400.0
    assert since(history, later) == Since("red", NIGHT.isoformat(), lasted, "red since 02:13, was green for 7 days")
    assert since(history, replace(later, finished=NIGHT + DAY)) == Since(
        "red", NIGHT.isoformat(), lasted, "red since 2026-11-29 02:13, was green for 7 days"
    )
    (change,) = history.changes
    assert (change.host, change.check, change.red, change.at, change.lasted) == ("lb-1", FAILED.id, True, NIGHT, lasted)
    assert change.seen == "failed (failed) haproxy.service: exited, status=1/FAILURE"


def test_green_again() -> None:
    green = run(GREEN, at=NIGHT + timedelta(hours=1, minutes=1))
    history = after(run(FAILED, at=NIGHT), green)
    assert [change.red for change in history.changes] == [True, False]  # red when first seen is a change, too
    found = since(history, green)
    assert found
    assert found.words == "green since 03:14, was red for 1 hour"


@pytest.mark.parametrize(("one", "other"), [(GREEN, WARNED), (FAILED, UNKNOWN)], ids=["green", "red"])
def test_two_statuses_of_one_state_are_no_change(one: Finding, other: Finding) -> None:
    history = after(run(one, at=NIGHT), run(replace(other, id=one.id), at=NIGHT + DAY))
    assert len(history.changes) == (one is FAILED)
    assert [entry.since for entry in history.checks] == [NIGHT]


def test_first_run_that_passes_changes_nothing() -> None:
    report = run(PASSED, at=NIGHT, cluster=(HOLDER,))
    history = after(report)
    assert history.changes == ()
    found = since(history, report)
    assert found == Since("green", NIGHT.isoformat(), None, "green since 02:13")
    assert with_history(report, {"demo": history}).clusters["demo"].findings[0].since == found


def test_skipped_check_keeps_its_state() -> None:
    skipped, red = run(replace(FAILED, status=Status.SKIP), at=NIGHT + DAY), run(FAILED, at=NIGHT + 2 * DAY)
    history = after(run(GREEN, at=NIGHT), skipped, red)
    assert [change.lasted for change in history.changes] == [2 * 86400.0]
    assert since(history, skipped) is None


def test_host_that_was_left_out_is_remembered_for_a_month() -> None:
    other = report_of(cluster=(HOLDER,), finished=NIGHT + 29 * DAY)
    assert [each.check for each in after(run(PASSED, at=NIGHT), other).checks] == [PASSED.id, HOLDER.id]
    much_later = replace(other, finished=NIGHT + 31 * DAY)
    assert [each.check for each in after(run(PASSED, at=NIGHT), much_later).checks] == [HOLDER.id]


def test_clock_that_goes_back_gives_no_negative_time() -> None:
    red = run(FAILED, at=NIGHT - DAY)
    history = after(run(GREEN, at=NIGHT), red)
    assert [change.lasted for change in history.changes] == [0]


def test_file_stays_below_what_is_read() -> None:
    history = History()
    for number in range(12):
        status = Status.FAIL if number % 2 else Status.PASS
        seen = HOSTILE * 9
        findings = [Finding(f"check.number-{each}-of-many", status, "", seen) for each in range(MOST_CHECKS + 500)]
        history = updated(history, run(*findings, at=NIGHT + number * DAY), "demo", notifies=True)
    assert (len(history.checks), len(history.changes), len(history.unsent)) == (MOST_CHECKS, MOST_CHANGES, MOST_UNSENT)
    text = history_text(history)
    assert len(text.encode()) < MAX_TEXT
    assert parse_history(text) == history


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 2}', '{"checks": [{}]}', '{"checks": 1}', "\0"])
def test_damaged_file_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"validation error|expected schema 1"):
        parse_history(text)


def test_changes_wait_until_they_are_sent() -> None:
    history = after(run(FAILED, at=NIGHT), run(GREEN, at=NIGHT + DAY), notifies=True)
    assert history.unsent == history.changes
    first, second = history.unsent
    assert without_sent(history, [first]).unsent == (second,)
    assert without_sent(history, [first]).changes == (first, second)
    assert after(run(FAILED, at=NIGHT)).unsent == ()


def test_formats_have_it() -> None:
    report = run(FAILED, PASSED, at=NIGHT + DAY)
    history = after(run(GREEN, PASSED, at=NIGHT), report)
    told = with_history(report, {"demo": history})
    assert "  history: red since 02:13, was green for 1 day\n" in to_text(told)
    assert to_text(told).count("history:") == 1  # only what is explained
    assert "history:" not in to_text(report)
    checks = json.loads(to_json(told))["hosts"]["lb-1"]["checks"]
    assert checks[0]["since"] == {
        "state": "red",
        "since": "2026-11-30T02:13:00+00:00",
        "before": 86400.0,
        "words": "red since 02:13, was green for 1 day",
    }
    assert {each["since"] for each in json.loads(to_json(report))["hosts"]["lb-1"]["checks"]} == {None}


def test_report_of_a_cluster_without_history_is_left_as_it_is() -> None:
    report = run(FAILED, SKIPPED, at=NIGHT, cluster=(HOLDER,))
    assert with_history(report, {}) == report


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "less than a second"), (1, "1 second"), (59.9, "59 seconds"), (60, "1 minute"), (7200, "2 hours")),
        *((86399, "23 hours"), (86400, "1 day"), (604800, "7 days"), (8640000, "100 days")),
    ],
)
def test_duration_is_in_its_largest_unit(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words
