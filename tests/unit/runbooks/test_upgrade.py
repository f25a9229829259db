"""An upgrade of the daemons: whom it meets, in which order, and where the VIP is meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from nornir.core import Nornir
from tests.support.changes import TWO_WELL, second_router, unit, vrrp
from tests.support.inventories import TWO_ROUTERS
from tests.support.world import ALL, World, failure_of, statuses, with_other_haproxy_cfg, without_ping

from nornir_kube_ha.engine import leases
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import MoveError, RemoteCommandError
from nornir_kube_ha.intent import Cluster, Router
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.rollout import send_away
from nornir_kube_ha.rollout.send_away import send_vips_away
from nornir_kube_ha.runbooks.upgrade import upgrade

NEWER = "haproxy 2.6.12-1 2.6.12-2 newer\nkeepalived 1:2.2.7-1 1:2.2.7-2 newer\n"
OLDER = "haproxy 2.6.12-2 2.6.12-1 older\n"
DONE = ("newer", "move", "upgrade", "release")


@pytest.fixture
def old(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three hosts that are well, and whose package sources have newer packages."""
    world.newer = dict.fromkeys(ALL, NEWER)
    unfit = world.refuses

    def move_vip(run: Run, _cluster: Cluster, to: str, router: Router) -> str:
        holder = next(name for name, facts in run.facts.items() if facts.holds(router.vip))
        if to in unfit:
            raise MoveError(to, "is not fit")
        world.steps.append((to, "move"))
        for node, change in ((holder, vrrp("BACKUP", holds=False)), (to, vrrp("MASTER", holds=True))):
            world.facts[node] = change(world.facts[node])
            world.healthy = {**world.healthy, node: change(world.healthy[node])}
        return holder

    monkeypatch.setattr(send_away, "move_vip", move_vip)
    return world


def test_backups_go_first_and_the_vip_goes_to_one_of_them_before_its_holder_does(
    old: World, run_of: Callable[..., Run]
) -> None:
    report = upgrade(run_of("upgrade"))
    assert old.order(*DONE) == [
        *((host, "newer") for host in ALL),
        ("lb-2", "upgrade"),
        ("lb-3", "upgrade"),
        ("lb-2", "move"),
        ("lb-1", "upgrade"),
        *((host, "release") for host in ALL),
    ]
    assert report.changed
    assert statuses(report) == dict.fromkeys(ALL, "passed")
    assert "- package haproxy 2.6.12-1\n+ package haproxy 2.6.12-2" in report.hosts["lb-3"].diff


def test_of_those_that_are_done_the_vip_goes_to_one_that_holds_no_other(
    old: World, nornir_of: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch
) -> None:
    """lb-2 is first in the order, but has the second VIP."""
    nornir = nornir_of(group=TWO_ROUTERS)
    run = Run("upgrade", nornir, load_intent(nornir), ALL)
    holder, other = TWO_WELL["lb-1"](old.facts["lb-1"]), second_router("MASTER", holds=True)(old.facts["lb-2"])
    run.snapshot = replace(run.snapshot, facts={**old.facts, "lb-1": holder, "lb-2": other})
    monkeypatch.setattr(Run, "look_at_each", lambda *_: {})
    send_vips_away(run, "lb-1", ["lb-2", "lb-3"])
    assert old.order("move") == [("lb-3", "move")]


def test_hosts_with_nothing_newer_are_left_alone(old: World, run_of: Callable[..., Run]) -> None:
    old.newer = {"lb-3": NEWER}
    report = upgrade(run_of("upgrade"))
    assert old.order("upgrade", "move") == [("lb-3", "upgrade")]
    assert {name: host.changed for name, host in report.hosts.items()} == {"lb-1": False, "lb-2": False, "lb-3": True}


def test_daemon_that_runs_a_replaced_program_is_renewed_though_nothing_is_newer(
    old: World, run_of: Callable[..., Run]
) -> None:
    old.newer = {}
    old.facts["lb-2"] = unit("haproxy", program="/usr/sbin/haproxy (deleted)")(old.facts["lb-2"])
    assert upgrade(run_of("upgrade")).exit_code == 0
    assert old.order("upgrade", "move") == [("lb-2", "upgrade")]


def test_dry_run_moves_and_upgrades_nothing(old: World, run_of: Callable[..., Run]) -> None:
    report = upgrade(run_of("upgrade", dry_run=True))
    assert {step for _, step in old.steps} == {"look", "newer", "ask"}
    assert "+ package keepalived 1:2.2.7-2" in report.hosts["lb-1"].diff
    steps = ("upgrade haproxy 2.6.12-1 to 2.6.12-2", "upgrade keepalived 1:2.2.7-1 to 1:2.2.7-2")
    assert report.hosts["lb-1"].plan == steps


def test_dry_run_says_which_daemon_would_be_renewed(old: World, run_of: Callable[..., Run]) -> None:
    old.newer = {}
    old.facts["lb-2"] = unit("haproxy", program="/usr/sbin/haproxy (deleted)")(old.facts["lb-2"])
    plans = {name: host.plan for name, host in upgrade(run_of("upgrade", dry_run=True)).hosts.items()}
    assert plans == {"lb-1": (), "lb-2": ("reload haproxy",), "lb-3": ()}


def test_host_that_fails_its_gate_ends_the_upgrade_while_the_vip_is_elsewhere(
    old: World, run_of: Callable[..., Run]
) -> None:
    old.healthy = {**old.healthy, "lb-2": without_ping(old.healthy["lb-2"])}
    report = upgrade(run_of("upgrade"))
    assert old.order("upgrade", "move") == [("lb-2", "upgrade")]
    assert failure_of(report, "lb-2").startswith("GateError: fails its checks 0 s after the change: vip.ping")
    assert report.exit_code == 1


def test_older_version_is_refused_before_anything_is_changed_on_any(old: World, run_of: Callable[..., Run]) -> None:
    old.newer["lb-3"] = OLDER
    report = upgrade(run_of("upgrade"))
    assert old.order("upgrade", "move") == []
    assert failure_of(report, "lb-3") == (
        "DowngradeRefusedError: haproxy 2.6.12-2 is newer than the pinned 2.6.12-1; pass --allow-downgrade to "
        "install the pinned version"
    )
    assert (report.exit_code, report.changed) == (1, False)


def test_older_version_that_is_allowed_is_had(old: World, run_of: Callable[..., Run]) -> None:
    old.newer = {"lb-3": OLDER}
    report = upgrade(run_of("upgrade"), allow_downgrade=True)
    assert old.order("upgrade") == [("lb-3", "upgrade")]
    assert "- package haproxy 2.6.12-2\n+ package haproxy 2.6.12-1" in report.hosts["lb-3"].diff


def test_package_manager_that_fails_ends_it(old: World, run_of: Callable[..., Run]) -> None:
    old.fails["lb-2", "upgrade"] = RemoteCommandError("lb-2", "E: Could not get lock")
    report = upgrade(run_of("upgrade"))
    assert old.order("upgrade") == [("lb-2", "upgrade")]
    assert failure_of(report, "lb-2") == "RemoteCommandError: E: Could not get lock"


def test_vip_goes_to_the_next_node_that_is_fit(old: World, run_of: Callable[..., Run]) -> None:
    old.refuses.add("lb-2")
    upgrade(run_of("upgrade"))
    assert old.order("move") == [("lb-3", "move")]


def test_holder_whose_vip_cannot_be_moved_away_is_left_as_it_is(old: World, run_of: Callable[..., Run]) -> None:
    old.refuses |= {"lb-2", "lb-3"}
    report = upgrade(run_of("upgrade"))
    assert ("lb-1", "upgrade") not in old.steps
    assert failure_of(report, "lb-1") == (
        "MoveError: cannot move 192.0.2.10 away first: lb-2: is not fit; lb-3: is not fit; nothing was upgraded "
        "on this host. Pass --accept-outage to restart its daemons anyway"
    )


def test_accepted_outage_moves_nothing(old: World, run_of: Callable[..., Run]) -> None:
    old.refuses |= {"lb-2", "lb-3"}
    report = upgrade(run_of("upgrade"), accept_outage=True)
    assert old.order("upgrade", "move")[-1] == ("lb-1", "upgrade")
    assert report.exit_code == 0


@pytest.mark.usefixtures("old")
def test_holder_alone_in_a_run_is_refused_with_the_reason(run_of: Callable[..., Run]) -> None:
    report = upgrade(run_of("upgrade", ("lb-1",)))
    assert "this run includes no other node of its cluster" in failure_of(report, "lb-1")


def test_files_that_the_new_daemons_want_otherwise_are_put_there(old: World, run_of: Callable[..., Run]) -> None:
    old.newer = {"lb-2": NEWER}
    old.healthy = {**old.healthy, "lb-2": with_other_haproxy_cfg(old.healthy["lb-2"])}
    upgrade(run_of("upgrade"))
    assert [step for host, step in old.order("upgrade", "stage", "commit", "services") if host == "lb-2"] == [
        "upgrade",
        "stage",
        "commit",
        "services",
    ]


def test_an_upgrade_that_takes_long_keeps_the_leases_of_those_that_wait(
    old: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0)  # it is time after each host
    upgrade(run_of("upgrade"))
    order = old.order("take", "upgrade")
    assert ("lb-1", "take") in order[order.index(("lb-2", "upgrade")) : order.index(("lb-3", "upgrade"))]


@pytest.mark.field_report("J4")
@pytest.mark.parametrize("dry_run", [False, True])
def test_held_package_stops_all_before_anything_moves(old: World, run_of: Callable[..., Run], *, dry_run: bool) -> None:
    old.newer["lb-3"] = "held haproxy 2.6.12-1 2.6.12-2 apt-mark unhold haproxy\n"
    report = upgrade(run_of("upgrade", dry_run=dry_run))
    assert not old.order("upgrade", "move")
    assert failure_of(report, "lb-3") == (
        "PackageHeldError: haproxy is held at 2.6.12-1, so it cannot change to 2.6.12-2. Release it with `apt-mark "
        "unhold haproxy`, or pin the installed version with packages.NAME in the inventory; nothing was changed"
    )
    assert (report.exit_code, report.changed) == (1, False)
