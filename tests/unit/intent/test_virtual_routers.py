"""Several virtual routers in a cluster: each has VIPs, a VRID and a master of its own, and is judged for itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest
from nornir.core import Nornir
from tests.support.changes import SECOND_INSTANCE, TWO_WELL, Change, facts, findings_of, second_router, together, vrrp
from tests.support.inventories import SECOND_ROUTER, TWO_ROUTERS
from tests.support.world import ALL, World

from nornir_kube_ha.checks import ClusterView, HostView, Status
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import Problem, UsageError
from nornir_kube_ha.facts import Advert, Answer, Facts, Heard, Scope, VRRPInstance
from nornir_kube_ha.facts.wire import heard_filter
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import KEEPALIVED_CONF, KEEPALIVED_DROP_IN
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.runbooks.verify import verify
from nornir_kube_ha.runbooks.vip import _router_of

NornirOf = Callable[..., Nornir]
Problems = Callable[[Nornir], tuple[Problem, ...]]


@pytest.fixture
def two(nornir_of: NornirOf) -> Intent:
    return load_intent(nornir_of(group=TWO_ROUTERS))


def test_each_has_vips_a_number_and_a_master_of_its_own(two: Intent) -> None:
    [cluster] = two.clusters
    own, other = cluster.routers
    assert (own.virtual_router_id, own.addresses, own.master) == (68, "192.0.2.10", "lb-1")
    assert (other.virtual_router_id, other.addresses, other.master) == (69, "192.0.2.20", "lb-2")
    assert cluster.addresses == "192.0.2.10, 192.0.2.20"
    assert cluster.nodes[0].server_names == ("192.0.2.10", "192.0.2.20")
    assert cluster.router() == own
    assert cluster.router(69) == other
    with pytest.raises(KeyError):
        cluster.router(70)


def test_two_masters_change_places(two: Intent) -> None:
    [cluster] = two.clusters
    priorities = {
        router.virtual_router_id: [cluster.place(node, router).keepalived.priority for node in cluster.nodes]
        for router in cluster.routers
    }
    assert priorities == {68: [180, 120, 60], 69: [120, 180, 60]}


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"virtual_router_id": 68}, "virtual_routers.virtual_router_id", "68 is used twice in cluster demo"),
        ({"virtual_router_id": "auto"}, "virtual_routers.0.virtual_router_id", "valid integer"),
        ({"virtual_router_id": 256}, "virtual_routers.0.virtual_router_id", "less than or equal to 255"),
        ({"master": "lb-9"}, "virtual_routers.master", "expected a node of cluster demo (lb-1, lb-2, lb-3), got lb-9"),
        ({"vip": "192.0.2.10/24"}, "virtual_routers", "192.0.2.10 is listed twice"),
        ({"vip": "192.0.2.12/24"}, "virtual_routers", "192.0.2.12 is this host's own address"),
        ({"vip": "2001:db8::20/64"}, "virtual_routers.vip", "put a VIP of the other family into additional_vips"),
        ({"virtual_router": 70}, "virtual_routers.0.virtual_router", "did you mean virtual_router_id"),
    ],
)
def test_what_cannot_be_is_refused(
    nornir_of: NornirOf, problems_of: Problems, changes: dict[str, object], key: str, words: str
) -> None:
    found = problems_of(nornir_of(group={"virtual_routers": [{**SECOND_ROUTER, **changes}]}))
    assert any(each.key == key and words in each.message for each in found), found


@pytest.mark.parametrize(("count", "taken"), [(5, True), (6, False)])
def test_as_many_are_taken_as_one_look_can_hear_of(
    nornir_of: NornirOf, problems_of: Problems, count: int, *, taken: bool
) -> None:
    further = [
        {**SECOND_ROUTER, "virtual_router_id": 70 + each, "vip": f"192.0.2.{70 + each}/24"} for each in range(count)
    ]
    nornir = nornir_of(group={"additional_vips": ["192.0.2.40/24", "192.0.2.41/24"], "virtual_routers": further})
    if taken:
        assert len(load_intent(nornir).clusters[0].vips) == 8
        return
    words = "cluster demo has 9 VIPs and 7 VRIDs, expected at most 14 in total"
    assert [(each.key, each.message) for each in problems_of(nornir)] == [("virtual_routers", words)]


def test_vrid_is_unique_on_the_network(nornir_of: NornirOf, problems_of: Problems) -> None:
    other = {"cluster": "other", "vip": "192.0.2.40/24", "virtual_router_id": 69, "virtual_routers": []}
    hosts = {"lb-4": {**other, "role": "master"}, "lb-5": {**other, "role": "backup"}}
    [problem] = problems_of(nornir_of(hosts, group=TWO_ROUTERS))
    assert (problem.host, problem.key) == ("lb-4", "virtual_router_id")
    assert "69 is also cluster demo's" in problem.message
    given = {name: {**data, "virtual_router_id": "auto", "vip": "192.0.2.69/24"} for name, data in hosts.items()}
    first = load_intent(nornir_of({**given}, group={**TWO_ROUTERS, "virtual_router_id": "auto"}))
    assert [cluster.virtual_router_ids for cluster in first.clusters] == [(10, 69), (70,)]
    allocated = {name: {**data, "virtual_router_id": "auto"} for name, data in hosts.items()}
    close = {name: {**data, "vip": "192.0.2.69/24"} for name, data in allocated.items()}
    assert load_intent(nornir_of(close, group=TWO_ROUTERS)).cluster_of("lb-4").virtual_router_id == 70


def conf(files: Mapping[str, Mapping[str, ConfigFile]], host: str) -> str:
    return files[host][KEEPALIVED_CONF].content


def test_keepalived_has_an_instance_for_each(
    nornir_of: NornirOf, render: Callable[..., dict[str, dict[str, ConfigFile]]]
) -> None:
    files = render(nornir_of(group={"virtual_routers": [{**SECOND_ROUTER, "additional_vips": ["2001:db8::20/64"]}]}))
    blocks = re.findall(r"(?ms)^vrrp_instance (\S+) \{\n(.*?)^\}", conf(files, "lb-2"))
    assert [name for name, _ in blocks] == ["VI-kube-master", SECOND_INSTANCE]
    own, other = (body for _, body in blocks)
    assert re.findall(r"(?:priority|virtual_router_id) (\d+)", own) == ["120", "68"]
    assert re.findall(r"(?:priority|virtual_router_id) (\d+)", other) == ["180", "69"]
    assert "192.0.2.10/32" in own
    assert "192.0.2.20/32" not in own
    assert re.search(r"virtual_ipaddress \{\s+192.0.2.20/32\s+\}", other)
    assert re.search(r"virtual_ipaddress_excluded \{\s+2001:db8::20/64 preferred_lft 0\s+\}", other)
    assert re.findall(r"^ +(vip_\S+)$", other, re.MULTILINE) == ["vip_released-69", "vip_wanted-69"]
    assert 'file "/run/kube-ha/vip-released-69"' in conf(files, "lb-2")
    assert files["lb-2"][KEEPALIVED_DROP_IN].content.count("ip address flush") == 3


def test_one_router_alone_is_written_as_ever(
    nornir_of: NornirOf, render: Callable[..., dict[str, dict[str, ConfigFile]]]
) -> None:
    assert conf(render(nornir_of(group={"virtual_routers": []})), "lb-1") == conf(render(nornir_of()), "lb-1")


def test_both_numbers_and_both_addresses_are_listened_for(two: Intent) -> None:
    heard = heard_filter(two.clusters[0])
    assert all(words in heard for words in ("+ 1] = 68", "+ 1] = 69", "host 192.0.2.10", "host 192.0.2.20"))


@pytest.mark.parametrize("host", TWO_WELL)
def test_a_healthy_node_passes(host_view: Callable[..., HostView], host: str) -> None:
    found = findings_of(host_view(host, TWO_WELL[host], group=TWO_ROUTERS))
    assert found["keepalived.state"].status is Status.PASS
    assert found["vip.readyz"].status is Status.PASS


def test_the_state_is_reported_for_each(host_view: Callable[..., HostView]) -> None:
    change = together(vrrp("MASTER", holds=True), second_router("MASTER", holds=False))
    found = findings_of(host_view("lb-1", change, group=TWO_ROUTERS))["keepalived.state"]
    assert found.status is Status.FAIL
    assert found.seen == "192.0.2.10: MASTER, holds the VIP; 192.0.2.20: MASTER, does not hold the VIP"
    missing = findings_of(host_view("lb-1", vrrp("MASTER", holds=True), group=TWO_ROUTERS))["keepalived.state"]
    assert f"192.0.2.20: keepalived has no {SECOND_INSTANCE}" in missing.seen


def test_one_that_is_to_come_is_no_nodes_fault(
    host_view: Callable[..., HostView], healthy: Mapping[str, Facts]
) -> None:
    old = replace(healthy["lb-3"].files[KEEPALIVED_CONF])
    change = together(vrrp("BACKUP", holds=False), lambda found: replace(found, files={**found.files, old.path: old}))
    found = findings_of(host_view("lb-3", change, group=TWO_ROUTERS))
    red = {each.id for each in found.values() if each.status is Status.FAIL}
    assert red <= {"files.intended"}
    assert found["keepalived.state"].seen == "BACKUP, does not hold the VIP"


def test_a_quick_look_hears_of_no_move(host_view: Callable[..., HostView]) -> None:
    group = {**TWO_ROUTERS, "keepalived": {"preempt": True}}
    away = together(vrrp("BACKUP", holds=False), second_router("BACKUP", holds=False), facts(heard=None))
    assert findings_of(host_view("lb-1", away, group=group))["keepalived.state"].status is Status.FAIL
    quick = together(away, facts(scope=Scope.OWN))
    assert findings_of(host_view("lb-1", quick, group=group))["keepalived.state"].status is Status.PASS


def test_a_report_shows_the_state_in_the_clusters_own(world: World, run_of: Callable[..., Run]) -> None:
    for name in ALL:
        others = (VRRPInstance(SECOND_INSTANCE, "FAULT", 1), *(world.facts[name].vrrp or ()))
        world.facts[name] = replace(world.facts[name], vrrp=others)
    report = verify(run_of("verify"))
    assert [host.state.vrrp for host in report.hosts.values() if host.state] == ["MASTER", "BACKUP", "BACKUP"]


def test_each_has_one_holder(cluster_view: Callable[..., ClusterView]) -> None:
    found = findings_of(cluster_view(TWO_WELL, group=TWO_ROUTERS))["vip.single_holder"]
    assert (found.status, found.seen) == (Status.PASS, "192.0.2.10: lb-1; 192.0.2.20: lb-2")
    both = {**TWO_WELL, "lb-3": together(vrrp("BACKUP", holds=False), second_router("MASTER", holds=True))}
    found = findings_of(cluster_view(both, group=TWO_ROUTERS))["vip.single_holder"]
    assert (found.status, found.seen) == (Status.FAIL, "192.0.2.10: lb-1; 192.0.2.20: lb-2, lb-3")
    nobody = {**TWO_WELL, "lb-2": together(vrrp("BACKUP", holds=False), second_router("BACKUP", holds=False))}
    found = findings_of(cluster_view(nobody, group=TWO_ROUTERS))["vip.single_holder"]
    assert (found.status, found.seen) == (Status.FAIL, "192.0.2.10: lb-1; 192.0.2.20: nobody")
    unseen = findings_of(cluster_view({"lb-1": TWO_WELL["lb-1"]}, unseen=["lb-2", "lb-3"], group=TWO_ROUTERS))
    assert (unseen["vip.single_holder"].status, unseen["vip.single_holder"].seen) == (
        Status.UNKNOWN,
        "not seen: lb-2, lb-3",
    )


def answering(view: ClusterView, owners: Mapping[str, str]) -> dict[str, Change]:
    """All nodes are told these hosts' hardware addresses, by address."""
    macs = {name: found.links["eth0"].mac for name, found in view.facts.items()}
    answers = frozenset(Answer(IPv4Interface(f"{address}/32").ip, macs[owner]) for address, owner in owners.items())
    return {name: together(TWO_WELL[name], facts(heard=Heard(frozenset(), answers))) for name in TWO_WELL}


def test_each_is_answered_for_by_its_own_holder(cluster_view: Callable[..., ClusterView]) -> None:
    view = cluster_view(TWO_WELL, group=TWO_ROUTERS)
    good = answering(view, {"192.0.2.10": "lb-1", "192.0.2.20": "lb-2"})
    assert findings_of(cluster_view(good, group=TWO_ROUTERS))["vip.arp"].status is Status.PASS
    bad = answering(view, {"192.0.2.10": "lb-1", "192.0.2.20": "lb-1"})
    found = findings_of(cluster_view(bad, group=TWO_ROUTERS))["vip.arp"]
    assert found.status is Status.FAIL
    assert "of 192.0.2.20" in found.seen
    assert "of 192.0.2.10" not in found.seen


def test_adverts_of_each_number_are_judged(host_view: Callable[..., HostView], healthy: Mapping[str, Facts]) -> None:
    [advert, *_] = (healthy["lb-3"].heard or Heard(frozenset(), frozenset())).adverts
    foreign = replace(advert, virtual_router_id=69, source=IPv4Interface("192.0.2.77/32").ip)

    def judged(*adverts: Advert) -> dict[str, Any]:
        heard = Heard(frozenset(adverts), frozenset())
        return dict(findings_of(host_view("lb-3", together(TWO_WELL["lb-3"], facts(heard=heard)), group=TWO_ROUTERS)))

    own = replace(advert, virtual_router_id=69, source=IPv4Interface("192.0.2.12/32").ip)
    assert judged(advert, own)["vrrp.adverts"].status is Status.PASS
    silent = judged(advert)["vrrp.adverts"]
    assert (silent.status, silent.seen) == (Status.FAIL, "lb-1; nobody")
    found = judged(advert, own, foreign)["vrrp.no_foreign_router"]
    assert found.status is Status.FAIL
    assert "192.0.2.77" in found.seen
    assert "VRID 69" in found.seen


def test_the_one_that_moves_is_named_by_its_address(two: Intent) -> None:
    [cluster] = two.clusters
    assert _router_of(cluster, "").virtual_router_id == 68
    assert _router_of(cluster, "192.0.2.20").virtual_router_id == 69
    assert _router_of(cluster, "192.0.2.20/24").virtual_router_id == 69
    with pytest.raises(UsageError, match="expected an IP address, got twenty"):
        _router_of(cluster, "twenty")
    with pytest.raises(UsageError, match=r"has no VIP 192\.0\.2\.30; its VIPs: 192\.0\.2\.10, 192\.0\.2\.20"):
        _router_of(cluster, "192.0.2.30")
