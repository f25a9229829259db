"""How the levels of Nornir's inventory become one host's data."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Group, Host, ParentGroups
from pydantic import ValidationError

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.merge import merged_data, our_hosts

NornirOf = Callable[..., Nornir]
FAR = {"cluster": "far", "vip": "192.0.2.250/24", "virtual_router_id": 70}


def host_of(host: dict[str, Any], *groups: dict[str, Any], defaults: dict[str, Any]) -> Host:
    """A host whose data, groups' data and defaults' data are these; the first group is the nearest."""
    base = Defaults(data=defaults)
    parents = ParentGroups([Group(f"group-{number}", data=data, defaults=base) for number, data in enumerate(groups)])
    return Host("lb-1", data=host, groups=parents, defaults=base)


@pytest.mark.parametrize(
    ("levels", "merged"),
    [
        (({"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}), {"a": 1}),
        (({}, {"a": 2}, {"a": 3}, {"a": 4}), {"a": 2}),  # the first group wins over the second, as in Nornir
        (({}, {}, {"a": 3}, {"a": 4}), {"a": 3}),
        (({}, {}, {}, {"a": 4}), {"a": 4}),
        (
            ({"s": {"a": 1}}, {"s": {"a": 2, "b": 2}}, {"s": {"b": 3, "c": 3}}, {"s": {"c": 4, "d": 4}}),
            {"s": {"a": 1, "b": 2, "c": 3, "d": 4}},  # sections merge
        ),
        (
            ({"s": {"t": {"a": 1}}}, {}, {}, {"s": {"t": {"b": 4}, "c": 4}}),
            {"s": {"t": {"a": 1, "b": 4}, "c": 4}},  # however deep
        ),
        (({"l": [1]}, {"l": [2, 3]}, {}, {}), {"l": [1]}),  # lists are replaced
        (({"s": {"l": [1]}}, {"s": {"l": [2, 3], "a": 2}}, {}, {}), {"s": {"l": [1], "a": 2}}),
        (({"s": None}, {"s": {"a": 2}}, {}, {}), {"s": None}),
        (({"s": {"a": 1}}, {"s": "text"}, {}, {}), {"s": {"a": 1}}),
        (({"a": False}, {"a": True}, {}, {}), {"a": False}),  # a value that is false is a value
    ],
)
def test_levels_merge(levels: tuple[dict[str, Any], ...], merged: dict[str, Any]) -> None:
    host, first, second, defaults = levels
    assert merged_data(host_of(host, first, second, defaults=defaults)) == merged


def test_nearest_level_is_the_one_that_nornir_takes() -> None:
    host = host_of({"a": 1}, {"a": 2, "b": 2}, {"b": 3, "c": 3}, defaults={"c": 4, "d": 4})
    assert merged_data(host) == {key: host[key] for key in "abcd"}


def test_group_of_a_group_lies_below_it() -> None:
    base = Defaults(data={})
    outer = Group("outer", data={"s": {"a": "outer", "b": "outer"}}, defaults=base)
    inner = Group("inner", data={"s": {"a": "inner"}}, groups=ParentGroups([outer]), defaults=base)
    host = Host("lb-1", groups=ParentGroups([inner]), defaults=base)
    assert merged_data(host) == {"s": {"a": "inner", "b": "outer"}}


def test_host_gives_one_key_of_a_section_and_inherits_the_others(nornir_of: NornirOf) -> None:
    nornir = nornir_of(
        {"lb-1": {"keepalived": {"priority": 200}}},
        group={"keepalived": {"advert_int": 0.5, "check": {"fall": 4}}},
        defaults={
            "haproxy": {"stats": {"password": "only-for-the-lab"}},
            "keepalived": {"advert_int": 0.7, "check": {"fall": 5, "rise": 6}},
        },
    )
    keepalived = load_intent(nornir).node("lb-1").keepalived
    assert (keepalived.priority, keepalived.advert_int) == (200, 0.5)
    assert (keepalived.check.fall, keepalived.check.rise) == (4, 6)


def test_parsing_leaves_nornirs_own_data_alone(nornir_of: NornirOf) -> None:
    nornir = nornir_of({"lb-1": {"foreign_keys": ["rack"], "rack": 3, "keepalived": {"priority": 200}}})
    before = deepcopy({name: merged_data(host) for name, host in nornir.inventory.hosts.items()})
    load_intent(nornir)
    assert {name: merged_data(host) for name, host in nornir.inventory.hosts.items()} == before


def test_role_and_place_give_router_id_priority_and_state(nornir_of: NornirOf) -> None:
    other = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}
    intent = load_intent(nornir_of({"lb-4": {"role": "backup", **other}, "lb-5": {"role": "master", **other}}))
    assert [(node.keepalived.router_id, node.keepalived.priority, node.keepalived.state) for node in intent.nodes] == [
        ("lb-1", 180, "BACKUP"),
        ("lb-2", 120, "BACKUP"),
        ("lb-3", 60, "BACKUP"),
        ("lb-4", 120, "BACKUP"),  # counted for each cluster by itself
        ("lb-5", 180, "BACKUP"),
    ]


@pytest.mark.parametrize(
    ("backups", "priorities"),
    [(1, [120]), (2, [120, 60]), (3, [121, 62, 3]), (4, [136, 92, 48, 4]), (5, [145, 110, 75, 40, 5])],
)
def test_priorities_are_as_far_apart_as_there_is_room(nornir_of: NornirOf, backups: int, priorities: list[int]) -> None:
    others = {f"far-{number}": {"role": "backup", **FAR} for number in range(backups)}
    intent = load_intent(nornir_of({"far-master": {"role": "master", **FAR}, **others}))
    nodes = intent.cluster_of("far-master").nodes
    assert [node.keepalived.priority for node in nodes] == [180, *priorities]


def test_so_many_backups_that_no_priority_is_left_are_refused_rather_than_equal(nornir_of: NornirOf) -> None:
    others = {f"far-{number}": {"role": "backup", **FAR} for number in range(180)}
    with pytest.raises(ValueError, match="1 is also far-178's; without preempt each node needs its own"):
        load_intent(nornir_of({"far-master": {"role": "master", **FAR}, **others}))


def test_priorities_leave_the_inventorys_order_to_the_backups_alone(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of({"lb-1": {"role": "backup"}, "lb-3": {"role": "master"}}))
    assert [node.keepalived.priority for node in intent.nodes] == [120, 60, 180]


@pytest.mark.parametrize(("master", "preferred"), [(None, 200), (120, 140), (234, 254), (240, 254), (100, 120)])
def test_planned_move_puts_a_node_ahead_of_all_others(nornir_of: NornirOf, master: int | None, preferred: int) -> None:
    hosts = {"lb-1": {"keepalived": {"priority": master}}} if master else {}
    backups = {"lb-2": {"keepalived": {"priority": 80}}, "lb-3": {"keepalived": {"priority": 70}}}
    cluster = load_intent(nornir_of({**hosts, **backups})).clusters[0]
    assert cluster.preferred_priority == preferred


def test_with_preemption_the_master_starts_as_master(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of(group={"keepalived": {"preempt": True}}))
    assert [node.keepalived.state for node in intent.nodes] == ["MASTER", "BACKUP", "BACKUP"]


@pytest.mark.parametrize(
    ("given", "advert_int", "misses"),
    [
        pytest.param({}, 0.05, 16, id="0.8 s"),
        pytest.param({"timers": "default"}, 0.05, 16, id="0.8 s by name"),
        pytest.param({"timers": "fast"}, 0.02, 16, id="0.32 s"),
        pytest.param({"advert_int": 0.1}, 0.1, 16, id="quick"),
        pytest.param({"advert_int": 0.29}, 0.29, 16, id="nearly slow"),
        pytest.param({"advert_int": 0.3}, 0.3, 3, id="slow: as VRRP itself"),
        pytest.param({"advert_int": 3}, 3, 3, id="the guide's"),
        pytest.param({"advert_int": 1, "vrrp_version": 2}, 1, 3, id="version 2"),
        pytest.param({"timers": "fast", "advert_int": 0.1}, 0.1, 16, id="what is given counts"),
        pytest.param({"timers": "fast", "down_timer_adverts": 20}, 0.02, 20, id="misses given"),
        pytest.param({"advert_int": 1, "down_timer_adverts": 8}, 1, 8, id="both given"),
    ],
)
def test_timers(nornir_of: NornirOf, given: dict[str, Any], advert_int: float, misses: int) -> None:
    nodes = load_intent(nornir_of(group={"keepalived": given})).nodes
    assert {(node.keepalived.advert_int, node.keepalived.down_timer_adverts) for node in nodes} == {
        (advert_int, misses)
    }


def test_times_of_haproxy(intent: Intent) -> None:
    haproxy = intent.nodes[0].haproxy
    assert (haproxy.timeouts.connect, haproxy.timeouts.check) == ("300ms", "700ms")
    assert (haproxy.inter, haproxy.fastinter) == ("1s", "200ms")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        pytest.param({}, "192.0.2.10", id="none"),
        pytest.param({"control_plane_endpoint": "192.0.2.10:8443"}, "192.0.2.10", id="the VIP"),
        pytest.param({"control_plane_endpoint": "k8s.example.org:8443"}, "k8s.example.org", id="a name"),
        pytest.param({"control_plane_endpoint": "k8s:8443"}, "k8s", id="a short name"),
        pytest.param(
            {"control_plane_endpoint": "2001:db8::a:8443", "additional_vips": ["2001:db8::a/64"]},
            "192.0.2.10",
            id="an address of IPv6",
        ),
    ],
)
def test_clients_call_the_endpoints_name_or_else_the_vip(nornir_of: NornirOf, given: dict[str, Any], name: str) -> None:
    nodes = load_intent(nornir_of(group=given)).nodes
    assert [(node.server_name, node.endpoint) for node in nodes] == [(name, f"{name}:8443")] * 3


@pytest.mark.parametrize("given", [{}, {"preempt": False}])
def test_without_preemption_every_node_starts_as_backup(nornir_of: NornirOf, given: dict[str, Any]) -> None:
    intent = load_intent(nornir_of(group={"keepalived": given}))
    assert {(node.keepalived.state, node.keepalived.preempt) for node in intent.nodes} == {("BACKUP", False)}


def test_hosts_become_clusters_in_the_inventorys_order(nornir_of: NornirOf) -> None:
    other = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}
    intent = load_intent(nornir_of({"lb-4": {"role": "backup", **other}, "lb-5": {"role": "master", **other}}))
    assert [(cluster.name, [node.name for node in cluster.nodes]) for cluster in intent.clusters] == [
        ("demo", ["lb-1", "lb-2", "lb-3"]),
        ("other", ["lb-4", "lb-5"]),
    ]
    assert intent.node("lb-5").role == "master"
    assert [peer.name for peer in intent.cluster_of("lb-2").peers(intent.node("lb-2"))] == ["lb-1", "lb-3"]


@pytest.mark.parametrize("lookup", ["node", "cluster_of"])
def test_node_that_is_not_there_is_a_key_error(intent: Intent, lookup: str) -> None:
    with pytest.raises(KeyError, match="lb-9"):
        getattr(intent, lookup)("lb-9")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("switch", {}),
        ("switch", {"site": "berlin", "vlans": [1, 2]}),
        ("switch", {"role": "leaf", "foreign_keys": ["role"]}),  # it is said to be somebody else's
    ],
)
def test_hosts_without_kube_ha_settings_are_left_alone(nornir_of: NornirOf, name: str, data: dict[str, Any]) -> None:
    # Nothing in `defaults`: the section is the group's.
    nornir = nornir_of(
        defaults={}, group={"haproxy": {"stats": {"password": "only-for-the-lab"}}}, strangers={name: data}
    )
    assert [node.name for node in load_intent(nornir).nodes] == ["lb-1", "lb-2", "lb-3"]
    assert [host.name for host in our_hosts(nornir)] == ["lb-1", "lb-2", "lb-3"]


def test_section_in_the_defaults_does_not_make_every_host_a_node(nornir_of: NornirOf) -> None:
    nornir = nornir_of(strangers={"switch": {"site": "berlin"}})  # the password stands in `defaults`, as in the example
    assert [node.name for node in load_intent(nornir).nodes] == ["lb-1", "lb-2", "lb-3"]


def test_values_are_frozen(intent: Intent) -> None:
    node = intent.nodes[0]
    for settings, key in (
        (node, "role"),
        (node.haproxy, "port"),
        (node.haproxy.stats, "admin"),
        (node.keepalived, "state"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, key, getattr(settings, key))
    assert isinstance(hash(node), int)  # so is all that is in it
