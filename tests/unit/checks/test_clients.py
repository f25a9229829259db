"""Whether the clients of a holder that is lost would be told that the VIP has moved."""

from dataclasses import replace

import pytest
from tests.support.changes import (
    Change,
    Clusters,
    Hosts,
    assert_red,
    assert_skipped,
    assert_unmade,
    facts,
    findings_of,
    together,
    without_file,
)

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Clients, Facts
from nornir_kube_ha.facts.clients import parse_clients
from nornir_kube_ha.intent.names import CLIENTS

PEERS = {"lb-2": "ESTA", "lb-3": "ESTA"}
CUT = {"lb-1": "CONN", "lb-3": "ESTA"}
OFF = {"keepalived": {"tickle": False}}


def started(seconds: float) -> Change:
    return lambda found: replace(found, worker_started=found.clock.now - seconds)


def knows(**changes: object) -> Change:
    def change(found: Facts) -> Facts:
        assert found.clients
        return replace(found, clients=replace(found.clients, **changes))  # type: ignore[arg-type] # fields of Clients

    return change


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("known 3\npeer lb-2 ESTA\npeer lb-3 CONN\nconnected 2", Clients({"lb-2": "ESTA", "lb-3": "CONN"}, 3, 2)),
        ("problem no raw socket of IPv4: x\nproblem y", Clients(problems=("no raw socket of IPv4: x", "y"))),
        (f"known {'9' * 30}\nconnected x\npeer lb-2\nodd\n", Clients()),
    ],
)
def test_output_of_the_program(text: str, found: Clients | None) -> None:
    assert parse_clients(text) == found


def test_node_that_could_not_tell_its_clients_turns_red(host_view: Hosts) -> None:
    view = host_view(change=facts(clients=Clients(problems=("no raw socket of IPv4: EPERM",))))
    assert_red(view, "keepalived.tickle", "send from a VIP", "no raw socket of IPv4", "Run deploy", status=Status.WARN)


def test_node_that_was_not_asked_is_unknown(host_view: Hosts) -> None:
    assert_unmade(
        host_view(change=facts(clients=None)),
        "keepalived.tickle",
        "not checked: kube-ha-clients is missing or did not run",
        Status.WARN,
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(facts(servers=None, clients=Clients(problems=("haproxy does not answer",))), id="silent haproxy"),
        pytest.param(together(facts(clients=None), without_file(CLIENTS)), id="no program"),
    ],
)
def test_another_check_says_why_nothing_is_known(host_view: Hosts, change: Change) -> None:
    assert findings_of(host_view(change=change))["keepalived.tickle"].status is not Status.WARN


@pytest.mark.parametrize("check", ["keepalived.tickle", "haproxy.peers", "haproxy.clients"])
def test_what_is_not_wanted_is_skipped(host_view: Hosts, cluster_view: Clusters, check: str) -> None:
    view = host_view(group=OFF) if check.startswith("keepalived") else cluster_view(group=OFF)
    assert_skipped(view, check, "keepalived.tickle is false")


def test_haproxies_that_do_not_reach_each_other_turn_red(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-2": knows(peers=CUT)})
    assert_red(view, "haproxy.peers", "connected to each other", "lb-2 -> lb-1: CONN", "8444", status=Status.WARN)
    view = cluster_view({"lb-2": knows(peers={})})
    assert_red(view, "haproxy.peers", "", "lb-2 -> lb-1: unknown; lb-2 -> lb-3: unknown", "", status=Status.WARN)
    for change in (facts(clients=None), knows(peers={}, problems=("x",))):  # which keepalived.tickle tells
        assert findings_of(cluster_view({"lb-2": change}))["haproxy.peers"].status is Status.PASS


@pytest.mark.parametrize("change", [started(5), facts(servers=None)], ids=["just started", "down"])
def test_haproxy_that_was_just_started_or_is_down_has_no_peers_yet(cluster_view: Clusters, change: Change) -> None:
    """Whatever its peers see of it, that is no fault of theirs."""
    seen = {"lb-1": change, "lb-2": knows(peers=CUT), "lb-3": knows(peers=PEERS | {"lb-1": "CONN"})}
    assert findings_of(cluster_view(seen))["haproxy.peers"].status is Status.PASS


def test_after_a_change_of_all_nothing_is_expected_yet(cluster_view: Clusters) -> None:
    findings = findings_of(cluster_view(dict.fromkeys(("lb-1", "lb-2", "lb-3"), started(5))))
    for check in ("haproxy.peers", "haproxy.clients"):
        assert (findings[check].status, findings[check].seen) == (
            Status.PASS,
            "fewer than two haproxies have run for 15 s",
        )


@pytest.mark.parametrize(
    ("connected", "known", "is_red"),
    [(500, 449, True), (500, 450, False), (25, 4, True), (20, 0, False), (100, 3000, False)],
)
def test_clients_that_the_others_do_not_know_turn_red(
    cluster_view: Clusters, connected: int, known: int, *, is_red: bool
) -> None:
    view = cluster_view({"lb-1": knows(connected=connected), "lb-2": knows(known=known), "lb-3": knows(known=9999)})
    if is_red:
        words = f"lb-1 has {connected} connections, lb-2 knows {known}"
        assert_red(
            view, "haproxy.clients", "list the clients connected to the VIP holder", words, "", status=Status.WARN
        )
    else:
        assert findings_of(view)["haproxy.clients"].status is Status.PASS


def test_table_that_a_node_does_not_tell_of_is_unknown(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-2": knows(known=None)})
    assert_unmade(view, "haproxy.clients", "lb-1 or lb-2 does not report its number of clients", Status.WARN)
    view = cluster_view({"lb-2": knows(known=None, problems=("x",))})  # which keepalived.tickle says
    assert findings_of(view)["haproxy.clients"].status is Status.SKIP
