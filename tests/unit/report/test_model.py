"""A run's report as a value and as JSON: what it says passed has passed, and a program can rely on its shape."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.reports import (
    FAULTS,
    HOSTILE,
    MISSED,
    NEVER_MADE,
    NOT_HEALED,
    NOT_INJECTED,
    SURVIVED,
    UNENDED,
    failover,
    hostile_report,
)

from nornir_kube_ha.checks import Finding, Status, unknown_host
from nornir_kube_ha.errors import (
    HostUnreachableError,
    KubeHaError,
    LoginRefusedError,
    RefusedConfigError,
    RemoteCommandError,
)
from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report, to_json
from nornir_kube_ha.report.fault_costs import by_cluster, cost_of, counts_of, problems_of, seconds_of, way_of
from nornir_kube_ha.report.words import figure, in_words

PASSED = Finding("haproxy.active", Status.PASS, "active (running)", "active (running)")
FAILED = Finding("haproxy.active", Status.FAIL, "active (running)", "failed (failed)", "read its journal")
UNKNOWN = Finding("haproxy.active", Status.UNKNOWN, "haproxy runs", "not reached")
HOLDER = Finding("vip.single_holder", Status.PASS, "exactly one", "lb-1")

UNREACHABLE = Failure.of(HostUnreachableError("lb-1", "no SSH server answers"))
REFUSED = Failure.of(LoginRefusedError("lb-1", "host key"))
BAD_CONFIG = Failure.of(RefusedConfigError("lb-1", "haproxy refuses"))
BUG = Failure.of(ZeroDivisionError("division by zero"))

ReportOf = Callable[..., Report]


def host(*findings: Finding, failure: Failure | None = None, changed: bool = False) -> HostReport:
    state = None if failure else HostState("MASTER", True, {"lb-1": "UP"})  # noqa: FBT003
    return HostReport("demo", "master", changed, findings or (PASSED,), failure, address="192.0.2.11", state=state)


@pytest.fixture
def report_of() -> ReportOf:
    """A report of these hosts, and of cluster checks that passed unless others are given."""

    def report(*hosts: HostReport, cluster: tuple[Finding, ...] = (HOLDER,), **changes: Any) -> Report:  # noqa: ANN401
        whole = Report(
            run_id="0123456789ab",
            runbook="deploy",
            started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            finished=datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC),
            hosts={f"lb-{number}": each for number, each in enumerate(hosts, start=1)},
            clusters={"demo": ClusterReport(cluster, "192.0.2.10", 8443, {"lb-1": "192.0.2.11:6443"})},
        )
        return replace(whole, **changes)

    return report


@pytest.mark.parametrize(
    ("part", "status"),
    [
        (host(PASSED), "passed"),
        (host(PASSED, FAILED), "failed"),
        (host(PASSED, UNKNOWN), "unknown"),
        (host(FAILED, UNKNOWN), "failed"),
        (host(PASSED, failure=UNREACHABLE), "unknown"),
        (host(PASSED, failure=REFUSED), "unknown"),
        (host(PASSED, failure=BAD_CONFIG), "failed"),
        (host(PASSED, failure=BUG), "failed"),
        (host(*unknown_host("not reached"), failure=UNREACHABLE), "unknown"),
    ],
    ids=["pass", "fail", "unknown", "fail and unknown", "unreachable", "refused", "bad config", "bug", "all unknown"],
)
def test_status_of_a_host(part: HostReport, status: str) -> None:
    assert part.status == status


@pytest.mark.parametrize(
    ("parts", "cluster", "exit_code"),
    [
        ([host(PASSED)], (HOLDER,), 0),
        ([host(PASSED)], (), 0),
        ([host(PASSED), host(FAILED)], (HOLDER,), 1),
        ([host(PASSED)], (replace(HOLDER, status=Status.FAIL),), 1),
        ([host(PASSED), host(UNKNOWN)], (HOLDER,), 1),  # not looked at is not passed
        ([host(failure=BAD_CONFIG)], (HOLDER,), 1),
        ([host(failure=BUG)], (HOLDER,), 1),
        ([host(failure=UNREACHABLE), host(PASSED)], (HOLDER,), 4),
        ([host(FAILED), host(failure=UNREACHABLE), host(failure=BAD_CONFIG)], (HOLDER,), 4),  # 4 before 1
        ([host(failure=UNREACHABLE), host(failure=REFUSED)], (HOLDER,), 6),  # 6 before 4
        ([host(failure=REFUSED), host(FAILED), host(failure=UNREACHABLE)], (HOLDER,), 6),
    ],
)
def test_exit_code(report_of: ReportOf, parts: list[HostReport], cluster: tuple[Finding, ...], exit_code: int) -> None:
    report = report_of(*parts, cluster=cluster)
    assert report.exit_code == exit_code
    assert report.passed is (exit_code == 0)


@pytest.mark.parametrize("changed", [True, False])
def test_run_that_changed_a_host_says_so(report_of: ReportOf, *, changed: bool) -> None:
    assert report_of(host(), host(changed=changed)).changed is changed


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (RefusedConfigError("lb-1", "haproxy refuses"), Failure("RefusedConfigError", "haproxy refuses", 1)),
        (LoginRefusedError("lb-1", "host key"), Failure("LoginRefusedError", "host key", 6)),
        (HostUnreachableError("lb-1", "no answer"), Failure("HostUnreachableError", "no answer", 4)),
        (KubeHaError("what"), Failure("KubeHaError", "what", 1)),
        (ZeroDivisionError("division by zero"), Failure("ZeroDivisionError", "division by zero", 1)),
        (KeyError(), Failure("KeyError", "KeyError", 1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failure_names_the_leaf(error: Exception, failure: Failure) -> None:
    assert Failure.of(error) == failure


def test_json_of_a_run(report_of: ReportOf) -> None:
    refused = RemoteCommandError("lb-2", "ended with exit status 1: Übel")
    report = report_of(host(PASSED, FAILED, changed=True), host(UNKNOWN, failure=Failure.of(refused)), dry_run=False)
    text = to_json(report)
    assert json.loads(text) == {
        "schema": 1,
        "run_id": "0123456789ab",
        "runbook": "deploy",
        "dry_run": False,
        "origin": {"version": "", "inventory": "", "operator": "", "controller": ""},
        "started": "2026-01-02T03:04:05+00:00",
        "finished": "2026-01-02T03:04:07+00:00",
        "passed": False,
        "changed": True,
        "error": None,
        "hosts": {
            "lb-1": {
                "cluster": "demo",
                "role": "master",
                "address": "192.0.2.11",
                "status": "failed",
                "changed": True,
                "error": None,
                "plan": [],
                "state": {"vrrp": "MASTER", "holds_vip": True, "apiservers": {"lb-1": "UP"}},
                "checks": [
                    {
                        "id": "haproxy.active",
                        "status": "pass",
                        "expected": "active (running)",
                        "seen": "active (running)",
                        "next": "",
                        "cause": "",
                        "since": None,
                    },
                    {
                        "id": "haproxy.active",
                        "status": "fail",
                        "expected": "active (running)",
                        "seen": "failed (failed)",
                        "next": "read its journal",
                        "cause": "",
                        "since": None,
                    },
                ],
            },
            "lb-2": {
                "cluster": "demo",
                "role": "master",
                "address": "192.0.2.11",
                "status": "failed",
                "changed": False,
                "error": {"type": "RemoteCommandError", "message": "ended with exit status 1: Übel"},
                "plan": [],
                "state": None,
                "checks": [
                    {
                        "id": "haproxy.active",
                        "status": "unknown",
                        "expected": "haproxy runs",
                        "seen": "not reached",
                        "next": "",
                        "cause": "",
                        "since": None,
                    }
                ],
            },
        },
        "clusters": {
            "demo": {
                "vip": "192.0.2.10",
                "port": 8443,
                "apiservers": {"lb-1": "192.0.2.11:6443"},
                "checks": [
                    {
                        "id": "vip.single_holder",
                        "status": "pass",
                        "expected": "exactly one",
                        "seen": "lb-1",
                        "next": "",
                        "cause": "",
                        "since": None,
                    }
                ],
            }
        },
        "faults": [],
        "steps": [],
    }
    assert "Übel" in text  # for a person who greps it


def test_json_holds_all_that_a_host_said_and_nothing_that_drives_a_terminal() -> None:
    text = to_json(hostile_report())
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert HOSTILE in {check["seen"] for host in json.loads(text)["hosts"].values() for check in host["checks"]}


def test_json_of_a_dry_run_says_so(report_of: ReportOf) -> None:
    planned = replace(host(changed=True), plan=("install haproxy", "reload haproxy"))
    tree: Mapping[str, Any] = json.loads(to_json(report_of(planned, cluster=(), dry_run=True)))
    assert tree["hosts"]["lb-1"]["plan"] == ["install haproxy", "reload haproxy"]
    assert (tree["dry_run"], tree["changed"], tree["clusters"]["demo"]["checks"]) == (True, True, [])


def test_diff_is_not_part_of_the_json(report_of: ReportOf) -> None:
    assert "balance source" not in to_json(report_of(replace(host(changed=True), diff="-    balance source")))


@pytest.mark.parametrize(
    ("faults", "exit_code"),
    [((), 0), ((SURVIVED,), 0), *(((SURVIVED, each), 1) for each in (MISSED, NOT_INJECTED, NOT_HEALED, NEVER_MADE))],
)
def test_fault_that_did_not_pass_fails_the_run(faults: tuple[FaultReport, ...], exit_code: int) -> None:
    assert failover(*faults).exit_code == exit_code


def faults_in_json(*faults: FaultReport) -> list[Any]:
    found: list[Any] = json.loads(to_json(failover(*faults)))["faults"]
    return found


def test_json_of_a_fault() -> None:
    (fault,) = faults_in_json(SURVIVED)
    (trial,) = fault.pop("trials")
    same = {"median": 0.0, "p99": 0.0, "max": 0.0}
    assert fault == {
        "name": "haproxy-kill",
        "meaning": "all haproxy processes on the VIP holder are killed at once",
        "outcome": "passed",
        "limit": {
            "seconds": 0.15,
            "failed": None,
            "lost": None,
            "moves": 1,
            "two_holders": 0.0,
            "after": 0.0,
            "two_after": 0.0,
            "api": {"read": None, "cached": None, "write": None, "watch": None, "failed": None, "cuts": None},
        },
        "statistics": {
            "new": {key: pytest.approx(0.08) for key in same},
            "reused": {key: pytest.approx(0.1) for key in same},
            "after": same,
            "api": None,
        },
    }
    whole = {key: trial.pop(key) for key in ("new", "reused", "after", "after_reused", "phases")}
    assert trial == {
        "cluster": "demo",
        "target": "lb-1",
        "started": "2026-01-02T03:04:05+00:00",
        "outcome": "passed",
        "words": "",
        "exceeded": [],
        "before": "lb-1",
        "holder": "lb-2",
        "made": 0.03,
        "heal": 5.0,
        "healed": 5.4,
        "late": 0.001,
        "two_holders": 0.0,
        "no_holder": pytest.approx(0.02),
        "moves": [{"at": 0.07, "host": "lb-2"}],
        "api": None,
    }
    assert whole["new"] == {
        "seconds": pytest.approx(0.08),
        "longest": pytest.approx(0.08),
        "start": 0.02,
        "failed": 4,
        "cut": 1,
        "total": 300,
        "slowest": pytest.approx(0.004),
    }
    assert (whole["after"]["start"], whole["after"]["total"], whole["after_reused"]["failed"]) == (None, 200, 0)
    assert whole["phases"] == [
        {"start": -1.0, "end": 0.05, "holders": ["lb-1"]},
        {"start": 0.05, "end": 0.07, "holders": []},
        {"start": 0.07, "end": 9.0, "holders": ["lb-2"]},
    ]


def test_what_has_no_end_is_null_in_json() -> None:
    (fault,) = faults_in_json(UNENDED)
    assert [trial["new"]["seconds"] for trial in fault["trials"]] == [pytest.approx(0.08), None]
    assert fault["statistics"]["new"] == {"median": pytest.approx(0.08), "p99": None, "max": None}


def test_what_was_not_measured_or_not_watched_is_null_in_json() -> None:
    (fault,) = faults_in_json(NOT_INJECTED)
    assert (fault["outcome"], fault["statistics"]) == ("not injected", None)
    (trial,) = fault["trials"]
    assert [trial[key] for key in ("heal", "healed", "two_holders", "no_holder")] == [None] * 4
    assert (trial["moves"], trial["phases"]) == ([], [])


def test_single_requests_are_not_part_of_the_json() -> None:
    assert "attempts" not in to_json(failover(*FAULTS))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0"), (0.08, "0.080"), (0.0004, "0.000"), (1.2345, "1.234"), (12.345, "12.3"), (FOREVER, "no end")],
)
def test_figure_is_as_exact_as_is_of_use(seconds: float, words: str) -> None:
    assert figure(seconds) == words


def test_cost_of_one_trial_is_one_figure() -> None:
    cost = cost_of(SURVIVED)
    assert (cost.new, cost.reused, cost.after) == (("0.080",), ("0.100",), ("0",))
    assert (cost.failed, cost.two_holders, cost.ways) == (("3 of 300", "1 cut"), "0 s", ("lb-1 -> lb-2",))


def test_cost_of_many_trials_is_median_p99_and_maximum() -> None:
    cost = cost_of(MISSED)
    assert (cost.new, cost.failed, cost.two_holders) == (("0.080", "1.360", "1.360"), ("62 of 600", "1 cut"), "4.450 s")
    assert cost.ways == ("lb-1 -> lb-2", "lb-1 -> lb-2 -> lb-1")
    assert in_words(cost.new) == "median 0.080 s, p99 1.360 s, max 1.360 s"
    assert in_words(cost_of(UNENDED).new) == "median 0.080 s, p99 no end, max no end"


@pytest.mark.parametrize("fault", [NOT_INJECTED, NEVER_MADE], ids=lambda fault: fault.name)
def test_fault_that_was_not_there_cost_nothing_that_is_known(fault: FaultReport) -> None:
    cost = cost_of(fault)
    assert (cost.new, cost.failed, cost.two_holders, cost.ways) == ((), (), "-", ())
    assert in_words(cost.new) == "not measured"


def test_usual_way_of_the_vip_comes_first_and_many_ways_are_a_number() -> None:
    (there,) = SURVIVED.trials
    others = [replace(there, before=f"lb-{number}") for number in (4, 5, 6)]
    fault = replace(SURVIVED, trials=(*others, there, there))
    assert cost_of(fault).ways == (
        "lb-1 -> lb-2 (2 times)",
        "lb-4 -> lb-2",
        "lb-5 -> lb-2",
        "1 other way",
    )
    assert cost_of(replace(fault, trials=(there, there))).ways == ("lb-1 -> lb-2",)
    assert way_of(replace(there, holding=None)) == ""
    assert way_of(replace(there, before="")) == "lb-2"


def test_trial_takes_until_the_last_that_is_known_of_it() -> None:
    (trial,) = SURVIVED.trials
    assert seconds_of(trial) == 9.0
    assert seconds_of(replace(trial, holding=None)) == pytest.approx(8.993)
    assert seconds_of(replace(trial, holding=None, attempts=())) == pytest.approx(5.4)
    assert seconds_of(NOT_INJECTED.trials[0]) == 0


def test_faults_by_cluster_have_all_trials_of_one_name_together() -> None:
    (trial,) = SURVIVED.trials
    other = replace(trial, cluster="other")
    both = replace(SURVIVED, trials=(trial, other, trial))
    found = by_cluster(failover(both, SURVIVED, NEVER_MADE))
    assert {key: fault.trials for key, fault in found.items()} == {
        ("demo", "haproxy-kill"): (trial, trial, trial),
        ("other", "haproxy-kill"): (other,),
        ("", "node-lost"): (),
    }


def test_faults_are_counted_by_outcome_best_first() -> None:
    assert counts_of(failover(*FAULTS, SURVIVED)) == {Outcome.PASSED: 2, Outcome.MISSED: 1, Outcome.NOT_INJECTED: 1}


def test_problems_of_a_fault_are_listed_up_to_a_number() -> None:
    (trial,) = NOT_INJECTED.trials
    fault = replace(NOT_INJECTED, trials=(replace(trial, words="no"),) * 5)
    assert len(problems_of(fault)) == 5
    assert problems_of(fault, 2) == [
        "kube-2: not injected: no (trial 1 of 5)",
        "kube-2: not injected: no (trial 2 of 5)",
        "and 3 more",
    ]
    assert problems_of(NEVER_MADE) == ["not injected: no trial was made"]
    assert problems_of(SURVIVED) == []
