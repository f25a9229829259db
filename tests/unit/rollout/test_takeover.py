"""A deploy and what is not its own: files of somebody else, machines that were nodes, hosts that join."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest
from nornir.core import Nornir
from nornir.core.task import Result, Task
from tests.support.foreign import VIP_77, WEB, with_file
from tests.support.world import ALL, World

from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import RemoteCommandError, UsageError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.membership import FormerPeer
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout import former_nodes, second_holder
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.runbooks.deploy import deploy

GONE = ip_address("192.0.2.13")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for."""
    monkeypatch.setattr(second_holder, "INTERVAL", 0)
    monkeypatch.setattr(second_holder, "MARGIN", -9)


def message_of(report: Report, host: str) -> str:
    failure = report.hosts[host].failure
    assert failure
    return f"{failure.type}: {failure.message}"


@pytest.mark.field_report("C1")
@pytest.mark.parametrize("dry_run", [True, False])
def test_foreign_file_stops_the_run_before_any_change(world: World, run_of: Callable[..., Run], dry_run: bool) -> None:
    world.facts["lb-2"] = with_file(world.facts["lb-2"], HAPROXY_CFG, WEB)
    report = deploy(run_of("deploy", dry_run=dry_run))
    assert (report.exit_code, report.changed) == (1, False)
    assert {step for _, step in world.steps} == {"look"}
    assert message_of(report, "lb-2").startswith("PreflightError: /etc/haproxy/haproxy.cfg was not written by kube-ha")
    assert message_of(report, "lb-2").endswith("`kube-ha remove` puts it back. Nothing was changed")


@pytest.mark.field_report("C2")
def test_foreign_file_is_replaced_on_request_and_kept(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.facts["lb-2"] = with_file(world.facts["lb-2"], KEEPALIVED_CONF, VIP_77)
    assert "VIP 192.0.2.77/24 (vrrp_instance VI 1, VRID 51)" in message_of(deploy(run_of("deploy")), "lb-2")
    scripts: list[str] = []
    send = world.run_script

    def sending(task: Task, script: str, *, timeout: float) -> object:
        scripts.append(script)
        return send(task, script, timeout=timeout)

    monkeypatch.setattr("nornir_kube_ha.tasks.apply.run_script", sending)
    report = deploy(run_of("deploy"), roll_out=RollOut(replace_foreign_files=True))
    assert (report.exit_code, report.changed) == (0, True)
    assert [script.count(f"\nREPLACED={KEEPALIVED_CONF}\n") for script in scripts] == [1]


OTHER_VRID = b"""vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress { 192.0.2.10/24 }
}
"""


@pytest.mark.parametrize("accept_outage", [False, True])
def test_nodes_that_have_the_vip_with_another_vrid_are_not_taken_over_one_by_one(
    world: World, run_of: Callable[..., Run], *, accept_outage: bool
) -> None:
    """Those that are taken over and those that are not yet would each hold it."""
    for name in ALL:
        world.facts[name] = with_file(world.facts[name], KEEPALIVED_CONF, OTHER_VRID)
    how = RollOut(replace_foreign_files=True, accept_outage=accept_outage)
    report = deploy(run_of("deploy"), roll_out=how)
    commits = [host for host, _ in world.order("commit")]
    assert sorted(commits) == (sorted(ALL) if accept_outage else [])
    assert accept_outage or "virtual_router_id 51 -> 68" in message_of(report, "lb-1")


def without_lb_3(nornir_of: Callable[..., Nornir], *, dry_run: bool = False) -> Run:
    nornir = nornir_of()
    del nornir.inventory.hosts["lb-3"]
    nornir.data.dry_run = dry_run
    return Run("deploy", nornir, load_intent(nornir), ["lb-1", "lb-2"])


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, FormerPeer]:
    """What hosts find out about lb-3, which nobody can log in to."""
    found: dict[str, FormerPeer] = {}

    def asking(task: Task, intent: Intent, addresses: Mapping[str, list[object]]) -> Result:
        assert intent.nodes
        assert addresses[task.host.name] == [GONE]
        return Result(task.host, result={GONE: found.get(task.host.name, FormerPeer())})

    monkeypatch.setattr(former_nodes, "get_former_peers", asking)
    monkeypatch.setattr(former_nodes, "look_at_former", lambda *_: None)
    return found


@pytest.mark.field_report(
    "C4",
    "ansible-role-rke2#354",
    "The other nodes forget a node that still runs, and there are two holders.",
    "The deploy refuses while the former node answers, and names the command that removes it.",
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_former_node_that_answers_stops_before_anything_is_changed(
    world: World, nornir_of: Callable[..., Nornir], answers: dict[str, FormerPeer], dry_run: bool
) -> None:
    answers["lb-2"] = FormerPeer(frozenset({"ping"}))
    report = deploy(without_lb_3(nornir_of, dry_run=dry_run))
    assert (report.exit_code, report.changed) == (1, False)
    assert {step for _, step in world.steps} == {"look"}
    message = message_of(report, "lb-1")
    assert "192.0.2.13 is a peer in keepalived.conf of lb-1, lb-2 and no longer a node of cluster demo" in message
    assert "it still answers (ping)" in message
    assert "kube-ha remove --host 192.0.2.13" in message


def test_node_that_was_renamed_is_not_forgotten(
    world: World, nornir_of: Callable[..., Nornir], answers: dict[str, FormerPeer]
) -> None:
    answers["lb-1"] = FormerPeer(frozenset({"ping"}))
    nornir = nornir_of({"new": {"role": "backup"}})
    hosts = nornir.inventory.hosts
    hosts["new"].hostname = hosts.pop("lb-3").hostname
    world.facts["new"] = world.facts.pop("lb-3")
    world.healthy = {**world.healthy, "new": world.facts["new"]}
    report = deploy(Run("deploy", nornir, load_intent(nornir), ["lb-1", "lb-2", "new"]))
    assert not [host.failure for host in report.hosts.values() if host.failure]


def test_nodes_that_change_to_multicast_forget_no_peer(
    world: World, nornir_of: Callable[..., Nornir], answers: dict[str, FormerPeer]
) -> None:
    answers["lb-1"] = FormerPeer(frozenset({"ping"}))
    nornir = nornir_of(group={"keepalived": {"unicast": False}})
    report = deploy(Run("deploy", nornir, load_intent(nornir), ALL))
    assert "unicast_peer some -> none" in message_of(report, "lb-2")
    assert {step for _, step in world.steps} <= {"look", "take", "release"}


@pytest.mark.parametrize(
    ("found", "forget"),
    [
        (FormerPeer(), ()),
        (FormerPeer(frozenset({"ping"}), rejects_vrrp=True), ()),
        (FormerPeer(frozenset({"ping"})), ("192.0.2.13",)),
    ],
)
def test_former_node_that_cannot_take_over_is_forgotten(
    world: World,
    nornir_of: Callable[..., Nornir],
    answers: dict[str, FormerPeer],
    found: FormerPeer,
    forget: tuple[str, ...],
) -> None:
    answers["lb-1"] = found
    deploy(without_lb_3(nornir_of), roll_out=RollOut(forget=forget))
    assert [host for host, _ in world.order("commit")] == ["lb-2", "lb-1"]


@pytest.mark.parametrize("active", [True, False])
def test_former_node_that_lets_us_in_says_itself_whether_it_is_one(
    world: World,
    nornir_of: Callable[..., Nornir],
    answers: dict[str, FormerPeer],
    monkeypatch: pytest.MonkeyPatch,
    active: bool,
) -> None:
    answers["lb-1"] = FormerPeer(frozenset({"ping"}))
    facts = world.facts["lb-3"] if active else with_file(world.facts["lb-3"], KEEPALIVED_CONF, VIP_77)
    monkeypatch.setattr(former_nodes, "look_at_former", lambda *_: facts)
    report = deploy(without_lb_3(nornir_of))
    assert bool(report.hosts["lb-1"].failure) is active


def new_host(world: World) -> None:
    """lb-3 has the sample of its package, the others do not know it, and lb-1 holds the VIP."""
    for name in ("lb-1", "lb-2"):
        content = world.facts[name].files[KEEPALIVED_CONF].content.replace(b"        192.0.2.13\n", b"")
        world.facts[name] = with_file(world.facts[name], KEEPALIVED_CONF, content)
    lb_3 = with_file(world.facts["lb-3"], KEEPALIVED_CONF, VIP_77)
    unit = replace(lb_3.units["keepalived"], active_state="inactive", enabled=False)
    world.facts["lb-3"] = replace(lb_3, units={**lb_3.units, "keepalived": unit})


@pytest.mark.field_report("C6")
def test_host_with_a_packages_sample_joins_last(world: World, run_of: Callable[..., Run]) -> None:
    new_host(world)
    report = deploy(run_of("deploy"))
    assert [host for host, _ in world.order("commit")] == ["lb-2", "lb-1", "lb-3"]
    assert report.exit_code == 0


@pytest.mark.field_report("C6")
@pytest.mark.parametrize("stops", [True, False])
def test_host_that_becomes_a_second_holder_is_stopped_again(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    new_host(world)
    vip = next(each for each in world.healthy["lb-1"].addresses if str(each[1].ip) == "192.0.2.10")
    lb_3 = world.healthy["lb-3"]
    world.healthy = {**world.healthy, "lb-3": replace(lb_3, addresses=(*lb_3.addresses, vip))}
    disabled: list[bool] = []

    def stopping(task: Task, *, disable: bool, **_: object) -> Result:
        disabled.append(disable)
        if not stops:
            raise RemoteCommandError(task.host.name, "it does not stop")
        world.facts[task.host.name] = lb_3
        return Result(task.host)

    monkeypatch.setattr(second_holder, "stop_keepalived", stopping)
    report = deploy(run_of("deploy"))
    assert all(disabled)
    assert disabled
    words = "keepalived was stopped on it" if stops else "keepalived could not be stopped: it does not stop"
    assert f"it held 192.0.2.10 at the same time as lb-1, which ran before; {words}" in message_of(report, "lb-3")
    (holder,) = [each for each in report.clusters["demo"].findings if each.id == "vip.single_holder"]
    assert (holder.status.value == "fail", holder.seen == "lb-1, lb-3") == (not stops, not stops)


@pytest.mark.field_report("C6")
def test_host_does_not_join_nodes_that_went_back_to_files_without_it(world: World, run_of: Callable[..., Run]) -> None:
    new_host(world)
    unknowing = world.facts["lb-2"]
    world.healthy = {**world.healthy, "lb-2": unknowing}
    report = deploy(run_of("deploy"), roll_out=RollOut(max_fail=replace(RollOut().serial)))
    assert "lb-3" not in {host for host, _ in world.order("commit")}
    assert "lb-2 would send it no VRRP adverts" in message_of(report, "lb-3")


@pytest.mark.field_report("C6")
def test_host_does_not_join_by_itself_where_the_vip_is_served(world: World, run_of: Callable[..., Run]) -> None:
    new_host(world)
    lb_3: Facts = world.facts["lb-3"]
    assert lb_3.heard
    world.facts["lb-3"] = replace(lb_3, heard=replace(lb_3.heard, adverts=frozenset()))
    report = deploy(run_of("deploy", ("lb-3",), dry_run=True))
    assert "Deploy all nodes of demo in one run" in message_of(report, "lb-3")


@pytest.mark.field_report("C4")
def test_former_host_is_logged_in_to_as_its_cluster_is(nornir_of: Callable[..., Nornir]) -> None:
    nornir = nornir_of()
    del nornir.inventory.hosts["lb-3"]
    for host in nornir.inventory.hosts.values():
        host.username, host.port = "ops", 2222
    names = add_former_hosts(nornir, ["lb-1", "lb-2"], ["192.0.2.13", "2001:db8::13"])
    assert names == ("192.0.2.13", "former-2001-db8--13")
    host = nornir.inventory.hosts["192.0.2.13"]
    assert (host.hostname, host.username, host.port) == ("192.0.2.13", "ops", 2222)
    assert host["cluster"] == "demo"
    assert host["role"] == "backup"


def test_former_host_gets_a_priority_that_no_node_has(nornir_of: Callable[..., Nornir]) -> None:
    explicit = {name: {"keepalived": {"priority": 100 - number}} for number, name in enumerate(ALL)}
    nornir = nornir_of(explicit)
    add_former_hosts(nornir, ["lb-1"], ["192.0.2.99"])
    priorities = [node.keepalived.priority for node in load_intent(nornir).nodes]
    assert len(set(priorities)) == 4


def test_host_of_the_inventory_is_no_former_one(nornir_of: Callable[..., Nornir]) -> None:
    with pytest.raises(UsageError, match=r"as lb-3\. Remove it with: remove --limit lb-3"):
        add_former_hosts(nornir_of(), ALL, ["192.0.2.13"])
    other = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}
    two = nornir_of({"lb-4": {"role": "master", **other}, "lb-5": {"role": "backup", **other}})
    with pytest.raises(UsageError, match="expected hosts of one cluster, got demo, other"):
        add_former_hosts(two, ["lb-1", "lb-4"], ["192.0.2.99"])
