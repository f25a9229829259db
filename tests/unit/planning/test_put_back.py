"""What files that come back stand for: a rollback is judged by them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.task import Task
from tests.support.changes import vrrp, with_vip
from tests.support.world import ALL, GOOD, World

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.put_back import intent_of
from nornir_kube_ha.runbooks.rollback import rollback
from nornir_kube_ha.ssh.shell import Completed

Render = Callable[..., dict[str, dict[str, ConfigFile]]]
OTHER = {"vip": "192.0.2.99/24", "control_plane_endpoint": "192.0.2.99:8443"}
ROUTERS = [{"virtual_router_id": 69, "vip": "192.0.2.20/24", "additional_vips": ["192.0.2.21/24"], "master": "lb-2"}]


@pytest.fixture
def back(nornir_of: Callable[..., Nornir], render: Render) -> Callable[..., Intent]:
    """The intent of files that an inventory had made, where the inventory says something else now."""

    def made(*hosts: str, **group: Any) -> Intent:  # noqa: ANN401 - the inventory's
        files = render(nornir_of(group=group))
        return intent_of(load_intent(nornir_of(group=OTHER)), {host: tuple(files[host].values()) for host in hosts})

    return made


@pytest.mark.field_report(
    "J9",
    "found by trial",
    "there is no way back",
    "a rollback across a change of VIP passes by the VIP that it brings back",
)
def test_addresses_and_numbers_are_those_of_the_files(back: Callable[..., Intent]) -> None:
    intent = back(*ALL, virtual_router_id=77, virtual_routers=ROUTERS, haproxy={"socket": "/run/other.sock"})
    [cluster] = intent.clusters
    assert [str(vip) for vip in cluster.vips] == ["192.0.2.10/32", "192.0.2.20/32", "192.0.2.21/32"]
    assert [router.virtual_router_id for router in cluster.routers] == [77, 69]
    assert {node.haproxy.socket for node in cluster.nodes} == {"/run/other.sock"}


@pytest.mark.field_report("J9")
def test_host_that_stays_as_it_is_is_judged_with_the_others(back: Callable[..., Intent]) -> None:
    assert {node.vip.ip for node in back("lb-3").nodes} == {ip_interface("192.0.2.10/24").ip}
    assert {str(node.vip.ip) for node in back().nodes} == {"192.0.2.99"}


@pytest.mark.field_report("J9")
@pytest.mark.parametrize(
    "text",
    ["", "vrrp_instance other {\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1\n }\n}\n", "vrrp_instance"]
    + [
        f"vrrp_instance VI-kube-master {{\n virtual_router_id {number}\n virtual_ipaddress {{\n {vip}\n }}\n}}\n"
        for number, vip in ((5, "nowhere"), ("x", "10.0.0.1"), (256, "10.0.0.1"), (5, ""))
    ],
)
def test_foreign_or_unreadable_file_changes_nothing(nornir_of: Callable[..., Nornir], text: str) -> None:
    intent = load_intent(nornir_of())
    files = {"lb-1": (ConfigFile(KEEPALIVED_CONF, text), ConfigFile(HAPROXY_CFG, text))}
    assert intent_of(intent, files) == intent


@pytest.mark.field_report("J9")
def test_rollback_across_a_change_of_vip_passes(
    world: World, nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]
) -> None:
    """The files of the inventory before come back; the inventory still has the VIP that is taken back."""
    nornir = nornir_of(group=OTHER)
    world.generations = dict.fromkeys(ALL, GOOD)
    world.facts = {name: vrrp("BACKUP", holds=False)(with_vip(facts)) for name, facts in world.facts.items()}
    report = rollback(Run("rollback", nornir, load_intent(nornir), ALL))
    assert report.exit_code == 0
    assert report.changed
    assert report.clusters["demo"].vip == "192.0.2.10"
    assert healthy["lb-1"].holds(ip_interface("192.0.2.10/24"))


@pytest.mark.field_report("I3")
def test_way_back_that_another_run_overtook_still_leads_back(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is planned anew after the lease was taken is the way back, and not the inventory's files."""
    world.generations = dict.fromkeys(ALL, GOOD)
    world.leases = {"lb-1": "0 0123456789ab boot-7"}
    sent: list[str] = []
    run_script = world.run_script

    def sending(task: Task, script: str, *, timeout: float) -> Completed:
        if "STALE=" in script:
            sent.append(task.host.name)
        return run_script(task, script, timeout=timeout)

    monkeypatch.setattr("nornir_kube_ha.tasks.apply.run_script", sending)
    report = rollback(run_of("rollback"))
    assert world.order("look")[:6] == [(host, "look") for host in ALL] * 2
    assert sorted(sent) == [*ALL]
    assert "+# by hand" in report.hosts["lb-1"].diff
    assert replace(report, hosts={}).exit_code == 0
