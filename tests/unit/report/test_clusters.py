"""A report of many clusters: which one is red is seen at once."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.support.reports import FAILED, every_finding, verified

from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, Report
from nornir_kube_ha.report.cluster_summary import ClusterSummary, summarize_clusters
from nornir_kube_ha.report.formats.terminal import print_report
from nornir_kube_ha.report.html.page import to_html


def report_of_clusters(count: int) -> Report:
    """So many clusters of two: one is red, one has a host that was not reached."""
    hosts = {
        f"c{number}-{place}": HostReport(f"c{number}", "backup" if place - 1 else "master", False, every_finding())  # noqa: FBT003
        for number in range(1, count + 1)
        for place in (1, 2)
    }
    hosts["c2-1"] = replace(hosts["c2-1"], findings=every_finding(haproxy_active=FAILED))
    hosts["c3-2"] = replace(hosts["c3-2"], failure=Failure.of(HostUnreachableError("c3-2", "no answer")))
    clusters = {f"c{number}": ClusterReport(()) for number in range(1, count + 1)}
    return replace(verified(), hosts=hosts, clusters=clusters)


def shown(report: Report, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_report(report, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_line_for_each_cluster_says_what_is_wrong() -> None:
    lines = summarize_clusters(report_of_clusters(4))
    assert lines[:3] == (
        ClusterSummary("c1", "passed", "2 passed", ()),
        ClusterSummary("c2", "failed", "1 passed, 1 failed", ("haproxy.active",)),
        ClusterSummary("c3", "unknown", "1 passed, 1 unknown", ("HostUnreachableError",)),
    )


@pytest.mark.parametrize(("count", "folded"), [(3, False), (20, True)])
def test_of_many_clusters_only_those_with_problems_are_shown_in_full(count: int, *, folded: bool) -> None:
    report = report_of_clusters(count)
    text, page = shown(report), to_html(report)
    assert ("cluster c2\n" in text, "cluster c1\n" in text) == (True, not folded)
    assert [line.split()[:2] for line in text.splitlines() if line.startswith("c2 ")] == [["c2", "FAILED"]]
    assert page.count('<details class="well">') == (count - 2 if folded else 0)


def test_of_a_fleet_s_clusters_only_those_with_problems_are_listed() -> None:
    lines = shown(report_of_clusters(21)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("clusters "))
    assert [line.split()[:3] for line in lines[first + 1 : first + 4]] == [
        ["c2", "FAILED", "1"],
        ["c3", "UNKNOWN", "1"],
        ["19", "others", "passed"],
    ]
    well = report_of_clusters(21)
    well = replace(
        well, hosts={name: replace(well.hosts["c1-1"], cluster=each.cluster) for name, each in well.hosts.items()}
    )
    assert [line.split() for line in shown(well).splitlines() if "clusters" in line][1:] == [
        ["21", "clusters", "passed"]
    ]


def test_one_cluster_has_no_overview() -> None:
    assert "hosts" not in shown(verified()).splitlines()[0]
