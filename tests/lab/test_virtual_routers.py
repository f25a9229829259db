"""Two virtual routers on three hosts: each address at its own master, moved by itself, and never on two hosts."""

import time
from collections.abc import Iterator

import pytest
from rig.lab import HOSTS, Lab, copy_inventory, on_all
from tests.support.labs import PROCESS

VIPS = ("192.0.2.10", "192.0.2.20")
SECOND = [{"virtual_router_id": 69, "vip": "192.0.2.20/24", "master": "lb-2"}]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = copy_inventory(f"two{PROCESS}", tmp_path_factory.mktemp("two") / "inventory")
    lab.set_for_group("virtual_routers", SECOND)
    lab.up("--installed")
    completed = lab.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    yield lab
    lab.down()


def holders(lab: Lab) -> dict[str, list[str]]:
    shown = on_all(lab, "ip -4 -oneline address show")
    return {vip: [host for host in HOSTS if f" {vip}/" in shown[host]] for vip in VIPS}


def move_to_masters(lab: Lab) -> None:
    for vip, host in zip(VIPS, ("lb-1", "lb-2"), strict=True):
        completed = lab.kube_ha("vip", "move", "-i", str(lab.inventory), "--to", host, "--vip", vip)
        assert completed.status == 0, completed.stdout + completed.stderr


def test_a_first_deploy_has_each_address_at_its_own_master(two: Lab) -> None:
    assert holders(two) == {"192.0.2.10": ["lb-1"], "192.0.2.20": ["lb-2"]}
    assert two.runbook("verify").status == 0


def test_each_address_can_be_moved_to_its_own_master_and_all_checks_pass(two: Lab) -> None:
    move_to_masters(two)
    assert holders(two) == {"192.0.2.10": ["lb-1"], "192.0.2.20": ["lb-2"]}
    two.await_healthy()
    again = two.deploy("--output", "json")
    assert (again.status, again.report["changed"]) == (0, False)


def test_a_load_balancer_that_stops_costs_its_own_address_alone(two: Lab) -> None:
    move_to_masters(two)
    two.run("lb-2", "systemctl stop haproxy")
    deadline = time.monotonic() + 5
    while (after := holders(two))["192.0.2.20"] not in (["lb-1"], ["lb-3"]):
        assert time.monotonic() < deadline, after
    two.run("lb-2", "systemctl start haproxy")
    assert after["192.0.2.10"] == ["lb-1"]
    two.await_healthy()  # nobody preempts
    assert holders(two) == after


def test_one_address_on_two_hosts_is_found(two: Lab) -> None:
    move_to_masters(two)
    two.run("lb-3", "ip address add 192.0.2.20/24 dev eth0")
    report = two.runbook("verify", "--output", "json").report
    two.run("lb-3", "ip address del 192.0.2.20/24 dev eth0")
    [cluster] = report["clusters"].values()
    [found] = [each for each in cluster["checks"] if each["id"] == "vip.single_holder"]
    assert (found["status"], found["seen"]) == ("fail", "192.0.2.10: lb-1; 192.0.2.20: lb-2, lb-3")
    two.await_healthy()


def test_a_keepalived_that_is_killed_takes_both_addresses_off(two: Lab) -> None:
    for vip in VIPS:
        completed = two.kube_ha("vip", "move", "-i", str(two.inventory), "--to", "lb-1", "--vip", vip)
        assert completed.status == 0, completed.stdout + completed.stderr
    two.run("lb-1", "kill -9 $(systemctl show --value --property MainPID keepalived)")
    two.await_healthy()
    assert all(len(names) == 1 for names in holders(two).values())


def await_holder(lab: Lab, vip: str, *hosts: str) -> None:
    """Wait until one of these hosts holds a VIP, and nobody else does."""
    deadline = time.monotonic() + 10
    while (found := holders(lab))[vip] not in [[host] for host in hosts]:
        assert time.monotonic() < deadline, found


def test_with_preemption_an_address_goes_home_by_itself(two: Lab) -> None:
    move_to_masters(two)
    two.set("keepalived.preempt", value=True)
    assert two.deploy("--output", "json").status == 0
    two.run("lb-2", "systemctl stop haproxy")
    await_holder(two, "192.0.2.20", "lb-1", "lb-3")
    two.run("lb-2", "systemctl start haproxy")
    await_holder(two, "192.0.2.20", "lb-2")
    two.await_healthy()
    assert holders(two) == {"192.0.2.10": ["lb-1"], "192.0.2.20": ["lb-2"]}
    two.set("keepalived.preempt", value=False)
    assert two.deploy("--output", "json").status == 0


def test_one_is_taken_away_and_added_host_by_host_while_the_other_stays(two: Lab) -> None:
    move_to_masters(two)
    two.set_for_group("virtual_routers", [])
    assert two.deploy("--output", "json").status == 0
    assert holders(two) == {"192.0.2.10": ["lb-1"], "192.0.2.20": []}
    two.set_for_group("virtual_routers", SECOND)
    added = two.deploy("--output", "json")
    assert (added.status, added.report["changed"]) == (0, True)
    assert holders(two) == {"192.0.2.10": ["lb-1"], "192.0.2.20": ["lb-2"]}
    assert not two.deploy("--output", "json").report["changed"]


def test_a_change_moves_neither_vip_and_remove_leaves_nothing(two: Lab) -> None:
    move_to_masters(two)
    before = holders(two)
    two.set("haproxy.balance", "roundrobin")
    changed = two.deploy("--output", "json")
    assert (changed.status, changed.report["changed"]) == (0, True)
    assert holders(two) == before  # a reload moves nothing
    assert two.runbook("remove", "--yes").status == 0
    assert holders(two) == {vip: [] for vip in VIPS}
