"""`virtual_router_id: auto`: the same number each time, nobody else's, and no live cluster is moved by a new one."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nornir.core import Nornir

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.intent.fields import AUTO
from nornir_kube_ha.intent.intent import may_share_a_link, sharing_a_link
from nornir_kube_ha.intent.vrids import with_vrids
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]
Asked = list[tuple[int, int]]
ASKED = st.lists(  # VIPs of two networks of /22, so that last bits meet, and VRIDs
    st.tuples(st.integers(0, 2047), st.one_of(st.just(AUTO), st.just(AUTO), st.integers(1, 255))),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each[0],
)


@pytest.fixture(scope="module")
def clusters_of(intent: Intent) -> Callable[[Asked], Intent]:
    """Clusters of one node, by the last eleven bits of their VIPs and by their VRIDs."""
    [node, *_] = intent.nodes

    def cluster(number: int, vrid: int) -> Cluster:
        vip = IPv4Interface((int(IPv4Address("10.0.0.0")) + number, 22))
        own = {"cluster": f"c{number}", "vip": vip, "address": vip.ip, "virtual_router_id": vrid}
        return Cluster(f"c{number}", (node.model_copy(update=own),))

    return lambda asked: Intent(tuple(cluster(*each) for each in asked))


def numbers(intent: Intent) -> dict[str, int]:
    found, problems = with_vrids(intent)
    assert not problems
    return {cluster.name: cluster.virtual_router_id for cluster in found.clusters}


@settings(deadline=None)  # a busy machine is no fault of the numbers
@given(asked=ASKED)
def test_numbers_are_valid_those_given_stay_and_none_allocated_meets_another(
    clusters_of: Callable[[Asked], Intent], asked: Asked
) -> None:
    intent = clusters_of(asked)
    found = numbers(intent)
    assert all(1 <= number <= 255 for number in found.values())
    assert all(found[f"c{number}"] == vrid for number, vrid in asked if vrid != AUTO)
    allocated = {f"c{number}" for number, vrid in asked if vrid == AUTO}
    for first, second in combinations(intent.clusters, 2):
        if {first.name, second.name} & allocated and may_share_a_link(first, second):
            assert found[first.name] != found[second.name]


WIDTHS = st.lists(st.tuples(st.integers(0, 4095), st.integers(20, 32)), max_size=12)


@settings(deadline=None)  # a busy machine is no fault of the numbers
@given(widths=WIDTHS)
def test_those_that_may_share_a_link_are_found_as_by_holding_each_against_each(intent: Intent, widths: Asked) -> None:
    [node, *_] = intent.nodes
    clusters = []
    for number, (low, length) in enumerate(widths):
        vip = IPv4Interface((int(IPv4Address("10.0.0.0")) + low, length))
        own = {"cluster": f"c{number}", "vip": vip, "address": vip.ip + 4096 * (low % 3)}
        clusters.append(Cluster(f"c{number}", (node.model_copy(update=own),)))
    assert [*sharing_a_link(clusters)] == [pair for pair in combinations(clusters, 2) if may_share_a_link(*pair)]


@settings(deadline=None)  # a busy machine is no fault of the numbers
@given(asked=ASKED, added=ASKED)
def test_clusters_added_at_the_end_move_none(
    clusters_of: Callable[[Asked], Intent], asked: Asked, added: Asked
) -> None:
    known = {number for number, _ in asked}
    later = [(number, AUTO) for number, _ in added if number not in known]
    before, after = numbers(clusters_of(asked)), numbers(clusters_of([*asked, *later]))
    assert {name: after[name] for name in before} == before


@settings(deadline=None)  # a busy machine is no fault of the numbers
@given(asked=ASKED, new=st.integers(0, 2047), data=st.data())
def test_a_cluster_whose_own_number_is_free_moves_none_wherever_it_stands(
    clusters_of: Callable[[Asked], Intent], asked: Asked, new: int, data: st.DataObject
) -> None:
    before = numbers(clusters_of(asked))
    place = data.draw(st.integers(0, len(asked)))
    if any(number == new for number, _ in asked) or (new & 255 or 255) in before.values():
        return
    after = numbers(clusters_of([*asked[:place], (new, AUTO), *asked[place:]]))
    assert {name: after[name] for name in before} == before


def test_the_number_is_the_vips_last_eight_bits_or_the_next_one(clusters_of: Callable[[Asked], Intent]) -> None:
    asked = [(10, AUTO), (256 + 10, AUTO), (11, 12), (0, AUTO), (255, AUTO), (1024 + 10, AUTO)]
    assert [*numbers(clusters_of(asked)).values()] == [10, 11, 12, 255, 1, 10]  # the last is on another network


def test_a_network_without_a_free_vrid_is_reported(clusters_of: Callable[[Asked], Intent]) -> None:
    _, problems = with_vrids(clusters_of([(number, AUTO) for number in range(256)]))
    assert problems == [
        Problem("lb-1", "virtual_router_id", "auto: all 255 VRIDs are used by clusters that may be on the same network")
    ]


def test_the_rest_of_the_code_sees_a_number(nornir_of: NornirOf) -> None:
    other = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": "auto"}
    nornir = nornir_of(
        {"lb-4": {"role": "master", **other}, "lb-5": {"role": "backup", **other}}, group={"virtual_router_id": 20}
    )
    assert [node.virtual_router_id for node in load_intent(nornir).nodes] == [20, 20, 20, 21, 21]


@pytest.mark.parametrize(("first", "second"), [("auto", 68), (68, "auto")])
def test_auto_on_one_node_and_a_number_on_another_is_refused(
    nornir_of: NornirOf, problems_of: Callable[[Nornir], tuple[Problem, ...]], first: object, second: object
) -> None:
    hosts = {"lb-1": {"virtual_router_id": first}, "lb-2": {"virtual_router_id": second}}
    problems = problems_of(nornir_of(hosts, group={"virtual_router_id": "auto"}))
    assert [problem.message for problem in problems] == [
        "68 on this host, auto on others; all nodes of demo must have the same"
    ]


@pytest.mark.parametrize("value", ["Auto", "", 0, 256, "automatic"])
def test_what_is_neither_a_number_nor_auto_is_refused(
    nornir_of: NornirOf, problems_of: Callable[[Nornir], tuple[Problem, ...]], value: object
) -> None:
    problems = problems_of(nornir_of(group={"virtual_router_id": value}))
    assert {problem.key for problem in problems} == {"virtual_router_id"}
