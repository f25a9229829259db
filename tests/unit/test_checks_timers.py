"""Whether the inventory's times fit each other."""

import pytest
from tests.unit.changes import Clusters, assert_red, assert_skipped, findings_of, package

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Package


def keepalived(**settings: object) -> dict[str, object]:
    return {"keepalived": settings}


def check(**settings: object) -> dict[str, object]:
    return keepalived(check=settings)


def haproxy(**settings: object) -> dict[str, object]:
    return {"haproxy": settings}


@pytest.mark.parametrize(
    ("group", "seen"),
    [
        pytest.param(keepalived(down_timer_adverts=4), "4 lost adverts of 0.1 s move the VIP", id="few misses"),
        pytest.param(keepalived(advert_int=5), "a lost holder is noticed after 40 s", id="slow adverts"),
        pytest.param(keepalived(down_timer_adverts=100, advert_int=0.2), "noticed after 20 s", id="many misses"),
        pytest.param(check(interval=5, fall=2, rise=2), "a hung haproxy is noticed after 11 s", id="slow check"),
        pytest.param(
            check(timeout=2), "a timeout of 2 s outlasts the interval of 1 s", id="timeout beyond the interval"
        ),
        pytest.param(check(fall=3, rise=2), "rise 2 below fall 3", id="rise below fall"),
        pytest.param(haproxy(inter="10s"), "a dead apiserver gets connections for 21 s", id="slow health check"),
        pytest.param(haproxy(inter="5000", fall=3), "gets connections for 16 s", id="milliseconds without a unit"),
        pytest.param(haproxy(inter="1m", fall=1), "gets connections for 61 s", id="minutes"),
        pytest.param(haproxy(timeouts={"check": "20s"}), "gets connections for 22 s", id="slow answer"),
    ],
)
def test_times_that_do_not_fit_are_warned_of_once(cluster_view: Clusters, group: dict[str, object], seen: str) -> None:
    view = cluster_view(group=group)
    assert_red(view, "cluster.timers", "noticed before clients give up", seen, "departures.md", status=Status.WARN)
    assert findings_of(view)["cluster.timers"].seen.count(seen) == 1  # though three nodes have it


@pytest.mark.parametrize(
    "group",
    [
        pytest.param({}, id="defaults"),
        pytest.param(keepalived(down_timer_adverts=3, advert_int=1), id="the guide's"),
        pytest.param(keepalived(down_timer_adverts=5), id="just enough misses"),
        pytest.param(haproxy(inter="100ms", fall=10), id="milliseconds"),
        pytest.param(haproxy(inter="500000us"), id="microseconds"),
        pytest.param(check(interval=3, timeout=3, fall=2), id="just in time"),
    ],
)
def test_times_that_fit_pass(cluster_view: Clusters, group: dict[str, object]) -> None:
    finding = findings_of(cluster_view(group=group))["cluster.timers"]
    assert (finding.status, finding.seen) == (Status.PASS, "they fit")


def test_all_that_does_not_fit_is_named(cluster_view: Clusters) -> None:
    seen = findings_of(cluster_view(group={**check(timeout=2), **haproxy(inter="10s")}))["cluster.timers"].seen
    assert len(seen.split("; ")) == 2


def test_keepalived_that_knows_no_down_timer_adverts_takes_three(cluster_view: Clusters) -> None:
    old = package("keepalived", Package("1:2.1.5-0.2+deb11u1"))
    view = cluster_view(dict.fromkeys(("lb-1", "lb-2", "lb-3"), old))
    seen = findings_of(view)["cluster.timers"]
    assert (seen.status, "3 lost adverts of 0.1 s" in seen.seen) == (Status.WARN, True)
    assert findings_of(cluster_view({"lb-3": old}))["cluster.timers"].status is Status.WARN


def test_times_of_nodes_that_nobody_saw_are_skipped_unless_they_are_odd(cluster_view: Clusters) -> None:
    unseen = ["lb-1", "lb-2", "lb-3"]
    assert_skipped(cluster_view(unseen=unseen), "cluster.timers", "not seen: lb-1, lb-2, lb-3")
    odd = cluster_view(unseen=unseen, group=check(timeout=2))
    assert findings_of(odd)["cluster.timers"].status is Status.WARN
