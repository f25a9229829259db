"""Who makes a fault and ends it, and when that was on the controller's clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import FaultError
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.faults import LabFault
from nornir_kube_ha.tasks.faults import FaultTimeline, heal_fault, inject_fault
from nornir_kube_ha.tasks.vip_watch import VIPWatch
from nornir_kube_ha.trials.fault_injectors import PATIENCE, ChangeInjector, HostFaultInjector, LabFaultInjector, Window

AHEAD = 1000.0  # seconds by which the host's clock is ahead


class FakeWatch:
    """Knows the host's clock."""

    host = "lb-2"

    def controller_time(self, host_time: float) -> float:
        return host_time - AHEAD


@dataclass
class FakeRun:
    """Answers with a story."""

    story: FaultTimeline
    intent: str = "what should be"
    run_id: str = "0123"
    lease: None = None
    asked: list[tuple[Callable[..., Any], str, dict[str, Any]]] = field(default_factory=list)

    def one(self, task: Callable[..., Any], host: str, **arguments: object) -> FaultTimeline:
        self.asked.append((task, host, arguments))
        return self.story


def host_injector(run: FakeRun) -> HostFaultInjector:
    watch = cast("VIPWatch", FakeWatch())
    return HostFaultInjector(cast("Run", run), FAULTS["haproxy-kill"], watch, seconds=2.0, port=6443)


def test_host_s_times_are_converted_to_the_controller_s_clock() -> None:
    run = FakeRun(FaultTimeline(1010.0, 1010.5, 1012.0, 1013.0))
    injector = host_injector(run)
    injector.inject()
    assert injector.heal() == Window(10.0, 10.5, 12.0, 13.0)
    (inject, host, arguments), (heal, same, patience) = run.asked
    assert (inject, heal, host, same) == (inject_fault, heal_fault, "lb-2", "lb-2")
    assert arguments == {
        "intent": run.intent,
        "fault": FAULTS["haproxy-kill"],
        "run_id": run.run_id,
        "seconds": 2.0,
        "port": 6443,
        "lease": None,
    }
    assert 2.0 + PATIENCE - 1 < patience["patience"] <= 2.0 + PATIENCE


@pytest.mark.parametrize(
    ("story", "window"),
    [
        (FaultTimeline(1010.0, None, 1012.0, 1013.0, "not made: no"), Window(10.0, None, 12.0, 13.0, "not made: no")),
        (
            FaultTimeline(1010.0, None, 1012.0, 1013.0),
            Window(10.0, None, 12.0, 13.0, "the fault did not take effect on the host before it was healed"),
        ),
    ],
)
def test_fault_that_was_not_seen_says_why(story: FaultTimeline, window: Window) -> None:
    injector = host_injector(FakeRun(story))
    injector.inject()
    assert injector.heal() == window


def test_host_without_a_record_had_no_fault() -> None:
    injector = host_injector(FakeRun(FaultTimeline()))
    injector.inject()
    window = injector.heal()
    assert (window.made, window.healed, window.trouble) == (None, None, "the host has no record of a fault")
    assert 0 < window.begun <= window.heal <= time.monotonic()


def test_host_is_healed_at_once_without_patience() -> None:
    run = FakeRun(FaultTimeline())
    host_injector(run).heal_now()
    assert run.asked == [(heal_fault, "lb-2", {"run_id": run.run_id})]


@dataclass
class FakeLabFault:
    """What a lab does, and whether that shows."""

    verb: str = "off"
    shows: bool = True
    hosts: tuple[str, ...] = ("lb-1", "lb-2")
    steps: list[str] = field(default_factory=list)

    def make(self) -> None:
        self.steps.append("make")
        if not self.shows:
            raise LabError("off of lb-1 had no visible effect after 5 s")

    def heal(self) -> None:
        self.steps.append("heal")

    def injector(self) -> LabFaultInjector:
        return LabFaultInjector(
            cast("LabFault", self),
            lambda host: self.steps.append(f"gone {host}"),
            lambda host: self.steps.append(f"back {host}"),
        )


@pytest.mark.parametrize("verb", ["off", "reboot"])
def test_hosts_without_power_are_gone_and_come_back(verb: str) -> None:
    fault = FakeLabFault(verb)
    injector = fault.injector()
    before = time.monotonic()
    injector.inject()
    assert fault.steps == ["make", "gone lb-1", "gone lb-2"]
    window = injector.heal()
    assert fault.steps[3:] == ["heal", "back lb-1", "back lb-2"]
    assert window.made is not None
    assert window.healed is not None
    assert before <= window.begun <= window.made <= window.heal <= window.healed
    assert injector.target == "lb-1, lb-2"


def test_apiserver_that_behaves_badly_takes_no_host_away() -> None:
    fault = FakeLabFault("slow 2")
    injector = fault.injector()
    injector.inject()
    injector.heal()
    assert fault.steps == ["make", "heal"]


def test_lab_s_fault_that_does_not_show_is_healed_and_refused() -> None:
    fault = FakeLabFault("gone", shows=False)
    with pytest.raises(FaultError, match="had no visible effect") as caught:
        fault.injector().inject()
    assert fault.steps == ["make", "heal"]
    assert caught.value.host == "lb-1, lb-2"


def test_our_own_work_is_done_and_undone() -> None:
    steps: list[str] = []
    injector = ChangeInjector("all", lambda: steps.append("do"), lambda: steps.append("undo"))
    before = time.monotonic()
    injector.inject()
    window = injector.heal()
    assert steps == ["do", "undo"]
    assert window.made == window.begun
    assert window.healed is not None
    assert before <= window.begun <= window.heal <= window.healed
    injector.heal_now()
    assert steps == ["do", "undo", "undo"]


def test_our_own_work_that_fails_half_way_is_undone() -> None:
    steps: list[str] = []

    def do() -> None:
        raise FaultError("lb-2", "the change stopped there")

    with pytest.raises(FaultError, match="the change stopped there"):
        ChangeInjector("all", do, lambda: steps.append("undo")).inject()
    assert steps == ["undo"]
