"""The Prometheus report, as prometheus_client reads it."""

from dataclasses import replace

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.support.reports import (
    FAILED,
    HOLDER,
    HOSTILE,
    MISSED,
    NEVER_MADE,
    NOT_INJECTED,
    PASSED,
    SKIPPED,
    SURVIVED,
    UNENDED,
    UNKNOWN,
    WARNED,
    failover,
    host,
    hostile_faults,
    hostile_report,
    lost,
    report_of,
)

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import Outcome
from nornir_kube_ha.report import HostReport, HostState, Report, to_prometheus

STATE = HostState(
    "MASTER",
    True,  # noqa: FBT003
    {"a": "UP", "b": "UP 1/2", "c": "DOWN", "d": "no check", "e": "DOWN 1/3", "f": "MAINT"},
)


LABELS = (
    *("cluster", "runbook", "host", "fault", "check", "status", "state"),
    *("apiserver", "outcome", "connections", "client", "what", "statistic"),
)
"""Every label; in the file they are in alphabetical order."""


def families(report: Report) -> dict[str, Metric]:
    found = [*text_string_to_metric_families(to_prometheus(report))]
    assert len({family.name for family in found}) == len(found), "a family is in one piece"
    return {family.name: family for family in found}


def samples(report: Report, family: str) -> dict[tuple[str, ...], float]:
    """Values by their labels' values."""
    found = families(report)[family].samples
    assert len({tuple(sample.labels.items()) for sample in found}) == len(found), "no sample is there twice"
    assert {label for sample in found for label in sample.labels} <= {*LABELS}
    return {tuple(each.labels[label] for label in LABELS if label in each.labels): each.value for each in found}


@pytest.mark.parametrize("finding", [PASSED, WARNED, FAILED, SKIPPED, UNKNOWN], ids=lambda each: each.status)
def test_check_has_exactly_one_status(finding: Finding) -> None:
    found = samples(report_of(host(finding), cluster=()), "kube_ha_check_status")
    assert found == {("demo", "lb-1", finding.id, status.value): float(status is finding.status) for status in Status}


def test_cluster_check_has_no_host() -> None:
    (family,) = [each for each in families(report_of()).values() if each.name == "kube_ha_check_status"]
    assert [sample.labels for sample in family.samples if sample.value] == [
        {"cluster": "demo", "host": "", "check": "vip.single_holder", "status": "pass"}
    ]


def test_holder_is_shown_only_if_known() -> None:
    report = report_of(host(PASSED, state=STATE), host(PASSED, state=replace(STATE, holds_vip=False)), lost())
    assert samples(report, "kube_ha_host_vip_holder") == {("demo", "lb-1"): 1, ("demo", "lb-2"): 0}


def test_apiserver_is_up_where_haproxy_says_up() -> None:
    assert samples(report_of(host(PASSED, state=STATE), lost()), "kube_ha_apiserver_up") == {
        ("demo", "lb-1", "a"): 1,
        ("demo", "lb-1", "b"): 1,
        ("demo", "lb-1", "c"): 0,
        ("demo", "lb-1", "d"): 0,
        ("demo", "lb-1", "e"): 0,
        ("demo", "lb-1", "f"): 0,
    }


@pytest.mark.parametrize(("part", "passed"), [(host(PASSED), 1), (host(WARNED), 1), (host(FAILED), 0), (lost(), 0)])
def test_run(part: HostReport, passed: int) -> None:
    report = report_of(part)
    assert samples(report, "kube_ha_run_passed") == {("verify",): passed}
    assert samples(report, "kube_ha_run_duration_seconds") == {("verify",): 1.25}
    assert samples(report, "kube_ha_run_finished_timestamp_seconds") == {("verify",): report.finished.timestamp()}


def test_every_family_is_a_gauge_with_a_help_text() -> None:
    found = families(report_of(host(PASSED, state=STATE)))
    assert [*found] == [
        "kube_ha_check_status",
        "kube_ha_host_vip_holder",
        "kube_ha_host_vrrp_state",
        "kube_ha_apiserver_up",
        "kube_ha_run_passed",
        "kube_ha_run_finished_timestamp_seconds",
        "kube_ha_run_duration_seconds",
    ]
    assert {family.type for family in found.values()} == {"gauge"}
    assert all(family.documentation for family in found.values())


def test_family_of_which_nothing_is_known_is_left_out() -> None:
    assert "kube_ha_host_vip_holder" not in to_prometheus(report_of(lost()))


def test_no_sample_has_a_timestamp_and_the_last_line_ends() -> None:
    report = report_of(host(PASSED, state=STATE))
    assert {sample.timestamp for family in families(report).values() for sample in family.samples} == {None}
    assert to_prometheus(report).endswith("\n")


def test_hostile_label_is_read_back_as_it_was() -> None:
    names = {sample.labels["apiserver"] for sample in families(hostile_report())["kube_ha_apiserver_up"].samples}
    assert names == {HOSTILE.replace("\udcff", "?"), "lb-2"}
    assert to_prometheus(hostile_report()).encode()


def test_state_of_keepalived_is_one_of_four() -> None:
    found = samples(report_of(host(PASSED, state=replace(STATE, vrrp="FAULT"))), "kube_ha_host_vrrp_state")
    assert found == {
        ("demo", "lb-1", state): float(state == "FAULT") for state in ("INIT", "BACKUP", "MASTER", "FAULT")
    }


def test_keepalived_that_does_not_answer_has_no_state() -> None:
    report = report_of(host(PASSED, state=replace(STATE, vrrp=None)))
    assert "kube_ha_host_vrrp_state" not in families(report)
    assert samples(report, "kube_ha_host_vip_holder") == {("demo", "lb-1"): 1}


@pytest.mark.parametrize("name", ["a\\nb", 'a"b', "a\nb", "\\", 'end\\"', '{x="y"} 1', "a,b", "# HELP", "Übel"])
def test_label_is_escaped(name: str) -> None:
    report = report_of(host(PASSED), cluster=(replace(HOLDER, id=name),))
    named = replace(report, hosts={name: report.hosts["lb-1"]})
    labels = {(each.labels["host"], each.labels["check"]) for each in families(named)["kube_ha_check_status"].samples}
    assert labels == {(name, PASSED.id), ("", name)}


def test_without_faults_there_is_no_figure_of_them() -> None:
    assert "fault" not in to_prometheus(report_of(host(PASSED, state=STATE)))


def test_fault_passes_or_not() -> None:
    assert samples(failover(SURVIVED, MISSED, NOT_INJECTED, NEVER_MADE), "kube_ha_fault_passed") == {
        ("demo", "haproxy-kill"): 1,
        ("demo", "keepalived-hang"): 0,
        ("demo", "apiserver-hang"): 0,
        ("", "node-lost"): 0,
    }


def test_trials_are_counted_by_outcome() -> None:
    found = samples(failover(MISSED), "kube_ha_fault_trials")
    assert found == {
        ("demo", "keepalived-hang", outcome.value): float(outcome in {Outcome.PASSED, Outcome.MISSED})
        for outcome in Outcome
    }


def test_outages_of_a_fault() -> None:
    report = failover(MISSED, UNENDED, NOT_INJECTED)
    found = samples(report, "kube_ha_fault_outage_seconds")
    assert found["demo", "keepalived-hang", "new", "median"] == 0.08
    assert found["demo", "keepalived-hang", "new", "max"] == 1.36
    assert found["demo", "keepalived-hang", "reused", "p99"] == 1.35
    assert found["demo", "haproxy-stop", "new", "max"] == FOREVER
    assert len(found) == 12  # of what was not measured there is no figure
    assert samples(report, "kube_ha_fault_outage_after_heal_seconds")["demo", "keepalived-hang", "max"] == 0.3


def test_two_holders_are_reported_if_recorded() -> None:
    assert samples(failover(SURVIVED, MISSED, NOT_INJECTED), "kube_ha_fault_two_holders_seconds") == {
        ("demo", "haproxy-kill"): 0,
        ("demo", "keepalived-hang"): 4.45,
    }


def test_fault_that_is_reported_twice_has_its_samples_once() -> None:
    report = failover(SURVIVED, SURVIVED)
    assert samples(report, "kube_ha_fault_passed") == {("demo", "haproxy-kill"): 1}
    assert samples(report, "kube_ha_fault_trials")["demo", "haproxy-kill", "passed"] == 2


def test_fault_of_two_clusters_is_two() -> None:
    (trial,) = SURVIVED.trials
    fault = replace(SURVIVED, trials=(trial, replace(trial, cluster="other", outcome=Outcome.MISSED)))
    assert samples(failover(fault), "kube_ha_fault_passed") == {
        ("demo", "haproxy-kill"): 1,
        ("other", "haproxy-kill"): 0,
    }


def test_odd_name_of_a_fault_is_read_back_as_it_was() -> None:
    found = families(failover(*hostile_faults()))["kube_ha_fault_passed"].samples
    assert [sample.labels["fault"] for sample in found] == [HOSTILE.replace("\udcff", "?")]
