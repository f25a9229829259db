"""A run's report as a value and as JSON: what it says passed has passed, and a program can rely on its shape."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from nornir_kube_ha.checks import Finding, Status, unknown_host
from nornir_kube_ha.errors import (
    HostUnreachableError,
    KubeHaError,
    LoginRefusedError,
    RefusedConfigError,
    RemoteCommandError,
)
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report, to_json

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
        (host(FAILED, UNKNOWN), "unknown"),
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
        "started": "2026-01-02T03:04:05+00:00",
        "finished": "2026-01-02T03:04:07+00:00",
        "passed": False,
        "changed": True,
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
                    },
                    {
                        "id": "haproxy.active",
                        "status": "fail",
                        "expected": "active (running)",
                        "seen": "failed (failed)",
                        "next": "read its journal",
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
                    }
                ],
            }
        },
    }
    assert "Übel" in text  # for a person who greps it


def test_json_of_a_dry_run_says_so(report_of: ReportOf) -> None:
    planned = replace(host(changed=True), plan=("install haproxy", "reload haproxy"))
    tree: Mapping[str, Any] = json.loads(to_json(report_of(planned, cluster=(), dry_run=True)))
    assert tree["hosts"]["lb-1"]["plan"] == ["install haproxy", "reload haproxy"]
    assert (tree["dry_run"], tree["changed"], tree["clusters"]["demo"]["checks"]) == (True, True, [])


def test_diff_is_not_part_of_the_json(report_of: ReportOf) -> None:
    assert "balance source" not in to_json(report_of(replace(host(changed=True), diff="-    balance source")))
