"""What each change of a failover test does to a run, step by step, and what is left of one that stops half-way."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from tests.support.reports import FAILED, PASSED, host, report_of

from nornir_kube_ha.checks import ALL
from nornir_kube_ha.engine.ledger import Ledger, StoppedError
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import FaultError, HostUnreachableError, MoveError
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.report import Failure, Report
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.tasks.services import restart_services
from nornir_kube_ha.trials import change_faults as changes
from nornir_kube_ha.trials.change_faults import change_injector, commented
from nornir_kube_ha.trials.fault_injectors import FaultInjector


@dataclass
class World:
    """A run, and what it is made to do.

    Arguments:
        intent: what the run takes for what should be
        stops: whether a host fails by the next change
        sick: after how many steps the cluster is not well any more
    """

    intent: Intent
    hosts: tuple[str, ...] = ("lb-1", "lb-2", "lb-3")
    reached: tuple[str, ...] = ("lb-1", "lb-2", "lb-3")
    stops: bool = False
    sick: int = 99
    error: Exception | None = None
    lease: None = None
    steps: list[str] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)

    def start_over(self) -> None:
        self.steps.append("start over")
        self.reached = self.hosts

    def look(self, **_arguments: object) -> None:
        self.steps.append("look")

    @property
    def ledger(self) -> Ledger:
        failed = {name: Failure("HostError", "no", 1) for name in self.hosts if name not in self.reached}
        return Ledger(dict.fromkeys(self.hosts, "demo"), frozenset({"demo"}), failed)

    def report_of_checks(self) -> Report:
        return report_of(host(FAILED if len(self.steps) > self.sick else PASSED))

    def one(self, task: object, name: str, *, lease: None) -> None:
        assert lease is self.lease
        assert task is restart_services
        self.steps.append(f"restart {name}")
        if self.error:
            raise self.error

    def expect(self, intent: Intent) -> None:
        self.intent = intent

    def roll_over_hosts(self, run: object, checks: object, how: object) -> None:
        assert (run, checks, how) == (self, ALL, RollOut())
        self.steps.append("roll out")
        self.intents.append(self.intent)
        if self.stops:
            self.stops, self.reached = False, ("lb-1", "lb-3")
            raise StoppedError

    def move_vip(self, run: object, cluster: Cluster, to: str) -> str:
        assert (run, cluster.name) == (self, self.intent.clusters[0].name)
        self.steps.append(f"move to {to}")
        if self.error:
            raise self.error
        return "lb-2"

    def send_vips_away(self, run: object, name: str, done: list[str]) -> None:
        assert run is self
        self.steps.append(f"free {name}, after {', '.join(done) or 'none'}")

    def injector(self, name: str, holder: str = "lb-2") -> FaultInjector:
        return change_injector(cast("Run", self), self.intent.clusters[0], FAULTS[name], holder)


@pytest.fixture
def world(intent: Intent, monkeypatch: pytest.MonkeyPatch) -> World:
    """A cluster that is well, whose VIP lb-2 holds."""
    found = World(intent)
    monkeypatch.setattr(changes, "roll_over_hosts", found.roll_over_hosts)
    monkeypatch.setattr(changes, "move_vip", found.move_vip)
    monkeypatch.setattr(changes, "send_vips_away", found.send_vips_away)
    monkeypatch.setattr(changes, "SETTLE_TIMEOUT", 0.0)
    return found


def test_configuration_is_changed_and_changed_back(world: World, intent: Intent) -> None:
    injector = world.injector("config-change")
    injector.inject()
    assert world.intents == [commented(intent)]
    injector.heal()
    assert world.intents[1:] == [intent]
    assert world.intent == intent
    assert world.steps == ["start over", "look", "roll out"] * 2


def test_change_that_stops_half_way_is_changed_back_also_where_it_failed(world: World, intent: Intent) -> None:
    world.stops = True
    with pytest.raises(FaultError, match=r"^lb-2: the change stopped there"):
        world.injector("config-change").inject()
    assert world.intents == [commented(intent), intent]
    assert (world.intent, world.reached) == (intent, world.hosts)


def test_vip_is_looked_for_before_it_is_moved(world: World) -> None:
    injector = world.injector("vip-move")
    injector.inject()
    injector.heal()
    assert world.steps == ["look", "move to lb-3"]


def test_vip_that_does_not_move_is_a_fault_that_cannot_be_made(world: World) -> None:
    world.error = MoveError("lb-3", "is not fit")
    with pytest.raises(FaultError, match="is not fit"):
        world.injector("vip-move").inject()


def test_holder_is_restarted_last_and_each_only_when_all_checks_pass(world: World) -> None:
    world.injector("rolling-restart").inject()
    restarts = [step for step in world.steps if step.startswith("restart")]
    assert restarts == ["restart lb-1", "restart lb-3", "restart lb-2"]
    assert world.steps[:4] == ["free lb-1, after none", "restart lb-1", "start over", "look"]
    assert world.steps[-4:-2] == ["free lb-2, after lb-1, lb-3", "restart lb-2"]


def test_restarts_stop_at_a_node_that_fails_its_checks(world: World) -> None:
    world.sick = 4
    with pytest.raises(
        FaultError, match=r"^lb-3: fails its checks after its daemons were restarted: lb-1 haproxy\.active"
    ):
        world.injector("rolling-restart").inject()
    assert "restart lb-2" not in world.steps


def test_node_that_cannot_be_restarted_is_a_fault_that_cannot_be_made(world: World) -> None:
    world.error = HostUnreachableError("lb-1", "no answer")
    with pytest.raises(FaultError, match=r"^lb-1: no answer$"):
        world.injector("rolling-restart").inject()
    assert world.steps == ["free lb-1, after none", "restart lb-1"]
