"""A failover test: which faults are meant, what is refused, and when nothing more is broken."""

import io
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from nornir.core import Nornir
from nornir.core.task import Result, Task
from tests.support.changes import reachable

from nornir_kube_ha.engine import endpoints
from nornir_kube_ha.engine import run as run_module
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.facts import Endpoint, Facts, Probe, Scope
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.outage import Attempt, Outage
from nornir_kube_ha.failover.probe.settings import Config
from nornir_kube_ha.failover.trial import Outcome, Trial
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.report import Report
from nornir_kube_ha.runbooks import failover_test as module
from nornir_kube_ha.runbooks.failover_test import choose_faults, failover_test, impossible
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import start_command
from nornir_kube_ha.trials.client_runner import Client

ALL = ("lb-1", "lb-2", "lb-3")
TRIAL = Trial("demo", "lb-1", datetime(2026, 1, 2, tzinfo=UTC), Outcome.PASSED, attempts=(Attempt(0.0, 0.1),))


@dataclass
class World:
    """Three hosts, and the trials that are made there."""

    facts: dict[str, Facts]
    nornir: Nornir
    trials: list[Trial] = field(default_factory=list)
    made: list[tuple[Limit, float]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    clients: list[Config] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def get_facts(
        self, task: Task, intent: Intent, lease: Lease | None, *, scope: Scope, listened: Collection[str]
    ) -> Result:
        assert intent.nodes
        assert set(listened) <= {*self.facts}
        assert scope is Scope.ALL
        assert lease is not None  # it breaks nothing while another run changes the hosts
        return Result(task.host, result=self.facts[task.host.name])

    def test(
        self,
        *,
        hosts: tuple[str, ...] = ALL,
        answer: bool | None = None,
        faults: tuple[str, ...] | None = ("haproxy-kill",),
        **options: Any,  # noqa: ANN401
    ) -> Report:
        run = Run("failover_test", self.nornir, load_intent(self.nornir), hosts, tell=self.told.append)

        def ask(question: str) -> bool:
            self.questions.append(question)
            return bool(answer)

        return failover_test(run, faults, confirm=None if answer is None else ask, **options)


def granted(_task: Task, script: str, *, timeout: float) -> Completed:
    """Every host's lease, to whoever asks."""
    assert timeout > 0
    nonce = re.search(r"^NONCE=(\w+)$", script, re.MULTILINE)
    return Completed(0, f"@{nonce[1]} 0\n 1\n@{nonce[1]} end\n" if nonce else "", "")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> World:
    world = World(dict(healthy), nornir_of())

    class FakeMeasurement:
        """Makes the trials that the world says."""

        def __init__(self, _run: Run, cluster: Cluster, _client: object) -> None:
            self.cluster = cluster

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def trial(self, limit: Limit, _injector: object, seconds: float, keep: Callable[[Trial], None]) -> Trial:
            trial = world.trials[len(world.made)] if world.trials else TRIAL
            world.made.append((limit, seconds))
            keep(trial)
            return trial

    monkeypatch.setattr(run_module, "get_facts", world.get_facts)
    monkeypatch.setattr(endpoints, "get_endpoint", lambda *_: Endpoint(Probe(200, ""), Probe(401, "")))
    monkeypatch.setattr(module, "Measurement", FakeMeasurement)
    monkeypatch.setattr(Client, "here", lambda _, config: world.clients.append(config))
    monkeypatch.setattr(module, "_injector", lambda *_: None)
    monkeypatch.setattr("nornir_kube_ha.tasks.lease.run_script", granted)
    return world


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (("link-down",), ["link-down"]),
        (("link-down", "haproxy-kill", "link-down"), ["link-down", "haproxy-kill"]),
        (("vrrp-*",), ["vrrp-blocked", "vrrp-mute", "vrrp-loss"]),
    ],
)
def test_faults_are_chosen_by_name_and_pattern(patterns: tuple[str, ...], names: list[str]) -> None:
    assert [each.name for each in choose_faults(patterns)] == names


def test_all_faults_are_chosen_in_their_order() -> None:
    assert choose_faults(None) == tuple(FAULTS.values())


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        (("haproxy-kil",), "no fault is called haproxy-kil; did you mean haproxy-kill"),
        (("zzz",), "no fault is called zzz; --list shows all"),
        ((), "expected --fault NAME or --all"),
    ],
)
def test_fault_that_there_is_not_is_refused(patterns: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_faults(patterns)


def test_what_is_impossible_says_why(nornir_of: Callable[..., Nornir]) -> None:
    elsewhere = [{"name": "cp-1", "address": "192.0.2.99"}]
    usual = load_intent(nornir_of()).clusters[0]
    other = load_intent(nornir_of(group={"apiservers": elsewhere, "keepalived": {"events": False}})).clusters[0]
    assert "works in a lab only" in impossible(usual, FAULTS["node-off"])
    assert impossible(usual, FAULTS["apiserver-kill"]) == impossible(usual, FAULTS["vip-move"]) == ""
    assert "no apiserver runs" in impossible(other, FAULTS["apiserver-kill"])
    assert "events is false" in impossible(other, FAULTS["vip-move"])
    assert impossible(other, FAULTS["haproxy-kill"]) == ""


def test_client_asks_as_often_as_the_options_say(world: World) -> None:
    world.test()
    world.test(rate=7, connections=2)
    assert [(each.rate, each.connections) for each in world.clients] == [(50, 10), (7, 2)]


def test_part_of_a_cluster_is_not_broken(world: World) -> None:
    with pytest.raises(UsageError, match="needs all nodes of cluster demo: lb-3 is not selected"):
        world.test(hosts=("lb-1", "lb-2"))
    assert world.made == []


def test_fault_of_a_lab_is_refused_elsewhere_unless_all_that_can_be_made_is_meant(world: World) -> None:
    with pytest.raises(UsageError, match=r"node-off on cluster demo: .*works in a lab only"):
        world.test(faults=("node-off",))
    assert world.made == []
    report = world.test(faults=None)
    assert {"node-off", "apiserver-gone"}.isdisjoint(each.name for each in report.faults)
    assert len(report.faults) == len([each for each in FAULTS.values() if each.way != "lab"])


def test_unhealthy_cluster_gets_no_fault(world: World) -> None:
    world.facts["lb-2"] = reachable(ping=False)(world.facts["lb-2"])
    report = world.test(answer=True)
    assert (world.made, world.questions, report.faults, report.passed) == ([], [], (), False)


def test_without_a_terminal_there_is_no_consent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    run = Run("failover_test", world.nornir, load_intent(world.nornir), ALL)
    with pytest.raises(UsageError, match="stdin is not a terminal"):
        failover_test(run, ["haproxy-kill"])
    assert world.made == []


def test_answer_no_breaks_nothing(world: World) -> None:
    with pytest.raises(UsageError, match="aborted before injecting a fault"):
        world.test(answer=False, repeat=2)
    assert world.made == []
    assert "Inject faults into cluster demo at 192.0.2.10: haproxy-kill, 2 times each?" in world.questions[0]


def test_answer_yes_breaks_and_the_options_say_how(world: World) -> None:
    report = world.test(answer=True, repeat=3, hold=7.0, limit=0.5)
    assert world.made == [(replace(FAULTS["haproxy-kill"].limit, seconds=0.5), 7.0)] * 3
    assert report.passed


def test_nothing_more_is_broken_after_a_trial_that_has_not_healed(world: World) -> None:
    world.trials = [TRIAL, replace(TRIAL, outcome=Outcome.NOT_HEALED), TRIAL]
    report = world.test(faults=("haproxy-kill", "link-down"), repeat=3)
    assert len(world.made) == 2
    assert [each.name for each in report.faults] == ["haproxy-kill"]
    assert not report.passed


def test_attempts_are_kept_only_of_the_worst_trial(world: World) -> None:
    world.trials = [replace(TRIAL, new=Outage(seconds)) for seconds in (0.1, 0.3, 0.2)]
    (fault,) = world.test(repeat=3).faults
    assert [len(each.attempts) for each in fault.trials] == [0, 1, 0]


def test_an_unknown_vantage_point_is_a_usage_error(nornir_of: Callable[..., Nornir]) -> None:
    nornir = nornir_of()
    run = Run("failover_test", nornir, load_intent(nornir), list(nornir.inventory.hosts))
    with pytest.raises(UsageError, match="no host called nosuch"):
        run.one(start_command, "nosuch", command="true")


def test_each_fault_is_announced_with_the_time_that_is_left(world: World) -> None:
    world.test(faults=("haproxy-kill", "link-down"))
    begun = [line for line in world.told if line.startswith("fault ")]
    assert [re.sub(r"about \d+ s", "about N s", line) for line in begun] == [
        "fault 1 of 2, about N s left: haproxy-kill",
        "fault 2 of 2, about N s left: link-down",
    ]
    assert any("outage 0 s new, 0 s long-lived;" in line for line in world.told)


def test_restarts_that_the_test_makes_are_no_warning(world: World) -> None:
    found = world.test().hosts["lb-1"].findings
    assert {"haproxy.active", "haproxy.listening"} <= {each.id for each in found}
    assert not {"haproxy.stable", "keepalived.stable"} & {each.id for each in found}


def test_restart_from_before_the_test_stays_a_warning(world: World) -> None:
    unit = world.facts["lb-2"].units["haproxy"]
    restarted = replace(unit, restarts=1, started=world.facts["lb-2"].clock.now - 5)
    world.facts["lb-2"] = replace(world.facts["lb-2"], units={**world.facts["lb-2"].units, "haproxy": restarted})
    found = {each.id: each.status for each in world.test().hosts["lb-2"].findings}
    assert found["haproxy.stable"] == "warn"
    assert "keepalived.stable" not in found
