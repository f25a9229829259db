"""Further virtual routers that are new go to their masters; those that somebody holds stay where they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from nornir.core import Nornir
from tests.support.changes import TWO_WELL, second_router
from tests.support.inventories import TWO_ROUTERS
from tests.support.world import ALL, World, with_other_haproxy_cfg

from nornir_kube_ha.engine.ledger import Ledger
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, KubeHaError, MoveError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster, Intent, Router
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.plan import HostPlan, UnitChange
from nornir_kube_ha.rollout import initial_placement as homing
from nornir_kube_ha.rollout.initial_placement import (
    LONGEST,
    MARGIN,
    Unheld,
    election_seconds,
    move_to_masters,
    unheld_routers,
)
from nornir_kube_ha.runbooks import deploy as deploy_module
from nornir_kube_ha.runbooks.deploy import deploy

START = HostPlan(units=(UnitChange("start", "haproxy"), UnitChange("start", "keepalived")))
RELOAD = HostPlan(units=(UnitChange("reload", "keepalived"),))


@dataclass
class Looked:
    """A run that has looked, and keeps what it is told."""

    intent: Intent
    facts: Mapping[str, Facts]
    plans: Mapping[str, HostPlan] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=lambda: Ledger(dict.fromkeys(ALL, "demo"), frozenset({"demo"})))
    told: list[str] = field(default_factory=list)

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return self.intent.clusters

    def tell(self, text: str) -> None:
        self.told.append(text)

    @property
    def run(self) -> Run:
        return cast("Run", self)


@pytest.fixture
def looked(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> Looked:
    """Three hosts of which nobody holds the second VIP."""
    facts = {name: second_router("BACKUP", holds=False)(found) for name, found in healthy.items()}
    return Looked(load_intent(nornir_of(group=TWO_ROUTERS)), facts)


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which VIP was moved, and whereto: each was at lb-1."""
    found: list[tuple[str, str]] = []

    def move_vip(_run: Run, _cluster: Cluster, to: str, router: Router) -> str:
        found.append((str(router.vip.ip), to))
        return "lb-1"

    monkeypatch.setattr(homing, "move_vip", move_vip)
    return found


def vips(unheld: Unheld) -> list[str]:
    return [router.addresses for _, router in unheld]


def test_router_without_a_holder_is_new(looked: Looked) -> None:
    assert vips(unheld_routers(looked.run)) == ["192.0.2.20"]


@pytest.mark.parametrize("holder", ALL)
def test_router_with_a_holder_is_not(looked: Looked, holder: str) -> None:
    looked.facts = {**looked.facts, holder: second_router("MASTER", holds=True)(looked.facts[holder])}
    assert vips(unheld_routers(looked.run)) == []


def test_who_was_not_seen_may_be_the_holder(looked: Looked) -> None:
    looked.facts = {name: found for name, found in looked.facts.items() if name != "lb-3"}
    assert vips(unheld_routers(looked.run)) == []


def test_it_goes_to_its_own_master(looked: Looked, moves: list[tuple[str, str]]) -> None:
    assert move_to_masters(looked.run, unheld_routers(looked.run))
    assert moves == [("192.0.2.20", "lb-2")]


def test_it_does_not_go_where_the_change_has_ended(looked: Looked, moves: list[tuple[str, str]]) -> None:
    looked.ledger.ended["demo"] = "the change of cluster demo stopped because lb-3 failed"
    assert not move_to_masters(looked.run, unheld_routers(looked.run))
    assert moves == []


@pytest.mark.parametrize(
    "error", [MoveError("lb-2", "is not fit"), HostUnreachableError("lb-2", "is gone")], ids=["unfit", "gone"]
)
def test_router_that_cannot_be_moved_is_reported_and_stops_nothing(
    looked: Looked, monkeypatch: pytest.MonkeyPatch, error: KubeHaError
) -> None:
    def refuse(*_arguments: object) -> str:
        raise error

    monkeypatch.setattr(homing, "move_vip", refuse)
    assert not move_to_masters(looked.run, unheld_routers(looked.run))
    assert looked.told == [f"192.0.2.20 was not moved to lb-2: {error}"]


@dataclass
class Home:
    """What a deploy is told to bring home, and how often it looks whether all is well."""

    brought: list[list[str]] = field(default_factory=list)
    looks: int = 0

    def bring(self, _run: Run, unheld: Unheld) -> bool:
        self.brought.append(vips(unheld))
        return bool(unheld)

    def settled(self, run: Run) -> set[str]:
        self.looks += 1
        return {*run.hosts}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    found = Home()
    monkeypatch.setattr(deploy_module, "move_to_masters", found.bring)
    monkeypatch.setattr(deploy_module, "settled", found.settled)
    return found


def with_two(world: World, nornir_of: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch, *, held: bool) -> Run:
    """A deploy of two virtual routers to hosts whose haproxy.cfg is another."""
    well = TWO_WELL if held else dict.fromkeys(ALL, second_router("BACKUP", holds=False))
    world.facts = {name: with_other_haproxy_cfg(well[name](found)) for name, found in world.facts.items()}
    world.healthy = {name: replace(found) for name, found in world.facts.items()}
    monkeypatch.setattr(deploy_module, "blockers", lambda *_: ())  # the live keepalived.conf has one VIP only
    monkeypatch.setattr(deploy_module, "roll_over_hosts", lambda run, *_: run.ledger.changed.update(run.hosts))
    nornir = nornir_of(group=TWO_ROUTERS)
    return Run("deploy", nornir, load_intent(nornir), ALL)


@pytest.mark.parametrize(("held", "brought", "looks"), [(False, [["192.0.2.20"]], 2), (True, [[]], 1)])
def test_a_deploy_moves_new_vips_to_their_masters_and_verifies_again(
    world: World,
    home: Home,
    nornir_of: Callable[..., Nornir],
    monkeypatch: pytest.MonkeyPatch,
    *,
    held: bool,
    brought: list[list[str]],
    looks: int,
) -> None:
    deploy(with_two(world, nornir_of, monkeypatch, held=held))
    assert (home.brought, home.looks) == (brought, looks)


@pytest.mark.parametrize(
    ("plans", "is_held", "seconds"),
    [
        (dict.fromkeys(ALL, START), False, 0.85 + MARGIN),
        ({"lb-3": START}, False, 0.85 + MARGIN),
        ({"lb-3": START}, True, 0),  # one that joins
        (dict.fromkeys(ALL, RELOAD), False, 0),
        ({}, False, 0),
    ],
)
def test_a_first_election_is_waited_for(
    looked: Looked, bare: Facts, plans: dict[str, HostPlan], *, is_held: bool, seconds: float
) -> None:
    looked.plans = plans
    looked.facts = {**looked.facts, "lb-3": bare} if is_held else dict.fromkeys(ALL, bare)
    assert election_seconds(looked.run) == pytest.approx(seconds)


@pytest.mark.parametrize(("interval", "seconds"), [(1, 4 + MARGIN), (40, LONGEST)])
def test_a_slow_election_is_waited_for_as_long_as_anybody_would(
    nornir_of: Callable[..., Nornir], bare: Facts, interval: int, seconds: float
) -> None:
    slow = load_intent(nornir_of(group={"keepalived": {"advert_int": interval}}))
    run = Looked(slow, dict.fromkeys(ALL, bare), dict.fromkeys(ALL, START))
    assert election_seconds(run.run) == pytest.approx(seconds)


@pytest.mark.parametrize("left_out", ["unseen", "ended"])
def test_no_election_is_waited_for_where_not_all_is_known_or_nothing_goes_on(
    looked: Looked, bare: Facts, left_out: str
) -> None:
    looked.plans = {"lb-3": START}
    looked.facts = dict.fromkeys(ALL if left_out == "ended" else ALL[1:], bare)
    looked.ledger.ended = {"demo": "lb-2 failed"} if left_out == "ended" else {}
    assert election_seconds(looked.run) == 0


@pytest.fixture
def bare(facts_from: Callable[[str], Facts]) -> Facts:
    return facts_from("facts-bare")
