"""Section `verify` of the inventory: where verify draws its lines."""

from collections.abc import Callable

import pytest
from nornir.core import Nornir

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.verify import Verify
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]


def test_defaults_need_no_section(intent: Intent) -> None:
    assert [node.verify for node in intent.nodes] == [Verify()] * 3
    assert Verify().model_dump() == {
        "listen": 3.6,
        "from_controller": True,
        "certificate_warn_days": 30,
        "certificate_fail_days": 7,
        "clock_difference": 1.0,
        "disk_free_percent": 5,
        "old_workers": 5,
        "kubeconfigs": (),
        "direct_clients": (),
    }


def test_every_default_is_within_its_limits() -> None:
    assert Verify.model_validate(Verify().model_dump()) == Verify()


def test_levels_of_the_inventory_are_merged(nornir_of: NornirOf) -> None:
    defaults = {"haproxy": {"stats": {"password": "only-for-the-lab"}}, "verify": {"old_workers": 9, "listen": 2}}
    verify = load_intent(nornir_of(group={"verify": {"listen": 3}}, defaults=defaults)).nodes[2].verify
    assert (verify.old_workers, verify.listen, verify.disk_free_percent) == (9, 3.0, 5)


LIMITS = {
    "listen": (0.1, 30),
    "certificate_warn_days": (7, 3650),  # certificate_fail_days is the other limit
    "certificate_fail_days": (0, 30),
    "clock_difference": (0.1, 3600),
    "disk_free_percent": (0, 99),
    "old_workers": (1, 1000),
}


def test_each_number_has_limits() -> None:
    assert set(LIMITS) | {"from_controller", "kubeconfigs", "direct_clients"} == set(Verify.model_fields)


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, limits in LIMITS.items() for value in limits])
def test_limit_itself_is_taken(nornir_of: NornirOf, key: str, value: float) -> None:
    assert getattr(load_intent(nornir_of(group={"verify": {key: value}})).nodes[0].verify, key) == value


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        pytest.param("listen", 0.05, ["0.1"], id="no time to listen"),
        pytest.param("listen", 31, ["30"], id="a look that never ends"),
        pytest.param("listen", "long", ["number"], id="no number"),
        pytest.param("certificate_warn_days", 3651, ["3650"], id="beyond ten years"),
        pytest.param("certificate_fail_days", -1, ["0"], id="after the end"),
        pytest.param("clock_difference", 0, ["0.1"], id="clocks that cannot agree"),
        pytest.param("clock_difference", 3601, ["3600"], id="clocks that always agree"),
        pytest.param("disk_free_percent", 100, ["99"], id="an empty disk"),
        pytest.param("disk_free_percent", 2.5, ["integer"], id="half a percent"),
        pytest.param("old_workers", 0, ["1"], id="not during any reload"),
        pytest.param("old_workers", 1001, ["1000"], id="any number of workers"),
        pytest.param("from_controller", "maybe", ["boolean"], id="neither yes nor no"),
    ],
)
def test_value_beyond_its_limit_is_refused_by_its_key(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, value: object, *, words: list[str]
) -> None:
    problems = problems_of(nornir_of(group={"verify": {key: value}}))
    hosts = ("lb-1", "lb-2", "lb-3")
    assert [(problem.host, problem.key) for problem in problems] == [(host, f"verify.{key}") for host in hosts]
    assert [word for word in words if word not in problems[0].message] == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        pytest.param("kubeconfigs", ["home/x"], ["pattern"], id="a relative path"),
        pytest.param("kubeconfigs", ["/x;reboot"], ["pattern"], id="a command"),
        pytest.param("direct_clients", ["10.244.0.0/33"], ["10.244.0.0/16"], id="no network"),
        pytest.param("direct_clients", ["10.0.0"], ["10.244.0.0/16"], id="no address"),
        pytest.param("direct_clients", ["two words"], ["pattern"], id="no process"),
    ],
)
def test_item_that_names_nothing_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, value: object, *, words: list[str]
) -> None:
    problem = problems_of(nornir_of(group={"verify": {key: value}}))[0]
    assert problem.key == f"verify.{key}.0"
    assert [word for word in words if word not in problem.message] == []


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"certificate_warn_days": 6}, id="by the one"),
        pytest.param({"certificate_fail_days": 31}, id="by the other"),
        pytest.param({"certificate_warn_days": 10, "certificate_fail_days": 20}, id="by both"),
    ],
)
def test_warning_that_comes_after_the_failure_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, settings: dict[str, int]
) -> None:
    (problem, *_) = problems_of(nornir_of(group={"verify": settings}))
    assert (problem.host, problem.key) == ("lb-1", "verify")
    assert "certificate_warn_days must not be below certificate_fail_days" in problem.message


def test_warning_may_come_with_the_failure(nornir_of: NornirOf) -> None:
    settings = {"certificate_warn_days": 14, "certificate_fail_days": 14}
    assert load_intent(nornir_of(group={"verify": settings})).nodes[0].verify.certificate_warn_days == 14


def test_unknown_key_is_refused_with_the_nearest_known_one(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    (problem, *_) = problems_of(nornir_of(group={"verify": {"old_worker": 3}}))
    assert problem.key == "verify.old_worker"
    assert "did you mean old_workers?" in problem.message


def test_nodes_of_a_cluster_are_judged_alike(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    (problem,) = problems_of(nornir_of({"lb-2": {"verify": {"clock_difference": 2}}}))
    assert (problem.host, problem.key) == ("lb-2", "verify.clock_difference")
    assert "2.0 differs from 1.0 on lb-1" in problem.message


def test_direct_clients_are_networks_and_processes() -> None:
    verify = Verify(direct_clients=("10.244.0.0/16", "k3s-server", "192.0.2.50", "2001:db8::/64"))
    assert list(map(str, verify.direct_networks)) == ["10.244.0.0/16", "192.0.2.50/32", "2001:db8::/64"]
    assert verify.direct_processes == {"k3s-server"}
