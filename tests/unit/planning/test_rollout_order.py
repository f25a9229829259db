"""In which order a change goes over the hosts: the VIP moves at most once, and a fault meets one host that serves."""

from collections.abc import Callable

import pytest
from nornir.core import Nornir

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.rollout_order import batches

NornirOf = Callable[..., Nornir]
ALL = ["lb-1", "lb-2", "lb-3"]
OTHER = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}


@pytest.fixture(scope="module")
def two_clusters(nornir_of: NornirOf) -> Intent:
    """The lab's cluster, and another one: lb-4, its master, and lb-5."""
    return load_intent(nornir_of({"lb-4": {"role": "master", **OTHER}, "lb-5": {"role": "backup", **OTHER}}))


@pytest.mark.parametrize(
    ("hosts", "order"),
    [
        (ALL, (("lb-1",), ("lb-2", "lb-3"))),
        (["lb-3", "lb-1"], (("lb-1",), ("lb-3",))),
        (["lb-3", "lb-2"], (("lb-2", "lb-3"),)),
        (["lb-1"], (("lb-1",),)),
        ([], ()),
        (["somebody-else"], ()),
    ],
)
def test_master_of_a_fresh_cluster_goes_first_to_get_the_vip(
    intent: Intent, hosts: list[str], order: tuple[tuple[str, ...], ...]
) -> None:
    assert batches(intent, hosts) == order


@pytest.mark.parametrize(
    ("holding", "order"),
    [
        pytest.param(["lb-1"], ["lb-2", "lb-3", "lb-1"], id="the master"),
        pytest.param(["lb-2"], ["lb-3", "lb-1", "lb-2"], id="a backup"),
        pytest.param(["lb-3"], ["lb-2", "lb-1", "lb-3"], id="another backup"),
        pytest.param([], ["lb-2", "lb-3", "lb-1"], id="nobody: then the master is the likeliest"),
        pytest.param(["lb-1", "lb-2"], ["lb-3", "lb-2", "lb-1"], id="two"),
    ],
)
def test_hosts_that_serve_go_one_at_a_time_and_the_holder_last(
    intent: Intent, holding: list[str], order: list[str]
) -> None:
    assert batches(intent, ALL, ALL, holding) == tuple((name,) for name in order)


@pytest.mark.parametrize(
    ("serving", "holding", "order"),
    [
        pytest.param(["lb-2"], ["lb-2"], (("lb-1", "lb-3"), ("lb-2",)), id="one backup"),
        pytest.param(["lb-1"], ["lb-1"], (("lb-2", "lb-3"), ("lb-1",)), id="the master"),
        pytest.param(["lb-2", "lb-3"], ["lb-2"], (("lb-1",), ("lb-3",), ("lb-2",)), id="both backups"),
    ],
)
def test_hosts_that_do_not_serve_go_before_those_that_do(
    intent: Intent, serving: list[str], holding: list[str], order: tuple[tuple[str, ...], ...]
) -> None:
    assert batches(intent, ALL, serving, holding) == order


@pytest.mark.parametrize(
    ("joining", "order"),
    [
        pytest.param(["lb-3"], (("lb-2",), ("lb-1",), ("lb-3",)), id="new: the others must know it first"),
        pytest.param([], (("lb-3",), ("lb-2",), ("lb-1",)), id="known: it is there before another is touched"),
    ],
)
def test_host_that_joins_a_cluster_which_serves_goes_after_all_others(
    intent: Intent, joining: list[str], order: tuple[tuple[str, ...], ...]
) -> None:
    assert batches(intent, ALL, ["lb-1", "lb-2"], ["lb-1"], joining=joining) == order


def test_hosts_of_a_fresh_cluster_join_none(intent: Intent) -> None:
    assert batches(intent, ALL, joining=ALL) == (("lb-1",), ("lb-2", "lb-3"))


def test_one_host_that_takes_part_goes_by_itself(intent: Intent) -> None:
    assert batches(intent, ["lb-2"], ["lb-2"], ["lb-2"]) == (("lb-2",),)


def test_masters_of_all_fresh_clusters_go_first(two_clusters: Intent) -> None:
    names = [node.name for node in two_clusters.nodes]
    assert batches(two_clusters, names) == (("lb-1", "lb-4"), ("lb-2", "lb-3", "lb-5"))


def test_fresh_cluster_beside_one_that_serves_gets_its_master_first(two_clusters: Intent) -> None:
    names = [node.name for node in two_clusters.nodes]
    assert batches(two_clusters, names, ALL, ["lb-2"]) == (
        ("lb-4",),
        ("lb-5",),
        ("lb-3",),
        ("lb-1",),
        ("lb-2",),
    )


def test_holders_of_all_clusters_go_last(two_clusters: Intent) -> None:
    names = [node.name for node in two_clusters.nodes]
    order = [name for batch in batches(two_clusters, names, names, ["lb-5", "lb-1"]) for name in batch]
    assert set(order[:3]) == {"lb-2", "lb-3", "lb-4"}
    assert set(order[3:]) == {"lb-1", "lb-5"}
