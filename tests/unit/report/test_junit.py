"""The JUnit report, as junitparser reads it."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from tests.support.reports import (
    FAILED,
    HOLDER,
    HOSTILE,
    MISSED,
    NEVER_MADE,
    NOT_HEALED,
    NOT_INJECTED,
    PASSED,
    REFUSED,
    SKIPPED,
    SURVIVED,
    UNKNOWN,
    UNREACHABLE,
    WARNED,
    failover,
    host,
    hostile_faults,
    hostile_report,
    lost,
    report_of,
)

from nornir_kube_ha.checks import Finding
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import Failure as RunFailure
from nornir_kube_ha.report import Report, to_junit


def suites(report: Report) -> dict[str, TestSuite]:
    return {suite.name: suite for suite in JUnitXml.fromstring(to_junit(report).encode())}


def only_case(report: Report, suite: str = "demo.lb-1") -> TestCase:
    (case,) = suites(report)[suite]
    return case


def test_a_suite_for_each_host_and_each_cluster() -> None:
    found = suites(report_of(host(PASSED), host(PASSED, FAILED)))
    assert [*found] == ["demo.lb-1", "demo.lb-2", "demo"]
    assert [(case.classname, case.name) for case in found["demo.lb-2"]] == [
        ("demo.lb-2", "haproxy.enabled"),
        ("demo.lb-2", "haproxy.active"),
    ]
    assert [(case.classname, case.name) for case in found["demo"]] == [("demo", "vip.single_holder")]
    assert found["demo.lb-2"].hostname == "lb-2"


def test_check_that_passed_has_nothing_to_say() -> None:
    case = only_case(report_of(host(PASSED)))
    assert (case.is_passed, case.result, case.system_out) == (True, [], None)


def test_check_that_failed_is_a_failure() -> None:
    (result,) = only_case(report_of(host(FAILED))).result
    assert isinstance(result, Failure)
    assert (result.message, result.type) == ("failed (failed)", "haproxy.active")
    assert result.text == (
        "expected: active (running)\n"
        "seen: failed (failed)\n    haproxy.service: exited, status=1/FAILURE\n"
        "next: read `journalctl -u haproxy`, fix the cause, then run deploy"
    )


def test_check_that_is_unknown_is_an_error() -> None:
    (result,) = only_case(report_of(host(UNKNOWN))).result
    assert isinstance(result, Error)
    assert (result.message, result.type) == ("left as it was", "vip.stats")
    assert result.text == "expected: the stats page answers\nseen: left as it was"


def test_check_that_was_skipped_says_why() -> None:
    (result,) = only_case(report_of(host(SKIPPED))).result
    assert isinstance(result, Skipped)
    assert result.message == "ping is not there"


def test_check_that_warns_passes_and_says_so() -> None:
    case = only_case(report_of(host(WARNED)))
    assert case.is_passed
    assert case.system_out == (
        "WARNING\nexpected: enabled at boot\nseen: not enabled\nnext: run `systemctl enable haproxy`"
    )


@pytest.mark.parametrize("findings", [(), (PASSED, WARNED, SKIPPED), (FAILED,), (UNKNOWN,)])
@pytest.mark.parametrize("failure", [REFUSED, UNREACHABLE, RunFailure("KeyError", "", 1)], ids=lambda each: each.type)
def test_error_without_a_check_is_a_case_of_its_own(findings: tuple[Finding, ...], failure: RunFailure) -> None:
    suite = suites(report_of(host(*findings, failure=failure)))["demo.lb-1"]
    (case,) = [case for case in suite if case.name == "run"]
    (result,) = case.result
    assert isinstance(result, Error)
    assert (result.type, result.text or "") == (failure.type, failure.message)
    assert suite.errors == 1 + (UNKNOWN in findings)


def test_error_that_checks_report_is_reported_once() -> None:
    cases = [*suites(report_of(lost()))["demo.lb-1"]]
    assert "run" not in [case.name for case in cases]
    assert len(cases) > 1
    assert {(result.type, result.message) for case in cases for result in case.result} == {
        ("HostUnreachableError", "no SSH server answers on 192.0.2.13:22")
    }


def test_counts() -> None:
    text = to_junit(report_of(host(PASSED, WARNED, FAILED, FAILED, SKIPPED, UNKNOWN), host(failure=REFUSED)))
    document = JUnitXml.fromstring(text.encode())
    counts = {each.name: (each.tests, each.failures, each.errors, each.skipped) for each in document}
    assert counts == {"demo.lb-1": (6, 2, 1, 1), "demo.lb-2": (1, 0, 1, 0), "demo": (1, 0, 0, 0)}
    assert (document.tests, document.failures, document.errors, document.skipped) == (8, 2, 2, 1)
    for part in (document, *document):  # and they are right, by junitparser's own count
        before = (part.tests, part.failures, part.errors, part.skipped)
        part.update_statistics()
        assert (part.tests, part.failures, part.errors, part.skipped) == before


def test_time_is_the_runs_and_in_utc() -> None:
    there = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    report = report_of(host(PASSED), started=there, finished=there.astimezone(UTC) + timedelta(seconds=1.25))
    for suite in suites(report).values():
        assert (suite.timestamp, suite.time) == ("2026-01-02T01:04:05", 1.25)


def test_same_report_is_the_same_text() -> None:
    assert to_junit(hostile_report()) == to_junit(hostile_report())


def test_what_a_host_says_stays_text() -> None:
    report = hostile_report()
    text = to_junit(report)
    assert [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn"} and char != "\n"] == []
    assert "<script>" not in text
    found = suites(report)
    assert [len([*suite]) for suite in found.values()] == [4, len([*suites(report_of(lost()))["demo.lb-1"]]), 1, 1]
    (failure,) = next(iter(found["demo.lb-1"])).result
    for words in (
        "]]> <script>alert(1)</script>",
        "&amp; \"quoted\" 'too'",
        "Übel, 試験, \U0001f600",
        "\n    # no heading",
    ):
        assert words in failure.text
    assert HOSTILE.splitlines()[-1] in failure.text


def test_odd_name_does_not_break_the_document() -> None:
    report = report_of(cluster=(replace(HOLDER, id=HOSTILE),))
    named = replace(report, hosts={HOSTILE: replace(host(PASSED), cluster=HOSTILE)})
    assert [[len(case.name) for case in suite] for suite in suites(named).values()] == [[15], [len(HOSTILE)]]


def test_cluster_check_that_failed_is_a_failure_of_the_cluster() -> None:
    found = suites(report_of(host(PASSED), cluster=(replace(HOLDER, status=FAILED.status),)))
    assert (found["demo"].failures, found["demo.lb-1"].failures) == (1, 0)


def fault_case(fault: FaultReport) -> TestCase:
    return only_case(failover(fault), "faults")


def test_without_faults_there_is_no_suite_of_them() -> None:
    assert "faults" not in suites(report_of(host(PASSED)))


def test_faults_are_a_suite_and_each_is_a_case_that_took_as_long_as_its_trials() -> None:
    found = suites(failover(SURVIVED, MISSED, NOT_INJECTED, NOT_HEALED))["faults"]
    assert [(case.classname, case.name, case.time) for case in found] == [
        ("faults", "haproxy-kill", 9.0),
        ("faults", "keepalived-hang", 18.0),
        ("faults", "apiserver-hang", 0.0),
        ("faults", "node-power-off", 9.0),
    ]
    assert (found.tests, found.failures, found.errors, found.time) == (4, 1, 2, 36.0)


def test_fault_that_was_survived_says_what_it_cost() -> None:
    case = fault_case(SURVIVED)
    assert case.is_passed
    assert "outage of new connections: 0.080 s\n" in case.system_out
    assert "failed new connections: 3 of 300, 1 cut\ntook over: lb-1 -> lb-2" in case.system_out


def test_fault_that_cost_too_much_is_a_failure() -> None:
    (result,) = fault_case(MISSED).result
    assert isinstance(result, Failure)
    assert result.type == "missed"
    assert result.message.startswith("lb-1: missed: outage 1.36 s, at most 0.15 s allowed; ")
    assert result.text == f"limit: {MISSED.limit.words}\n{result.message}"


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        (NOT_INJECTED, "not injected", "kube-2: not injected: the apiserver answers all the same within 5 s; see"),
        (NOT_HEALED, "not healed", "lb-1: not healed: lb-1 does not answer any more"),
        (NEVER_MADE, "not injected", "not injected: no trial was made"),
    ],
    ids=lambda value: value.name if isinstance(value, FaultReport) else "",
)
def test_fault_that_was_not_measured_is_an_error(fault: FaultReport, outcome: str, words: str) -> None:
    (result,) = fault_case(fault).result
    assert isinstance(result, Error)
    assert result.type == outcome
    assert result.message.startswith(words)


def test_odd_words_of_a_fault_stay_text() -> None:
    text = to_junit(failover(*hostile_faults()))
    assert [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn"} and char != "\n"] == []
    found = suites(failover(*hostile_faults()))["faults"]
    assert (found.tests, found.failures, found.errors) == (5, 1, 3)
