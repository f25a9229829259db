"""A story of several steps: one report, and where it ended."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.reports import FAILED, MISSED, PASSED, host, report_of

from nornir_kube_ha.engine.story import Planned, Story, in_minutes
from nornir_kube_ha.errors import GateError, HostUnreachableError, KubeHaError
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import Failure, Report

WELL = report_of(host(PASSED), host(PASSED))
CHANGED = report_of(replace(host(PASSED), changed=True, diff="+balance source"), host(PASSED))
STOPPED = report_of(host(PASSED), host(failure=Failure.of(GateError("lb-2", "no apiserver is up"))))


def story(*said: str) -> tuple[Story, list[str]]:
    lines = [*said]
    return Story("rehearse", lines.append), lines


def planned(name: str, report: Report | None = None, *, error: BaseException | None = None, **how: bool) -> Planned:
    def do() -> Report | None:
        if error:
            raise error
        return report

    return Planned(name, 10, do, **how)


def test_story_passes_if_each_step_does() -> None:
    told, lines = story()
    told.play([planned("boot"), planned("deploy", CHANGED, is_change=True), planned("verify", WELL)])
    report = told.report()
    assert (report.runbook, report.passed, report.exit_code, report.ended_at) == ("rehearse", True, 0, "")
    assert [(step.name, step.status) for step in report.steps] == [
        (each, "passed") for each in ("boot", "deploy", "verify")
    ]
    assert lines == [
        "3 steps, about 30 s in all",
        "1 of 3: boot (about 30 s left)",
        "2 of 3: deploy (about 20 s left)",
        "3 of 3: verify (about 10 s left)",
    ]


def test_hosts_are_as_last_seen_and_report_the_change() -> None:
    told, _ = story()
    back = report_of(host(FAILED), host(PASSED))
    old = planned("old", report_of(replace(host(PASSED), changed=True, diff="+all of it")))
    steps = [old, planned("deploy", CHANGED, is_change=True), planned("verify", WELL)]
    told.play([*steps, planned("back", replace(CHANGED, hosts={"lb-1": CHANGED.hosts["lb-1"]}), is_shown=False)])
    report = told.report()
    assert [(each.changed, each.diff) for each in report.hosts.values()] == [(True, "+balance source"), (False, "")]
    assert [dict(step.changes) for step in report.steps] == [
        {"lb-1": "+all of it"},
        {"lb-1": "+balance source"},
        {},
        {"lb-1": "+balance source"},
    ]
    assert back.exit_code == 1  # what is not shown would not have passed
    assert report.passed


def test_failed_step_ends_the_story_with_the_gates_words() -> None:
    told, lines = story()
    told.play([planned("boot"), planned("deploy", STOPPED, is_change=True), planned("verify", WELL), planned("back")])
    report = told.report()
    assert report.ended_at == "failed at step 2 of 4: deploy"
    assert [step.status for step in report.steps] == ["passed", "failed", "unknown", "unknown"]
    assert report.steps[1].words == "lb-2: GateError: no apiserver is up"
    assert report.steps[2].words == "not reached"
    assert lines[-1] == "deploy: failed: lb-2: GateError: no apiserver is up"
    assert report.hosts["lb-2"].failure
    assert report.exit_code == 1


def test_failed_step_is_shown_even_if_it_would_not_be() -> None:
    told, _ = story()
    told.play([planned("verify", WELL), planned("back", STOPPED, is_shown=False)])
    assert told.report().hosts["lb-2"].failure


def test_error_of_a_step_is_the_storys() -> None:
    told, _ = story()
    told.play([planned("boot", error=HostUnreachableError("lb-1", "is off")), planned("deploy", CHANGED)])
    report = told.report()
    assert report.error
    assert (report.exit_code, report.error.type) == (4, "HostUnreachableError")
    assert report.ended_at == "failed at step 1 of 2: boot"
    assert report.hosts == {}


def test_cost_above_its_limit_fails_the_step() -> None:
    told, _ = story()
    fault: FaultReport = replace(MISSED, name="deploy")

    def do() -> Report:
        told.faults.append(fault)
        return CHANGED

    told.play([Planned("deploy", 1, do), planned("verify", WELL)])
    report = told.report()
    assert report.ended_at == "failed at step 1 of 2: deploy"
    assert next(iter(fault.troubles)) in report.steps[0].words
    assert report.faults == (fault,)


def test_step_without_a_report_fails_by_its_cost() -> None:
    told, _ = story()
    told.play([Planned("remove", 1, lambda: told.faults.append(MISSED))])
    assert told.report().ended_at == "failed at step 1 of 1: remove"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_interrupted_step_is_recorded(error: BaseException, code: int) -> None:
    told, _ = story()
    with pytest.raises(type(error)):
        told.play([planned("boot"), planned("deploy", error=error), planned("verify", WELL)])
    report = told.report()
    assert [step.status for step in report.steps] == ["passed", "unknown", "unknown"]
    assert (report.exit_code, report.ended_at) == (code, "ended at step 2 of 3: deploy")


def test_long_reason_is_shortened_in_the_step_and_whole_in_the_error() -> None:
    told, _ = story()
    told.play([planned("boot", error=KubeHaError("word " * 200))])
    report = told.report()
    assert report.error
    assert len(report.steps[0].words) < 400 < len(report.error.message)


def test_reason_keeps_the_option_that_it_names() -> None:
    told, _ = story()
    long = "lb-1, lb-2, lb-3: " + "a reason of its own, " * 12 + "pass --accept-outage to go on; nothing was changed"
    told.play([planned("deploy", error=KubeHaError(long))])
    assert "--accept-outage" in told.report().steps[0].words


def test_remark_is_of_the_step_in_hand_only() -> None:
    told, _ = story()

    def put() -> None:
        told.remark("haproxy 2.6.0 in production")

    told.play([Planned("put", 1, put), planned("deploy", WELL)])
    assert [(step.status, step.words) for step in told.report().steps] == [
        ("passed", "haproxy 2.6.0 in production"),
        ("passed", ""),
    ]


def test_reasons_beyond_the_first_do_not_cut_it() -> None:
    told, _ = story()
    remedy = f"{'word ' * 60}. Pass --accept-outage"
    refused = Failure("PreflightError", remedy, 4)
    stopped = replace(STOPPED, hosts={"lb-2": replace(STOPPED.hosts["lb-2"], failure=refused)})

    def do() -> Report:
        told.faults.append(MISSED)
        return stopped

    told.play([Planned("deploy", 1, do)])
    assert told.report().steps[0].words.endswith("Pass --accept-outage")


def test_many_hosts_of_one_reason_do_not_hide_it() -> None:
    told, _ = story()
    failed = host(failure=Failure("PreflightError", "Pass --accept-outage", 4))
    told.play([planned("deploy", replace(STOPPED, hosts={f"cluster-lb-{number}": failed for number in range(60)}))])
    words = told.report().steps[0].words
    assert words.startswith("cluster-lb-0, ")
    assert words.endswith("and 56 more hosts: PreflightError: Pass --accept-outage")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "10 s"), (14, "10 s"), (38, "40 s"), (94, "90 s"), (130, "2 minutes"), (330, "6 minutes")],
)
def test_time_is_rough(seconds: float, words: str) -> None:
    assert in_minutes(seconds) == words


def test_report_before_the_first_step_is_empty() -> None:
    told, _ = story()
    make: Callable[[], Report] = told.report
    assert make().steps == ()
