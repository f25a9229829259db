"""Whether the inventory's times fit each other."""

from dataclasses import replace

import pytest
from tests.support.changes import Clusters, assert_red, assert_unmade, findings_of, package

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
        pytest.param(keepalived(down_timer_adverts=4), "4 lost adverts of 0.05 s move the VIP", id="few misses"),
        pytest.param(
            keepalived(timers="fast", down_timer_adverts=4), "4 lost adverts of 0.02 s", id="few misses of fast timers"
        ),
        pytest.param(keepalived(advert_int=5), "a lost holder is noticed after 15 s", id="slow adverts"),
        pytest.param(keepalived(down_timer_adverts=100, advert_int=0.2), "noticed after 20 s", id="many misses"),
        pytest.param(check(interval=5, fall=2, rise=2), "a hung haproxy is noticed after 11 s", id="slow check"),
        pytest.param(check(timeout=2), "timeout 2 s is longer than interval 1 s", id="timeout beyond the interval"),
        pytest.param(check(fall=3, rise=2), "rise 2 below fall 3", id="rise below fall"),
        pytest.param(haproxy(inter="10s"), "a dead apiserver gets connections for 11.6 s", id="slow health check"),
        pytest.param(haproxy(inter="8000", fall=3), "gets connections for 10.5 s", id="milliseconds without a unit"),
        pytest.param(haproxy(inter="1m", fall=1), "gets connections for 60.7 s", id="minutes"),
        pytest.param(haproxy(fastinter="5s", fall=3), "gets connections for 13.1 s", id="slow second check"),
        pytest.param(haproxy(timeouts={"check": "20s"}), "gets connections for 41.2 s", id="slow answer"),
    ],
)
def test_times_that_do_not_fit_are_warned_of_once(cluster_view: Clusters, group: dict[str, object], seen: str) -> None:
    view = cluster_view(group=group)
    assert_red(
        view, "cluster.timers", "faults are detected before clients time out", seen, "departures.md", status=Status.WARN
    )
    assert findings_of(view)["cluster.timers"].seen.count(seen) == 1  # though three nodes have it


@pytest.mark.parametrize(
    "group",
    [
        pytest.param({}, id="defaults"),
        pytest.param(keepalived(down_timer_adverts=3, advert_int=1), id="the guide's"),
        pytest.param(keepalived(advert_int=3), id="the guide's, as it stands there"),
        pytest.param(keepalived(down_timer_adverts=5), id="just enough misses"),
        pytest.param(keepalived(timers="fast"), id="fast"),
        pytest.param(haproxy(inter="100ms", fall=10), id="milliseconds"),
        pytest.param(haproxy(inter="500000us"), id="microseconds"),
        pytest.param(check(interval=3, timeout=3, fall=2), id="just in time"),
    ],
)
def test_times_that_fit_pass(cluster_view: Clusters, group: dict[str, object]) -> None:
    finding = findings_of(cluster_view(group=group))["cluster.timers"]
    assert (finding.status, finding.seen) == (Status.PASS, "no problem found")


def test_all_that_does_not_fit_is_named(cluster_view: Clusters) -> None:
    seen = findings_of(cluster_view(group={**check(timeout=2), **haproxy(inter="10s")}))["cluster.timers"].seen
    assert len(seen.split("; ")) == 2


OLD = package("keepalived", Package("1:2.1.5-0.2+deb11u1"))
ALL_OLD = dict.fromkeys(("lb-1", "lb-2", "lb-3"), OLD)


@pytest.mark.parametrize(
    ("group", "seen"),
    [
        pytest.param({}, "0.1 s move the VIP: keepalived before 2.2.4 always counts 3", id="defaults"),
        pytest.param(keepalived(timers="fast"), "3 lost adverts of 0.1 s move the VIP", id="fast"),
        pytest.param(keepalived(advert_int=5, down_timer_adverts=7), "holder is noticed after 35.01 s", id="slow"),
    ],
)
def test_keepalived_without_down_timer_adverts_counts_three_longer_intervals(
    cluster_view: Clusters, group: dict[str, object], seen: str
) -> None:
    found = findings_of(cluster_view(ALL_OLD, group=group))["cluster.timers"]
    assert (found.status, seen in found.seen) == (Status.WARN, True), found.seen
    assert findings_of(cluster_view({"lb-3": OLD}, group=group))["cluster.timers"].status is Status.WARN


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(keepalived(advert_int=0.06), id="0.32 s between adverts"),
        pytest.param(keepalived(down_timer_adverts=18), id="0.3 s between adverts"),
        pytest.param(keepalived(advert_int=3), id="the guide's"),
        pytest.param(keepalived(advert_int=1, down_timer_adverts=9), id="just in time"),
    ],
)
def test_times_that_fit_an_old_keepalived_pass(cluster_view: Clusters, group: dict[str, object]) -> None:
    finding = findings_of(cluster_view(ALL_OLD, group=group))["cluster.timers"]
    assert (finding.status, finding.seen) == (Status.PASS, "no problem found")


def test_nodes_that_count_adverts_differently_get_settings_for_all(cluster_view: Clusters) -> None:
    seen = findings_of(cluster_view({"lb-3": OLD}))["cluster.timers"].seen
    assert "(lb-1, lb-2: 16 of 0.05 s; lb-3: 3 of 0.1 s): set advert_int: 0.1 and down_timer_adverts: 3" in seen
    taken = keepalived(advert_int=0.1, down_timer_adverts=3)
    assert "unlike" not in findings_of(cluster_view({"lb-3": OLD}, group=taken))["cluster.timers"].seen
    assert "unlike" not in findings_of(cluster_view(ALL_OLD))["cluster.timers"].seen


def test_times_of_unseen_nodes_are_unknown_unless_they_are_odd(cluster_view: Clusters) -> None:
    unseen = ["lb-1", "lb-2", "lb-3"]
    assert_unmade(cluster_view(unseen=unseen), "cluster.timers", "not seen: lb-1, lb-2, lb-3", Status.WARN)
    odd = cluster_view(unseen=unseen, group=check(timeout=2))
    assert findings_of(odd)["cluster.timers"].status is Status.WARN


@pytest.mark.parametrize(
    ("servers", "warned"),
    [
        pytest.param(("127.0.0.1",), False, id="its own, as kubeadm sets it"),
        pytest.param(("192.0.2.11", "192.0.2.12", "192.0.2.13"), True, id="all, as the guide does"),
        pytest.param(("127.0.0.1", "192.0.2.12"), True, id="its own by the loopback, and another"),
        pytest.param(("203.0.113.1", "203.0.113.2"), False, id="an etcd on hosts of its own"),
        pytest.param((), False, id="none was seen"),
    ],
)
def test_apiserver_that_waits_for_other_nodes_etcd_is_warned_of(
    cluster_view: Clusters, servers: tuple[str, ...], warned: bool
) -> None:
    view = cluster_view({"lb-1": lambda found: replace(found, etcd_servers=servers)})
    finding = findings_of(view)["cluster.timers"]
    assert ("the kube-apiserver of lb-1 also uses other nodes' etcd" in finding.seen) is warned
    assert finding.status is (Status.WARN if warned else Status.PASS)
