"""A roll-out over clusters that have nothing to do with each other: beside each other, and none stops another."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from types import SimpleNamespace

import pytest
from nornir.core import Nornir
from rig.samples import GROUP, NONCE
from tests.support.changes import as_found
from tests.support.world import ALL, World, rolled, statuses, with_other_haproxy_cfg, without_ping

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, RemoteCommandError
from nornir_kube_ha.facts import Facts, parse_facts
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.rollout import gate
from nornir_kube_ha.rollout.policy import Share
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.runbooks.remove import remove
from nornir_kube_ha.runbooks.upgrade import upgrade

EDGE = ("edge-1", "edge-2", "edge-3")
BOTH = (*ALL, *EDGE)
WHY = "the change of cluster demo stopped because lb-2 failed"


def elsewhere(text: str) -> str:
    """What a host of the first cluster printed, as one of the second prints it: on a network of its own."""
    return re.sub(r"\blb-(?=[123]\b)", "edge-", text.replace("192.0.2.", "198.51.100."))


@pytest.fixture
def two(nornir_of: Callable[..., Nornir]) -> Callable[[], Nornir]:
    """An inventory of two clusters, on networks of their own: so they may have the same VRID."""

    def make() -> Nornir:
        own = {
            "cluster": "edge",
            "vip": elsewhere(GROUP["vip"]),
            "apiservers": [{key: elsewhere(value) for key, value in each.items()} for each in GROUP["apiservers"]],
        }
        roles = dict(zip(EDGE, ("master", "backup", "backup"), strict=True))
        nornir = nornir_of({name: {**own, "role": role} for name, role in roles.items()})
        for number, name in enumerate(EDGE, 11):
            nornir.inventory.hosts[name].hostname = f"198.51.100.{number}"
        return nornir

    return make


@pytest.fixture
def hosts(
    world: World,
    two: Callable[[], Nornir],
    recorded: Callable[[str], str],
    render: Callable[..., dict[str, dict[str, ConfigFile]]],
) -> World:
    """The hosts of both clusters, each with another haproxy.cfg than it should have."""
    records = dict(zip(EDGE, ("facts-master", "facts-backup", "facts-other-backup"), strict=True))
    files = render(two())
    edge = {
        name: replace(
            parse_facts(elsewhere(recorded(record)), NONCE),
            files={path: as_found(file) for path, file in files[name].items()},
        )
        for name, record in records.items()
    }
    world.healthy = {**world.healthy, **edge}
    world.facts = {name: with_other_haproxy_cfg(facts) for name, facts in world.healthy.items()}
    return world


@pytest.fixture
def run_of(two: Callable[[], Nornir]) -> Callable[..., Run]:
    def make(runbook: str, names: Collection[str] = BOTH) -> Run:
        nornir = two()
        nornir.data.dry_run = False
        return Run(runbook, nornir, load_intent(nornir), names)

    return make


def sicken(hosts: World, *names: str) -> None:
    """Hosts that do not serve with their new files."""
    hosts.healthy = {**hosts.healthy, **{name: without_ping(hosts.healthy[name]) for name in names}}


def commits(hosts: World) -> list[str]:
    return [host for host, _ in hosts.order("commit")]


def test_clusters_go_beside_each_other_and_hosts_within_them_in_order(hosts: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy"))
    assert commits(hosts) == ["lb-2", "edge-2", "lb-3", "edge-3", "lb-1", "edge-1"]
    assert (report.passed, statuses(report)) == (True, dict.fromkeys(BOTH, "passed"))


def test_a_cluster_that_fails_goes_back_and_stops_by_itself(hosts: World, run_of: Callable[..., Run]) -> None:
    sicken(hosts, "lb-2")
    report = rolled(hosts, run_of("deploy"))
    assert commits(hosts) == ["lb-2", "edge-2", "lb-2", "edge-3", "edge-1"]
    assert {name: host.changed for name, host in report.hosts.items() if name != "lb-2"} == {
        "lb-1": False,
        "lb-3": False,
        **dict.fromkeys(EDGE, True),
    }
    assert {each.seen for each in report.hosts["lb-3"].findings} == {f"left as it was: {WHY}"}
    assert {statuses(report)[name] for name in EDGE} == {"passed"}
    assert report.exit_code == 1
    assert sorted(hosts.order("unstage")) == [("lb-1", "unstage"), ("lb-3", "unstage")]
    assert sorted(hosts.order("release")) == sorted((name, "release") for name in BOTH)


def test_what_fails_before_anything_is_live_stops_all_and_names_its_cluster(
    hosts: World, run_of: Callable[..., Run]
) -> None:
    hosts.refuses = {"edge-2"}
    report = deploy(run_of("deploy"))
    assert commits(hosts) == []
    assert {each.seen for each in report.hosts["lb-1"].findings} == {
        "left as it was: the run stopped because edge-2 (edge) failed"
    }


def test_a_run_all_of_whose_clusters_fail_stops(hosts: World, run_of: Callable[..., Run]) -> None:
    sicken(hosts, "lb-2", "edge-2")
    report = rolled(hosts, run_of("deploy"))
    assert sorted(commits(hosts)) == ["edge-2", "edge-2", "lb-2", "lb-2"]
    assert {each.seen for each in report.hosts["lb-3"].findings} == {f"left as it was: {WHY}"}
    assert hosts.steps[-6:] == [(name, "release") for name in BOTH]  # it is not looked at again


def test_gates_of_clusters_are_waited_for_together(
    hosts: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(gate, "GATE_SECONDS", 2)
    monkeypatch.setattr(gate, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock[0]))
    sicken(hosts, "lb-2", "edge-2")
    report = rolled(hosts, run_of("deploy"), on_failure="stop")
    assert sorted(commits(hosts)) == ["edge-2", "lb-2"]
    assert report.hosts["edge-2"].failure
    assert 2 <= clock[0] < 3


def test_so_many_hosts_go_at_once_and_so_many_may_fail_in_each_cluster(
    hosts: World, run_of: Callable[..., Run]
) -> None:
    sicken(hosts, "lb-2", "edge-2")
    report = rolled(hosts, run_of("deploy"), serial=Share(2), max_fail=Share(1))
    first, back, last = commits(hosts)[:4], commits(hosts)[4:6], commits(hosts)[6:]
    assert (first, sorted(back), last) == (["lb-2", "lb-3", "edge-2", "edge-3"], ["edge-2", "lb-2"], ["lb-1", "edge-1"])
    assert sorted(name for name, status in statuses(report).items() if status == "failed") == ["edge-2", "lb-2"]


def test_all_that_were_changed_in_its_cluster_may_go_back(hosts: World, run_of: Callable[..., Run]) -> None:
    sicken(hosts, "lb-3")
    rolled(hosts, run_of("deploy"), on_failure="rollback-all")
    assert commits(hosts) == ["lb-2", "edge-2", "lb-3", "edge-3", "lb-3", "lb-2", "edge-1"]


@pytest.mark.parametrize("accept_outage", [False, True])
def test_a_change_that_cannot_roll_in_one_cluster(
    hosts: World, run_of: Callable[..., Run], *, accept_outage: bool
) -> None:
    for name in EDGE:
        hosts.facts[name] = with_other_vrid(hosts.facts[name])
    report = rolled(hosts, run_of("deploy"), accept_outage=accept_outage)
    assert commits(hosts) == (["lb-2", *EDGE, "lb-3", "lb-1"] if accept_outage else [])
    failure = report.hosts["edge-1"].failure
    assert accept_outage or (failure and failure.message.startswith("virtual_router_id 69 -> 68: nodes with and"))


def test_outage_is_not_accepted_for_a_part_of_a_cluster(hosts: World, run_of: Callable[..., Run]) -> None:
    """The rest would go on with what it has, and hold the VIP too."""
    for name in EDGE:
        hosts.facts[name] = with_other_vrid(hosts.facts[name])
    report = rolled(hosts, run_of("deploy", [name for name in BOTH if name != "edge-3"]), accept_outage=True)
    failure = report.hosts["edge-1"].failure
    assert failure
    assert "all nodes must change at once, but this run leaves out edge-3" in failure.message
    assert commits(hosts) == []


def with_other_vrid(facts: Facts) -> Facts:
    old = facts.files[KEEPALIVED_CONF]
    content = old.content.replace(b"virtual_router_id 68", b"virtual_router_id 69")
    assert content != old.content
    return replace(facts, files={**facts.files, KEEPALIVED_CONF: replace(old, content=content)})


def test_host_that_is_lost_at_the_end_takes_no_other_cluster_with_it(hosts: World, run_of: Callable[..., Run]) -> None:
    run = run_of("deploy")

    def tell(text: str) -> None:
        if text.startswith("repeating the checks"):
            hosts.fails["lb-3", "look"] = HostUnreachableError("lb-3", "no SSH server answers")

    run.tell = tell
    report = deploy(run)
    assert report.exit_code == 4
    assert {statuses(report)[name] for name in EDGE} == {"passed"}


def test_others_are_upgraded_and_removed_though_one_fails(hosts: World, run_of: Callable[..., Run]) -> None:
    hosts.facts, hosts.newer = dict(hosts.healthy), dict.fromkeys(BOTH, "haproxy 2.6.12 2.6.13 newer")
    hosts.fails = {("lb-2", step): RemoteCommandError("lb-2", "no") for step in ("upgrade", "remove")}
    report = remove(run_of("remove"), confirm=None)
    assert [host for host, _ in hosts.order("remove")] == ["lb-2", "edge-2", "edge-3", "edge-1"]
    assert (report.exit_code, report.hosts["lb-1"].changed) == (1, False)
    upgrade(run_of("upgrade"), accept_outage=True)
    assert [host for host, _ in hosts.order("upgrade")] == ["lb-2", "edge-2", "edge-3", "edge-1"]


def test_interrupted_run_says_what_became_of_each_cluster(hosts: World, run_of: Callable[..., Run]) -> None:
    sicken(hosts, "lb-2")
    run = run_of("deploy")
    run.tell = lambda text: (_ for _ in ()).throw(KeyboardInterrupt) if text == "changing edge-3" else None
    with pytest.raises(KeyboardInterrupt):
        rolled(hosts, run)
    run.interrupt(KeyboardInterrupt())
    words = {name: {each.seen for each in host.findings} for name, host in run.report().hosts.items()}
    assert words["lb-3"] == {f"left as it was: {WHY}"}
    assert words["edge-2"] == {"changed, and not verified: the run was interrupted"}
    assert words["edge-3"] == words["edge-1"] == {"left as it was: the run was interrupted"}
