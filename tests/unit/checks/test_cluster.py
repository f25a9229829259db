"""What only all hosts of a cluster together can tell."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from tests.support.changes import (
    VIP,
    Change,
    Clusters,
    assert_red,
    assert_skipped,
    assert_unmade,
    facts,
    findings_of,
    heard,
    package,
    reachable,
    together,
    unchanged,
    vrrp,
)

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import NOT_PROBED, Answer, Clock, Endpoint, Facts, Link, Package, Probe

HOSTS = ("lb-1", "lb-2", "lb-3")
HOLDER_MAC, OTHER_MAC = "02:07:e7:b0:ee:d5", "02:00:00:00:00:99"
REFUSED = Probe(0, "curl: (7) refused")
VERSION = Probe(200, "", '{"gitVersion": "v1.30.0"}')
ALONE = ("vip.arp", "haproxy.reached_by_peers", "cluster.clocks", "cluster.versions")


def held_by(*holders: str) -> dict[str, Change]:
    return {host: vrrp("MASTER" if host in holders else "BACKUP", holds=host in holders) for host in HOSTS}


def answers(*macs: str) -> Change:
    return heard(answers=frozenset(Answer(VIP.ip, mac) for mac in macs))


def test_one_holder_passes(cluster_view: Clusters) -> None:
    finding = findings_of(cluster_view())["vip.single_holder"]
    assert (finding.status, finding.seen) == (Status.PASS, "lb-1")


@pytest.mark.parametrize(
    ("holders", "seen"),
    [
        pytest.param([], "nobody", id="none"),
        pytest.param(["lb-1", "lb-3"], "lb-1, lb-3", id="two"),
        pytest.param(["lb-1", "lb-2", "lb-3"], "lb-1, lb-2, lb-3", id="all"),
    ],
)
def test_no_holder_and_several_turn_red(cluster_view: Clusters, holders: list[str], seen: str) -> None:
    finding = findings_of(cluster_view(held_by(*holders)))["vip.single_holder"]
    assert (finding.status, finding.seen) == (Status.FAIL, seen)
    assert finding.expected == "exactly one of lb-1, lb-2, lb-3 holds 192.0.2.10"
    assert "protocol 112" in finding.next


@pytest.mark.parametrize("unseen", [["lb-1"], ["lb-2"], ["lb-1", "lb-2", "lb-3"]], ids=", ".join)
@pytest.mark.parametrize("check", ["vip.single_holder", *ALONE])
def test_cluster_that_was_not_seen_whole_is_unknown_with_the_reason(
    cluster_view: Clusters, check: str, unseen: list[str]
) -> None:
    status = Status.WARN if check == "cluster.versions" else Status.UNKNOWN
    assert_unmade(cluster_view(unseen=unseen), check, "seen", status)


@pytest.mark.parametrize("check", ["vip.single_holder", *ALONE])
def test_node_that_was_not_seen_is_named(cluster_view: Clusters, check: str) -> None:
    assert findings_of(cluster_view(unseen=["lb-2"]))[check].seen == "not seen: lb-2"


def test_two_holders_are_a_failure_even_if_nodes_are_unseen(cluster_view: Clusters) -> None:
    changes = {host: vrrp("MASTER", holds=True) for host in ("lb-1", "lb-2")}
    finding = findings_of(cluster_view(changes, unseen=["lb-3"]))["vip.single_holder"]
    assert (finding.status, finding.seen) == (Status.FAIL, "lb-1, lb-2")


def test_facts_of_other_clusters_hosts_count_for_nothing(cluster_view: Clusters) -> None:
    view = cluster_view()
    stranger = replace(view, facts={**view.facts, "lb-9": vrrp("MASTER", holds=True)(view.facts["lb-1"])})
    assert findings_of(stranger)["vip.single_holder"].seen == "lb-1"


def test_holder_is_shown_with_its_hardware_address(cluster_view: Clusters) -> None:
    assert findings_of(cluster_view())["vip.arp"].seen == f"lb-1, {HOLDER_MAC}"


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        pytest.param({"lb-2": answers(OTHER_MAC)}, f"lb-2 gets {OTHER_MAC}", id="another answers"),
        pytest.param({"lb-2": answers(HOLDER_MAC, OTHER_MAC)}, f"lb-2 gets {OTHER_MAC}, {HOLDER_MAC}", id="two answer"),
        pytest.param({"lb-3": answers()}, "lb-3 gets no answer", id="nobody answers"),
        pytest.param({"lb-1": answers(OTHER_MAC)}, f"lb-1 gets {OTHER_MAC}", id="the holder hears another"),
        pytest.param(
            {"lb-2": facts(heard=None), "lb-3": answers(OTHER_MAC)}, f"lb-3 gets {OTHER_MAC}", id="one is deaf"
        ),
    ],
)
def test_wrong_hardware_address_turns_red(cluster_view: Clusters, changes: dict[str, Change], seen: str) -> None:
    assert_red(cluster_view(changes), "vip.arp", "only the VIP holder answers ARP", seen, "hardware address")


def test_wrong_hardware_address_turns_red_even_if_nodes_are_unseen(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-2": answers(OTHER_MAC)}, unseen=["lb-3"])
    assert findings_of(view)["vip.arp"].status is Status.FAIL


def test_two_holders_that_answer_turn_red(cluster_view: Clusters) -> None:
    both = {"lb-2": together(vrrp("MASTER", holds=True), answers(HOLDER_MAC, OTHER_MAC))}
    assert findings_of(cluster_view(both))["vip.arp"].status is Status.FAIL


def test_holder_need_not_hear_its_own_answer(cluster_view: Clusters) -> None:
    assert findings_of(cluster_view({"lb-1": answers()}))["vip.arp"].status is Status.PASS


def test_answer_for_another_address_raises_no_false_alarm(cluster_view: Clusters) -> None:
    """The holder asks for its clients by the VIP, and hears what they answer."""
    other = Answer(IPv4Address("192.0.2.99"), OTHER_MAC)
    view = cluster_view({"lb-1": heard(answers=frozenset({other, Answer(VIP.ip, HOLDER_MAC)}))})
    assert findings_of(view)["vip.arp"].status is Status.PASS


def test_interface_of_the_vips_own_is_the_holders(cluster_view: Clusters) -> None:
    """`use_vmac` makes one, with a hardware address that VRRP gives it."""
    vmac = "00:00:5e:00:01:44"

    def move(found: Facts) -> Facts:
        addresses = [("vrrp.68" if each.ip == VIP.ip else name, each) for name, each in found.addresses]
        return replace(found, addresses=tuple(addresses), links={**found.links, "vrrp.68": Link(vmac, is_up=True)})

    view = cluster_view({"lb-1": together(move, answers(HOLDER_MAC)), "lb-2": answers(vmac), "lb-3": answers(vmac)})
    assert findings_of(view)["vip.arp"].status is Status.FAIL  # lb-1 itself still hears the old one
    view = cluster_view({"lb-1": together(move, answers(vmac)), "lb-2": answers(vmac), "lb-3": answers(vmac)})
    assert findings_of(view)["vip.arp"].seen == f"lb-1, {vmac}"


def test_deaf_node_cannot_tell_who_answers(cluster_view: Clusters) -> None:
    assert_unmade(cluster_view({"lb-3": heard(trouble="tcpdump: no")}), "vip.arp", "cannot listen: lb-3")


def test_node_without_tcpdump_is_red_elsewhere(cluster_view: Clusters) -> None:
    assert_skipped(cluster_view({"lb-3": facts(heard=None)}), "vip.arp", "cannot listen: lb-3")


def test_address_that_nobody_holds_and_nobody_answers_for_is_skipped(cluster_view: Clusters) -> None:
    changes = {host: together(vrrp("BACKUP", holds=False), answers()) for host in HOSTS}
    finding = findings_of(cluster_view(changes))["vip.arp"]
    assert (finding.status, finding.seen) == (Status.SKIP, "no single holder seen; no answer")


def test_foreign_answer_for_an_address_without_holder_turns_red(cluster_view: Clusters) -> None:
    changes = {host: together(vrrp("BACKUP", holds=False), answers(OTHER_MAC)) for host in HOSTS}
    assert findings_of(cluster_view(changes))["vip.arp"].status is Status.FAIL


@pytest.mark.parametrize(
    ("endpoint", "seen"),
    [
        pytest.param(Endpoint(REFUSED, REFUSED), "curl: (7) refused, curl: (7) refused", id="nobody there"),
        pytest.param(Endpoint(Probe(500, ""), VERSION), "HTTP 500, v1.30.0", id="not ready"),
        pytest.param(Endpoint(Probe(200, "", "ok"), Probe(200, "", "<h1>")), "HTTP 200, HTTP 200", id="somebody else"),
        pytest.param(Endpoint(Probe(401, ""), Probe(401, "")), "HTTP 401: an apiserver answers", id="login"),
        pytest.param(Endpoint(Probe(200, ""), REFUSED), "HTTP 200, curl: (7) refused", id="half-way"),
    ],
)
def test_controller_without_an_answer_turns_red(cluster_view: Clusters, endpoint: Endpoint, seen: str) -> None:
    words = "https://192.0.2.10:8443/readyz, verified by the CA, asked from the controller"
    assert_red(cluster_view(endpoint=endpoint), "vip.from_controller", words, seen, "verify.from_controller: false")


def test_version_behind_a_login_is_no_failure_for_the_controller(cluster_view: Clusters) -> None:
    view = cluster_view(endpoint=Endpoint(Probe(200, "", "ok"), Probe(403, "")))
    assert findings_of(view)["vip.from_controller"].status is Status.PASS


def test_controller_without_an_answer_is_skipped_if_configured(cluster_view: Clusters) -> None:
    login = Endpoint(Probe(401, ""), Probe(401, ""))
    by_tcp = cluster_view(endpoint=login, group={"haproxy": {"check": "tcp"}})
    assert_skipped(by_tcp, "vip.from_controller", "so its readiness is unknown")


def test_controller_that_did_not_ask_is_unknown(cluster_view: Clusters) -> None:
    assert_unmade(cluster_view(endpoint=None), "vip.from_controller", "not asked: the run ended before this check")


ETCD_GONE = Probe(500, "", "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n")
READY = Probe(200, "", "ok")


@pytest.mark.parametrize(
    ("ready", "live", "seen"),
    [
        pytest.param(ETCD_GONE, READY, "lb-2: not ready: etcd failed; alive", id="etcd"),
        pytest.param(Probe(500, ""), Probe(500, ""), "lb-2: /readyz HTTP 500; /livez HTTP 500", id="all"),
        pytest.param(Probe(0, "timed out"), READY, "lb-2: /readyz timed out; alive", id="late"),
        pytest.param(READY, Probe(0, "timed out"), "lb-2: ready; /livez timed out", id="half dead"),
    ],
)
def test_unhealthy_apiserver_turns_red(cluster_view: Clusters, ready: Probe, live: Probe, seen: str) -> None:
    endpoint = Endpoint(READY, VERSION, apiservers={"lb-1": (READY, READY), "lb-2": (ready, live)})
    assert_red(cluster_view(endpoint=endpoint), "apiserver.health", "asked directly, with the credential", seen, "etcd")


def test_apiserver_that_was_not_reached_is_unknown(cluster_view: Clusters) -> None:
    endpoint = Endpoint(READY, VERSION, apiservers={"lb-1": (READY, READY), "lb-2": (REFUSED, REFUSED)})
    assert_unmade(cluster_view(endpoint=endpoint), "apiserver.health", "lb-2: not reached: curl: (7) refused")
    refused = Endpoint(READY, VERSION, apiservers={"lb-1": (Probe(401, ""), Probe(401, ""))})
    assert_unmade(cluster_view(endpoint=refused), "apiserver.health", "lb-1: the credential is rejected")
    assert_unmade(cluster_view(endpoint=None), "apiserver.health", "no kubeconfig, or the run ended before this check")


def peer(address: str, readyz: Probe) -> Change:
    def change(found: Facts) -> Facts:
        return reachable(peers={**found.reachable.peers, f"{address}:8443": readyz})(found)

    return change


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(peer("192.0.2.13", REFUSED), "lb-2 -> lb-3: curl: (7) refused", id="refused"),
        pytest.param(peer("192.0.2.13", Probe(500, "")), "lb-2 -> lb-3: HTTP 500", id="not ready"),
    ],
)
def test_peer_that_would_not_serve_turns_red(cluster_view: Clusters, change: Change, seen: str) -> None:
    words = "each node's haproxy serves all other nodes"
    assert_red(cluster_view({"lb-2": change}), "haproxy.reached_by_peers", words, seen, "host.firewall")
    unseen = findings_of(cluster_view({"lb-2": change}, unseen=["lb-3"]))["haproxy.reached_by_peers"]
    assert unseen.status is Status.FAIL


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(unchanged, id="as it is"),
        pytest.param(peer("192.0.2.13", Probe(401, "")), id="login"),
    ],
)
def test_peer_that_would_serve_passes(cluster_view: Clusters, change: Change) -> None:
    finding = findings_of(cluster_view({"lb-2": change}))["haproxy.reached_by_peers"]
    assert (finding.status, finding.seen) == (Status.PASS, "6 paths")


def test_peer_that_one_node_could_not_ask_is_unknown(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-3": reachable(peers={})})
    assert_unmade(view, "haproxy.reached_by_peers", "not asked: lb-3 -> lb-1, lb-3 -> lb-2")


@pytest.mark.parametrize("daemon", ["haproxy", "keepalived"])
def test_versions_that_differ_are_warned_of(cluster_view: Clusters, daemon: str) -> None:
    view = cluster_view({"lb-3": package(daemon, Package("1:9.8.7-1"))})
    seen = f"lb-3's {daemon} is 9.8.7"
    assert_red(view, "cluster.versions", "the same upstream version", seen, "to one release", status=Status.WARN)
    assert f"lb-1's {daemon} is 2." in findings_of(view)["cluster.versions"].seen


def test_versions_of_one_release_are_shown(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-3": package("haproxy", Package("2.6.12-1+deb12u9"))})  # the distribution's own number
    finding = findings_of(view)["cluster.versions"]
    assert (finding.status, finding.seen) == (Status.PASS, "haproxy 2.6.12, keepalived 2.2.7")


@pytest.mark.parametrize("found", [None, Package(None, "2.6.12")], ids=["unknown", "to be had"])
def test_daemon_that_is_not_installed_has_no_version(cluster_view: Clusters, found: Package | None) -> None:
    assert_skipped(cluster_view({"lb-3": package("haproxy", found)}), "cluster.versions", "lb-3 has no haproxy")
    nowhere = cluster_view(dict.fromkeys(HOSTS, facts(packages={})))
    assert findings_of(nowhere)["cluster.versions"].status is Status.SKIP


def ahead(at_least: float, at_most: float) -> Change:
    return facts(clock=Clock(1795410549.0, 1795410550.0, (at_least, at_most)))


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        pytest.param({"lb-2": ahead(2.0, 2.5)}, "lb-1 and lb-2 are 2.0 s apart; lb-2 and lb-3", id="ahead"),
        pytest.param({"lb-2": ahead(-3.1, -3.0)}, "lb-1 and lb-2 are 3.0 s apart; lb-2 and lb-3", id="behind"),
        pytest.param(
            {"lb-1": ahead(-0.9, -0.8), "lb-3": ahead(0.8, 0.9)}, "lb-1 and lb-3 are 1.6 s apart", id="both ways"
        ),
    ],
)
def test_clocks_that_differ_turn_red(cluster_view: Clusters, changes: dict[str, Change], seen: str) -> None:
    assert_red(cluster_view(changes), "cluster.clocks", "at most 1 s apart", seen, "timedatectl")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"lb-2": ahead(0.5, 3.0)}, id="that a slow answer may account for"),
        pytest.param({"lb-2": ahead(-9.0, 9.0)}, id="that a very slow answer may account for"),
        pytest.param(dict.fromkeys(HOSTS, ahead(3600.0, 3600.1)), id="all unlike the controller's"),
        pytest.param({"lb-2": ahead(1.0, 1.0)}, id="by just the limit"),
    ],
)
def test_clocks_that_may_agree_raise_no_false_alarm(cluster_view: Clusters, changes: dict[str, Change]) -> None:
    finding = findings_of(cluster_view(changes))["cluster.clocks"]
    assert (finding.status, finding.seen) == (Status.PASS, "they agree")


def test_clocks_limit_is_the_inventorys(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-2": ahead(0.3, 0.3)}, group={"verify": {"clock_difference": 0.2}})
    assert_red(view, "cluster.clocks", "at most 0.2 s apart", "0.3 s apart", "chrony")


def test_clock_of_one_node_agrees_with_none(cluster_view: Clusters) -> None:
    assert_unmade(cluster_view(unseen=["lb-2", "lb-3"]), "cluster.clocks", "fewer than two nodes were seen")


def test_peers_that_were_not_probed_without_curl_are_skipped(cluster_view: Clusters) -> None:
    no_curl = reachable(peers={}, readyz=NOT_PROBED, version=NOT_PROBED)
    view = cluster_view(dict.fromkeys(HOSTS, no_curl))
    assert_skipped(view, "haproxy.reached_by_peers", "not asked: lb-1 -> lb-2")
