"""A check that could not be made: unknown where it should have been, skipped only where that is right."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.changes import Change, Clusters, Hosts, facts, heard, reachable

from nornir_kube_ha.checks import ALL, CHECKS, ClusterView, HostView, Severity, Status, check_cluster, check_host
from nornir_kube_ha.facts import NOT_PROBED, Facts
from nornir_kube_ha.report import ClusterReport, HostReport, Report
from nornir_kube_ha.report.formats.json import to_json
from nornir_kube_ha.report.formats.junit import to_junit
from nornir_kube_ha.report.formats.nagios import nagios_status
from nornir_kube_ha.report.formats.prometheus import to_prometheus
from nornir_kube_ha.report.formats.terminal import to_text

FLOODED = heard(adverts=frozenset(), answers=frozenset(), trouble="too much was heard")
NO_CURL = reachable(readyz=NOT_PROBED, version=NOT_PROBED, stats_open=NOT_PROBED, stats_login=NOT_PROBED, peers={})
CANNOT: Mapping[str, Change] = {
    "deaf": FLOODED,
    "without tcpdump": facts(heard=None),
    "without ping": reachable(ping=None),
    "without curl": NO_CURL,
    "without nft": facts(packet_filter=None),
    "rules that cannot be read": facts(packet_filter="unreadable"),
    "df prints nothing": facts(filesystems=()),
    "no answer about the configuration": facts(judgements={}),
    "no certificate": reachable(certificates={}),
    "no workers": facts(workers=()),
    "no file": facts(files={}),
}


def report_of(view: HostView, cluster: ClusterView | None = None, chosen: frozenset[str] = ALL) -> Report:
    findings = check_cluster(cluster, chosen) if cluster else ()
    now = datetime(2026, 11, 29, tzinfo=UTC)
    host = HostReport("demo", view.node.role, changed=False, findings=check_host(view, chosen))
    return Report("0123", "verify", now, now, {view.node.name: host}, {"demo": ClusterReport(findings)})


@pytest.mark.field_report(
    "F1",
    "found by trial",
    "the guide has no check that could fail",
    "a check that could not be made keeps the run from passing, in every format",
)
@pytest.mark.parametrize("what", CANNOT)
@pytest.mark.parametrize("only", ["", *sorted(ALL)])
def test_what_could_not_be_seen_never_passes(host_view: Hosts, cluster_view: Clusters, what: str, only: str) -> None:
    chosen = frozenset({only}) if only else ALL
    view, cluster = host_view(change=CANNOT[what]), cluster_view(dict.fromkeys(("lb-1", "lb-2", "lb-3"), CANNOT[what]))
    report = report_of(view, cluster, chosen)
    unmade = [each for _, each in report.findings if each.status is not Status.PASS]
    critical = [each for each in unmade if CHECKS[each.id].severity is Severity.CRITICAL]
    assert report.passed is (not critical)
    skipped = any(each.status is Status.SKIP for each in unmade)
    assert not skipped or {Status.FAIL, Status.UNKNOWN} & {each.status for each in unmade}


def test_every_format_says_that_it_has_not_passed(host_view: Hosts) -> None:
    report = report_of(host_view(change=FLOODED))
    assert (report.passed, report.exit_code) == (False, 1)
    assert "NOT PASSED" in to_text(report)
    assert "vrrp.adverts" in to_text(report)
    assert "too much was heard" in to_text(report)
    tree = json.loads(to_json(report))
    assert (tree["passed"], tree["hosts"]["lb-1"]["status"]) == (False, "unknown")
    assert to_junit(report).count("<error ") == 2
    assert nagios_status(report) == 3
    assert 'kube_ha_run_passed{runbook="verify"} 0' in to_prometheus(report)


@pytest.mark.parametrize("daemon", ["haproxy", "keepalived"])
def test_dependent_is_skipped_only_where_its_cause_is_red_in_the_same_report(host_view: Hosts, daemon: str) -> None:
    def stop(found: Facts) -> Facts:
        unit = replace(found.units[daemon], active_state="inactive", sub_state="dead")
        return replace(found, units={**found.units, daemon: unit})

    view = host_view(change=stop)
    both = {each.id: each.status for each in check_host(view)}
    assert (both[f"{daemon}.active"], both[f"{daemon}.up_to_date"]) == (Status.FAIL, Status.SKIP)
    assert [each.status for each in check_host(view, {f"{daemon}.up_to_date"})] == [Status.UNKNOWN]


def test_missing_package_is_said_once(host_view: Hosts, facts_from: Callable[[str], Facts]) -> None:
    view = host_view(change=lambda _: facts_from("facts-bare"))
    found = {each.id: each.status for each in check_host(view)}
    assert found["packages.installed"] is Status.FAIL
    assert (found["vrrp.adverts"], found["vip.ping"], found["host.firewall"]) == (Status.SKIP,) * 3


@pytest.mark.parametrize(
    ("left_out", "status"), [(("lb-1",), Status.SKIP), ((), Status.UNKNOWN), (("lb-3",), Status.UNKNOWN)]
)
def test_nodes_that_the_operator_left_out_are_skipped_and_those_that_failed_are_not(
    cluster_view: Clusters, left_out: tuple[str, ...], status: Status
) -> None:
    view = cluster_view(unseen=["lb-1"])
    found = {each.id: each for each in check_cluster(replace(view, left_out=left_out))}
    assert {found[id_].status for id_ in ("vip.single_holder", "vip.arp", "cluster.clocks")} == {status}
    assert "not seen: lb-1" in found["vip.single_holder"].seen


def test_apiserver_that_haproxy_sees_down_is_said_once(cluster_view: Clusters) -> None:
    def down(found: Facts) -> Facts:
        servers = tuple(replace(each, status="DOWN") for each in found.servers or ())
        return replace(found, servers=servers, reachable=replace(found.reachable, certificates={}))

    view = cluster_view(dict.fromkeys(("lb-1", "lb-2", "lb-3"), down))
    found = {each.id: each.status for each in check_cluster(view)}
    assert found["apiserver.certificates"] is Status.SKIP
    alone = {each.id: each.status for each in check_cluster(view, {"apiserver.certificates"})}
    assert alone == {"apiserver.certificates": Status.UNKNOWN}
