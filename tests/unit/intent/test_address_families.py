"""VIPs of IPv6, of both families, and several: what an inventory may say, and what follows on the hosts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface
from typing import Any

import pytest
from nornir.core import Nornir
from tests.support.changes import Change, Clusters, Hosts, assert_red, facts, findings_of, heard, reachable, together
from tests.support.inventories import DUAL, IPV6, OF_IPV6

from nornir_kube_ha.checks import Status
from nornir_kube_ha.errors import Problem
from nornir_kube_ha.facts import Answer, Endpoint, Facts, Listener, Probe
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF, KEEPALIVED_DROP_IN
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.rollout.preflight import blockers

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]

HOSTS = ("lb-1", "lb-2", "lb-3")
SEVERAL = [("eth0", ip_interface(vip)) for vip in ("192.0.2.10/24", "192.0.2.20/24", "2001:db8::10/64")]
HOLDER_MAC, OTHER_MAC = "02:07:e7:b0:ee:d5", "02:00:00:00:00:99"
ANSWERS = frozenset(Answer(vip.ip, HOLDER_MAC) for _, vip in SEVERAL)
READY = Probe(200, "", "ok")
VERSION = Probe(200, "", '{"gitVersion": "v1.30.0"}')


def problem(nornir: Nornir, problems_of: ProblemsOf, key: str) -> str:
    """What is said of a key, at whatever host first."""
    return next(each.message for each in problems_of(nornir) if each.key == key)


# What an inventory may say


def test_a_cluster_of_ipv6_is_called_by_brackets(ipv6: Intent) -> None:
    node = ipv6.node("lb-1")
    assert node.endpoint == "[2001:db8::10]:8443"
    assert node.stats_url == "http://[2001:db8::10]:10080/status"
    assert node.haproxy_address == "[2001:db8::11]:8443"
    assert [str(each) for each in node.apiservers][:1] == ["[2001:db8::11]:6443"]
    assert node.server_names == ("2001:db8::10",)


def test_listeners_are_on_both_families_where_a_vip_is_of_ipv6(intent: Intent, ipv6: Intent, dual: Intent) -> None:
    assert (intent.nodes[0].bind, intent.nodes[0].sockets) == (
        "0.0.0.0:8443",
        ("0.0.0.0:8443", "0.0.0.0:10080", "0.0.0.0:8444"),
    )
    for each in (ipv6, dual):
        assert (each.nodes[0].bind, each.nodes[0].stats_bind) == ("[::]:8443 v4v6", "[::]:10080 v4v6")
        assert each.nodes[0].sockets == ("*:8443", "*:10080", "*:8444")  # as ss prints one that listens on both


def test_an_address_of_the_stats_pages_own_stays(nornir_of: NornirOf) -> None:
    group = {**IPV6, "haproxy": {"stats": {"bind": "2001:db8::99"}}}
    node = load_intent(nornir_of(OF_IPV6, group=group)).nodes[0]
    assert (node.stats_bind, node.sockets[1]) == ("[2001:db8::99]:10080", "[2001:db8::99]:10080")
    assert node.stats_url == "http://[2001:db8::99]:10080/status"


def test_vips_are_parted_by_what_adverts_can_name(dual: Intent) -> None:
    node, router = dual.nodes[0], dual.clusters[0].router()
    assert [str(vip) for vip in router.advertised_vips] == ["192.0.2.10/24", "192.0.2.20/24"]
    assert [str(vip) for vip in router.carried_vips] == ["2001:db8::10/64"]
    assert dual.clusters[0].addresses == "192.0.2.10, 192.0.2.20, 2001:db8::10"
    assert node.server_names == ("192.0.2.10", "192.0.2.20", "2001:db8::10")


def test_a_name_stands_for_all_vips(nornir_of: NornirOf) -> None:
    node = load_intent(nornir_of(group={**DUAL, "control_plane_endpoint": "k8s.example.org:8443"})).nodes[0]
    assert node.server_names == ("k8s.example.org",)


def test_an_endpoint_of_ipv6_stands_in_brackets(nornir_of: NornirOf) -> None:
    group = {**IPV6, "control_plane_endpoint": "[2001:db8::10]:8443"}
    assert load_intent(nornir_of(OF_IPV6, group=group)).nodes[0].endpoint == "[2001:db8::10]:8443"


@pytest.mark.parametrize(
    ("hosts", "group", "key", "words"),
    [
        pytest.param({}, {"vip": "2001:db8::10/64"}, "vip", "but this host's address 192.0.2.11 is IPv4", id="mix"),
        pytest.param({}, {"vip": "2001:db8::10"}, "vip", "needs its prefix length", id="no prefix"),
        pytest.param({}, {"vip": "fe80::10/64"}, "vip", "is a link-local address", id="link-local"),
        pytest.param({}, {"vip": "::ffff:192.0.2.10/120"}, "vip", "is an IPv4 address; write 192.0.2.10", id="mapped"),
        pytest.param({}, {"additional_vips": ["2001:db8::10%x';reboot;'/64"]}, "additional_vips.0", "an interface",
                     id="shell"),
        pytest.param({}, {"additional_vips": ["2001:db8::10%a\n}/64"]}, "additional_vips.0", "an interface", id="line"),
        pytest.param({}, {"vip": "127.0.0.1/8"}, "vip", "is not an address that a host", id="loopback"),
        pytest.param({}, {"additional_vips": ["ff05::1/64"]}, "additional_vips.0", "is not an address", id="multicast"),
        pytest.param({}, {"additional_vips": [f"192.0.2.{each}/24" for each in range(20, 29)]}, "additional_vips",
                     "at most 8", id="nine"),
        pytest.param(OF_IPV6, {**IPV6, "vip": "2001:db8::/64"}, "vip", "expected a host address", id="network"),
        pytest.param(OF_IPV6, {**IPV6, "keepalived": {"vrrp_version": 2, "advert_int": 1}}, "keepalived.vrrp_version",
                     "2 does not support IPv6", id="version 2"),
        pytest.param({}, {"additional_vips": ["192.0.2.10/24"]}, "additional_vips", "listed twice", id="the same"),
        pytest.param({}, {"additional_vips": ["192.0.2.99/24"], "apiservers": [{"address": "192.0.2.99"}]},
                     "additional_vips", "an apiserver's address", id="an apiserver's"),
        pytest.param({}, {"additional_vips": ["192.0.2.0/24"]}, "additional_vips", "a host address", id="no host's"),
        pytest.param({}, {"additional_vips": ["2001:db8::10"]}, "additional_vips.0", "prefix length", id="no length"),
        pytest.param({}, {**DUAL, "haproxy": {"stats": {"bind": "2001:db8::10"}}}, "haproxy.stats.bind",
                     "which only its holder can bind", id="stats at a VIP"),
        pytest.param({"lb-2": DUAL}, {}, "additional_vips", "the same on all nodes of cluster demo", id="one node's"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, hosts: dict[str, Any], group: dict[str, Any], key: str, words: str
) -> None:
    assert words in problem(nornir_of(hosts, group=group), problems_of, key)


def second_cluster(vrid: int, vip: str, *addresses: str) -> dict[str, Any]:
    roles = ("master", "backup")
    return {
        f"x-{number}": {"cluster": "x", "vip": vip, "virtual_router_id": vrid, "role": role, "address": address}
        for number, (role, address) in enumerate(zip(roles, addresses, strict=True))
    }


def test_clusters_with_nodes_of_the_other_family_are_refused(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    group = {"vip": "2001:db8:1::10/64", "virtual_router_id": "auto", "control_plane_endpoint": None}
    other = second_cluster(68, "2001:db8:2::10/64", "192.0.2.21", "192.0.2.22")
    assert "is IPv6, but this host's address" in problem(nornir_of(other, group=group), problems_of, "vip")


def test_an_additional_vip_must_be_unique(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    other = second_cluster(69, "2001:db8::10/64", "2001:db8::21", "2001:db8::22")
    nornir = nornir_of({**dict.fromkeys(HOSTS, DUAL), **other})
    assert "2001:db8::10 is also cluster demo's VIP's" in problem(nornir, problems_of, "address")


def test_one_vrid_is_two_where_families_differ(nornir_of: NornirOf) -> None:
    other = second_cluster(68, "2001:db8::20/64", "2001:db8::21", "2001:db8::22")
    assert len(load_intent(nornir_of({**dict.fromkeys(HOSTS, DUAL), **other})).clusters) == 2


def test_one_vrid_is_one_on_one_network_of_ipv6(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    other = second_cluster(68, "2001:db8::20/128", "2001:db8::21", "2001:db8::22")
    group = {"apiservers": [{"address": "2001:db8::30"}], "vip": "2001:db8::10/128"}
    assert "is also cluster demo's" in problem(
        nornir_of({**OF_IPV6, **other}, group=group), problems_of, "virtual_router_id"
    )


# What is rendered


Rendered = Callable[..., dict[str, dict[str, ConfigFile]]]


def test_files_of_ipv6(nornir_of: NornirOf, render: Rendered) -> None:
    files = render(nornir_of(OF_IPV6, group=IPV6))["lb-1"]
    keepalived, haproxy = files[KEEPALIVED_CONF].content, files[HAPROXY_CFG].content
    assert "    unicast_src_ip 2001:db8::11\n    unicast_peer {\n        2001:db8::12\n" in keepalived
    assert "    virtual_ipaddress {\n        2001:db8::10/64 preferred_lft 0\n    }\n" in keepalived
    assert "virtual_ipaddress_excluded" not in keepalived
    assert "    server lb-1 [2001:db8::11]:6443 weight 1\n" in haproxy


def test_a_dead_keepalived_leaves_no_vip_behind(nornir_of: NornirOf, render: Rendered) -> None:
    content = render(nornir_of(group=DUAL))["lb-1"][KEEPALIVED_DROP_IN].content
    for _, vip in SEVERAL:
        assert f"ip address flush dev eth0 to {vip.ip} 2" in content  # whatever its prefix length


# What is found


def serving(found: Facts) -> Facts:
    """The holder of all of `DUAL`'s VIPs; another node just the same, without them."""
    vips = {vip.ip for _, vip in SEVERAL}
    others = tuple(pair for pair in found.addresses if pair[1].ip not in vips)
    holds = any(address.ip == IPv4Address("192.0.2.10") for _, address in found.addresses)
    listeners = tuple(Listener("*", port, "haproxy") for port in (8443, 10080, 8444))
    changes: tuple[Change, ...] = (
        facts(addresses=(*others, *SEVERAL) if holds else others, listeners=listeners),
        heard(answers=frozenset() if holds else ANSWERS),
        reachable(additional={"192.0.2.20": READY, "2001:db8::10": READY}),
        named("IP Address:192.0.2.10", "IP Address:192.0.2.20", "IP Address:2001:DB8:0:0:0:0:0:10"),
    )
    return together(*changes)(found)


def named(*names: str) -> Change:
    """Each apiserver's certificate has these names."""

    def change(found: Facts) -> Facts:
        certificates = {key: replace(each, names=names) for key, each in found.reachable.certificates.items()}
        return reachable(certificates=certificates)(found)

    return change


def without(vip: str) -> Change:
    return lambda found: replace(found, addresses=tuple(pair for pair in found.addresses if str(pair[1]) != vip))


def test_a_healthy_node_passes(host_view: Hosts) -> None:
    for name in HOSTS:
        findings = findings_of(host_view(name, serving, group=DUAL))
        assert {finding.status for finding in findings.values()} == {Status.PASS}
    assert findings["vip.ping"].expected == "192.0.2.10, 192.0.2.20, 2001:db8::10 answers"
    assert "and at 192.0.2.20, 2001:db8::10" in findings["vip.readyz"].expected


def together_with(cluster_view: Clusters, changes: Mapping[str, Change], **options: Any) -> Any:  # noqa: ANN401
    all_changes = {name: together(serving, changes.get(name, lambda found: found)) for name in HOSTS}
    endpoint = Endpoint(READY, VERSION, {"192.0.2.20": READY, "2001:db8::10": READY}, {"lb-1": (READY, READY)})
    return cluster_view(all_changes, **{"endpoint": endpoint, "group": DUAL, **options})


def test_a_healthy_cluster_passes(cluster_view: Clusters) -> None:
    findings = findings_of(together_with(cluster_view, {}))
    assert {finding.status for finding in findings.values()} == {Status.PASS}
    assert findings["vip.single_holder"].expected.endswith("holds 192.0.2.10, 192.0.2.20, 2001:db8::10")


@pytest.mark.parametrize(
    ("check", "change", "words"),
    [
        ("vip.ping", reachable(silent=("2001:db8::10",)), ("", "2001:db8::10 does not answer", "")),
        ("vip.readyz", reachable(additional={"192.0.2.20": READY, "2001:db8::10": Probe(500, "")}),
         ("and at", "at 2001:db8::10: HTTP 500", "")),
        ("keepalived.state", without("2001:db8::10/64"), ("", "MASTER, holds 192.0.2.10, 192.0.2.20 only", "")),
    ],
)  # fmt: skip
def test_an_additional_vip_without_answer_turns_red(
    host_view: Hosts, check: str, change: Change, words: tuple[str, ...]
) -> None:
    assert_red(host_view("lb-1", together(serving, change), group=DUAL), check, *words)


def test_what_was_not_asked_at_an_additional_vip_is_not_passed(host_view: Hosts) -> None:
    view = host_view("lb-1", together(serving, reachable(additional={})), group=DUAL)
    assert findings_of(view)["vip.readyz"].status is Status.UNKNOWN


def test_a_dead_additional_vip_is_seen_though_apiservers_reject_anonymous_clients(host_view: Hosts) -> None:
    change = reachable(
        readyz=Probe(403, ""), additional={"192.0.2.20": Probe(403, ""), "2001:db8::10": Probe(0, "gone")}
    )
    group = {**DUAL, "haproxy": {"check": "tcp"}}
    assert_red(host_view("lb-1", together(serving, change), group=group), "vip.readyz", "", "at 2001:db8::10: gone", "")


def test_a_vip_apart_from_the_others_turns_red(cluster_view: Clusters) -> None:
    finding = findings_of(together_with(cluster_view, {"lb-1": without("192.0.2.20/24")}))["vip.single_holder"]
    assert (finding.status, finding.seen) == (Status.FAIL, "lb-1; lb-1 without 192.0.2.20")


def test_another_holder_of_one_vip_turns_red(cluster_view: Clusters) -> None:
    two = ANSWERS | {Answer(ip_address("2001:db8::10"), OTHER_MAC)}
    finding = findings_of(together_with(cluster_view, {"lb-2": heard(answers=two)}))["vip.arp"]
    assert finding.status is Status.FAIL
    assert finding.seen == f"lb-2 gets {OTHER_MAC}, {HOLDER_MAC} of 2001:db8::10"


def test_the_controller_asks_each_vip(cluster_view: Clusters) -> None:
    endpoint = Endpoint(READY, VERSION, {"192.0.2.20": READY, "2001:db8::10": Probe(0, "timed out")})
    finding = findings_of(together_with(cluster_view, {}, endpoint=endpoint))["vip.from_controller"]
    assert (finding.status, finding.seen) == (Status.FAIL, "HTTP 200; at 2001:db8::10: timed out, v1.30.0")


def test_a_certificate_names_each_vip(cluster_view: Clusters) -> None:
    only_one = {name: named("IP Address:192.0.2.10", "IP Address:nonsense:") for name in HOSTS}
    finding = findings_of(together_with(cluster_view, only_one))["apiserver.certificates"]
    assert finding.status is Status.FAIL
    assert "does not name 192.0.2.20, 2001:db8::10" in finding.seen


# What speaks against a deploy


def fresh(found: Facts) -> Facts:
    files = {path: file for path, file in found.files.items() if path != KEEPALIVED_CONF}
    addresses = tuple(pair for pair in found.addresses if pair[1].ip not in {vip.ip for _, vip in SEVERAL})
    return replace(found, files=files, addresses=addresses)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found, []),  # no address of IPv6 on the interface: a route may still lead there
        (
            lambda found: replace(found, addresses=(*found.addresses, ("eth0", ip_interface("2001:db8:1::11/64")))),
            ["2001:db8::10 is outside the networks of eth0: 2001:db8:1::/64"],
        ),
        (
            lambda found: replace(found, addresses=(*found.addresses, ("eth1", ip_interface("2001:db8::10/64")))),
            [
                (
                    "2001:db8::10 is already an address of this host, and not set by keepalived; the VIP "
                    "must be an unused address"
                )
            ],
        ),
        (  # by DHCPv6: its network is the router's to tell
            lambda found: replace(found, addresses=(*found.addresses, ("eth0", ip_interface("2001:db8:1::11/128")))),
            [],
        ),
        (
            lambda found: replace(found, addresses=(("eth0", ip_interface("192.0.2.11/24")),)),
            ["eth0 has no IPv6 address, so clients could not reach 2001:db8::10"],
        ),
        (
            heard(answers=frozenset({Answer(ip_address("2001:db8::10"), OTHER_MAC)})),
            [f"another machine already has 2001:db8::10: {OTHER_MAC} answers for it"],
        ),
    ],
)
def test_what_speaks_against_an_additional_vip(
    dual: Intent, healthy: Mapping[str, Facts], change: Change, words: list[str]
) -> None:
    found = {name: fresh(each) for name, each in without_certificates(healthy).items()}
    found["lb-1"] = change(found["lb-1"])
    assert [*blockers(dual.clusters[0], dual.node("lb-1"), found)] == words


def without_certificates(healthy: Mapping[str, Facts]) -> dict[str, Facts]:
    """The same hosts before `kubeadm init`: those of the records do not name the additional VIPs."""
    return {name: reachable(certificates={})(each) for name, each in healthy.items()}


def test_an_added_vip_must_not_be_an_address_of_the_host(dual: Intent, healthy: Mapping[str, Facts]) -> None:
    own = healthy["lb-1"]
    conf = b"vrrp_instance x {\n virtual_ipaddress {\n  192.0.2.10/24\n }\n}\n"
    live = {**own.files, KEEPALIVED_CONF: replace(own.files[KEEPALIVED_CONF], content=conf)}
    own = replace(own, files=live, addresses=(*own.addresses, ("eth0", ip_interface("2001:db8::10/64"))))
    words = [*blockers(dual.clusters[0], dual.node("lb-1"), {**healthy, "lb-1": own})]
    assert (
        "2001:db8::10 is already an address of this host, and not set by keepalived; the VIP must be an unused address"
        in words
    )
    assert not any(word.startswith("192.0.2.10 ") for word in words)


def test_who_listens_on_one_family_is_in_the_way_of_both(dual: Intent, healthy: Mapping[str, Facts]) -> None:
    taken = replace(healthy["lb-1"], listeners=(Listener("[::1]", 8443, "nginx"),))
    words = blockers(dual.clusters[0], dual.node("lb-1"), {**healthy, "lb-1": taken})
    assert "port 8443 is used by nginx on [::1]" in words


@pytest.mark.field_report(
    "E5",
    "kube-vip#523",
    "with IPv6 switched off on a backup, verify passes, and a planned move to it loses the VIP",
    "host.interface is red, vip move and deploy refuse before they begin",
)
def test_ipv6_that_is_switched_off_turns_the_interface_red(host_view: Hosts) -> None:
    view = host_view(change=facts(has_ipv6=False), group=DUAL)
    finding = findings_of(view)["host.interface"]
    assert (finding.status, "and IPv6 is disabled" in finding.seen) == ("fail", True)
    assert "disable_ipv6=0" in finding.next
    found = blockers(view.cluster, view.node, {view.node.name: view.facts})
    assert any(words.startswith("IPv6 is disabled on eth0") for words in found)
    assert findings_of(host_view(change=facts(has_ipv6=False)))["host.interface"].status == "pass"
