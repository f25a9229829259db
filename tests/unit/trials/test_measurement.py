"""A trial from start to outcome, with a client, a injector and watches that only seem to be there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import ClientError, FaultError, HostUnreachableError, KubeHaError
from nornir_kube_ha.failover.limit import ApiLimit, Limit
from nornir_kube_ha.failover.outage import FOREVER, Attempt, Span
from nornir_kube_ha.failover.probe.settings import CACHED, CUT, READ, WATCH, WRITE
from nornir_kube_ha.failover.trial import Outcome, Trial
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.report import Report
from nornir_kube_ha.tasks.vip_watch import VIPWatch
from nornir_kube_ha.trials import measurement
from nornir_kube_ha.trials.client_runner import Client
from nornir_kube_ha.trials.fault_injectors import Window
from nornir_kube_ha.trials.measurement import Measurement, split

STEP = 0.01  # seconds between two attempts of the client
LIMIT = Limit(seconds=0.0)


@dataclass
class FakeClient:
    """Sees an answer each step since a second ago; from `fails_from` on a failure for as long as `fails_for`."""

    error: str = ""
    fails_from: float = FOREVER
    fails_for: float = 0.0
    where: str = "this machine"
    begun: float = field(default_factory=lambda: time.monotonic() - 1)
    uses_api: bool = False
    settled: int = 0

    def settle(self) -> None:
        self.settled += 1

    def api_attempts(self, since: float) -> list[Attempt]:
        """A write that nobody acknowledges until the fault has gone, and a watch that is cut."""
        if not self.uses_api:
            return []
        reads = [Attempt(since, since + 0.01, kind=kind) for kind in (READ, CACHED)]
        write = Attempt(since + 0.1, since + 0.6, kind=WRITE)
        cut, heard = Attempt(since, since, "reset", 0, kind=CUT), Attempt(since, since, "", 0, kind=WATCH)
        return [*reads, write, cut, heard]

    def take_losses(self) -> tuple[int, int]:
        return (0, 0)

    def attempts(self, since: float = 0.0) -> list[Attempt]:
        count = int((time.monotonic() - self.begun) / STEP)
        starts = [self.begun + number * STEP for number in range(count)]
        return [Attempt(each, each + STEP / 10, self._error(each)) for each in starts if each >= since]

    def _error(self, start: float) -> str:
        return self.error or ("refused" if self.fails_from <= start < self.fails_from + self.fails_for else "")

    def wait_until(self, condition: Callable[[list[Attempt]], bool], seconds: float, *, since: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition(self.attempts(since)):
            if time.monotonic() > deadline:
                return False
            time.sleep(STEP)
        return True

    def forget(self, before: float) -> None:
        assert before < time.monotonic()

    def late(self, since: float) -> float:
        return 0.001 if since else 0.0


@dataclass
class FakeWatch:
    """A node that holds the VIP always, or never."""

    host: str
    holds: bool
    answers: bool = True

    def ask(self, *, timeout: float) -> bool:
        return self.answers and timeout > 0

    def spans(self) -> list[Span]:
        return [Span(self.host, 0.0, FOREVER)] if self.holds else []


@dataclass
class FakeReport:
    """What a look found."""

    passed: bool
    findings: tuple[Any, ...] = ()
    hosts: dict[str, Any] = field(default_factory=dict)


@dataclass
class FakeRun:
    """Looks, and finds all well or nothing."""

    passes: bool = True
    looks: int = 0
    told: list[str] = field(default_factory=list)

    def tell(self, words: str) -> None:
        self.told.append(words)

    def start_over(self) -> None:
        pass

    def look(self, **_arguments: object) -> None:
        self.looks += 1

    def report_of_checks(self) -> Report:
        return cast("Report", FakeReport(self.passes))


@dataclass
class FakeInjector:
    """Makes nothing, and tells when it did."""

    inject_error: BaseException | None = None
    heal_error: Exception | None = None
    heal_now_error: Exception | None = None
    has_made: bool = True
    has_healed: bool = True
    on_inject: Callable[[], None] = lambda: None
    target: str = "lb-1"
    begun: float = 0.0
    steps: list[str] = field(default_factory=list)

    def inject(self) -> None:
        self.steps.append("inject")
        self.begun = time.monotonic()
        self.on_inject()
        if self.inject_error:
            raise self.inject_error

    def heal(self) -> Window:
        self.steps.append("heal")
        if self.heal_error:
            raise self.heal_error
        now = time.monotonic()
        trouble = "" if self.has_made and self.has_healed else "the host does not show it"
        return Window(self.begun, self.begun if self.has_made else None, now, now if self.has_healed else None, trouble)

    def heal_now(self) -> None:
        self.steps.append("heal now")
        if self.heal_now_error:
            raise self.heal_now_error


@dataclass
class World:
    """A cluster whose three nodes are watched."""

    intent: Intent
    client: FakeClient = field(default_factory=FakeClient)
    run: FakeRun = field(default_factory=FakeRun)
    kept: list[Trial] = field(default_factory=list)
    watches: list[FakeWatch] = field(
        default_factory=lambda: [FakeWatch("lb-1", holds=True), FakeWatch("lb-2", holds=False)]
    )

    def trial(self, injector: FakeInjector, *, seconds: float = 0.03, limit: Limit = LIMIT) -> Trial:
        made = Measurement(cast("Run", self.run), self.intent.clusters[0], cast("Client", self.client))
        made.watches = {each.host: cast("VIPWatch", each) for each in self.watches}
        return made.trial(limit, injector, seconds, self.kept.append)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, intent: Intent) -> World:
    for name, seconds in {
        "STEADY": 0.03,
        "STEADY_TIMEOUT": 0.1,
        "TAIL": 0.02,
        "SETTLE_TIMEOUT": 0.0,
        "SETTLE_SLEEP": 0.01,
    }.items():
        monkeypatch.setattr(measurement, name, seconds)
    return World(intent)


def test_what_the_heal_cut_off_belongs_to_the_end() -> None:
    before = Attempt(-0.5, -0.25)
    met = Attempt(-0.25, 0.25, "reset")
    answered_late = Attempt(1.5, 2.5)
    cut_off = Attempt(1.75, 2.5, "reset")
    later = Attempt(2.0, 2.25)
    assert split([before, met, answered_late, cut_off, later], 2.0) == ([met, answered_late], [cut_off, later])


def test_trial_of_ten_minutes_is_split_by_the_same_rule() -> None:
    many = [Attempt(number / 50, number / 50 + 0.01) for number in range(30_000)]
    during, after = split(many, 300.0)
    assert (len(during), len(after)) == (15_000, 15_000)


def test_trial_that_costs_nothing_has_passed(world: World) -> None:
    injector = FakeInjector()
    trial = world.trial(injector)
    assert (trial.outcome, trial.words, trial.exceeded) == (Outcome.PASSED, "", ())
    assert injector.steps == ["inject", "heal"]
    assert (trial.before, trial.holder, trial.cluster, trial.target) == ("lb-1", "lb-1", "demo", "lb-1")
    assert trial.heal is not None
    assert trial.heal >= 0.03
    assert trial.made == 0
    assert trial.attempts[0].start < 0 < trial.attempts[-1].start
    assert trial.late == 0.001
    assert world.kept == [trial]
    assert world.run.looks == 1


def test_trial_that_costs_more_than_its_limit_has_missed(world: World) -> None:
    def fail() -> None:
        world.client.fails_from, world.client.fails_for = time.monotonic(), 0.025

    trial = world.trial(FakeInjector(on_inject=fail), seconds=0.06)
    assert trial.outcome is Outcome.MISSED
    assert trial.new.failed in {2, 3}
    assert "outage" in trial.exceeded[0]
    assert world.kept == [trial]


def test_fault_that_cannot_be_made_is_not_injected(world: World) -> None:
    injector = FakeInjector(inject_error=FaultError("lb-1", "nft is missing"))
    trial = world.trial(injector)
    assert (trial.outcome, trial.words) == (Outcome.NOT_INJECTED, "nft is missing")
    assert injector.steps == ["inject"]
    assert world.kept == [trial]


def test_fault_that_cannot_be_made_but_leaves_something_behind_has_not_healed(world: World) -> None:
    world.run.passes = False
    trial = world.trial(FakeInjector(inject_error=FaultError("lb-1", "fails its checks after a restart")))
    assert trial.outcome is Outcome.NOT_HEALED
    assert trial.words == "fails its checks after a restart; then not every check passes"


def test_fault_with_an_unknown_end_has_not_healed(world: World) -> None:
    trial = world.trial(FakeInjector(inject_error=HostUnreachableError("lb-1", "no answer")))
    assert (trial.outcome, trial.words) == (Outcome.NOT_HEALED, "no answer")


def test_losses_of_api_clients_are_reported_once_complete(world: World) -> None:
    assert world.trial(FakeInjector()).api is None
    world.client.uses_api = True
    trial = world.trial(FakeInjector(), limit=Limit(api=ApiLimit(write=0.3, cuts=0)))
    assert world.client.settled == 2
    assert trial.api
    assert trial.api.write.gap == pytest.approx(0.5)
    assert trial.api.watch.cuts == 1
    assert trial.exceeded == (
        "writes without answer for 0.5 s, at most 0.3 s allowed",
        "watches cut 1, at most 0 allowed",
    )


def test_fault_that_was_never_seen_is_not_injected(world: World) -> None:
    trial = world.trial(FakeInjector(has_made=False))
    assert (trial.outcome, trial.words) == (Outcome.NOT_INJECTED, "the host does not show it")


def test_unseen_fault_on_an_unhealthy_cluster_has_not_healed(world: World) -> None:
    world.run.passes = False
    assert world.trial(FakeInjector(has_made=False)).outcome is Outcome.NOT_HEALED


@pytest.mark.parametrize(
    ("error", "words"),
    [(FaultError("lb-1", "it hangs"), "it hangs"), (KubeHaError("the lab is down"), "the lab is down")],
)
def test_heal_that_fails_has_not_healed(world: World, error: Exception, words: str) -> None:
    trial = world.trial(FakeInjector(heal_error=error))
    assert (trial.outcome, trial.words) == (Outcome.NOT_HEALED, words)
    assert world.kept == [trial]


def test_fault_that_is_not_seen_to_be_gone_has_not_healed(world: World) -> None:
    trial = world.trial(FakeInjector(has_healed=False))
    assert (trial.outcome, trial.words) == (Outcome.NOT_HEALED, "the host does not show it")


def test_checks_that_stay_red_have_not_healed(world: World) -> None:
    world.run.passes = False
    trial = world.trial(FakeInjector())
    assert (trial.outcome, trial.words) == (Outcome.NOT_HEALED, "not every check passes")


def test_silent_node_has_not_healed(world: World) -> None:
    world.watches[1].answers = False
    trial = world.trial(FakeInjector())
    assert (trial.outcome, trial.words) == (Outcome.NOT_HEALED, "no more reports from lb-2")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(143)], ids=["Ctrl-C", "SIGTERM"])
def test_interruption_heals_at_once_and_is_raised_again(
    world: World, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    injector = FakeInjector()

    def hold(_seconds: float) -> None:
        if injector.steps:  # the fault is there
            raise interruption

    monkeypatch.setattr(time, "sleep", hold)
    monkeypatch.setattr(world.client, "wait_until", lambda *_, **__: True)
    with pytest.raises(type(interruption)) as caught:
        world.trial(injector)
    assert caught.value is interruption
    assert injector.steps == ["inject", "heal now"]
    assert [each.outcome for each in world.kept] == [Outcome.INTERRUPTED]
    assert world.run.told == ["interrupted: healing lb-1 at once"]


def test_interruption_whose_heal_fails_has_not_healed(world: World) -> None:
    injector = FakeInjector(inject_error=KeyboardInterrupt(), heal_now_error=FaultError("lb-1", "it hangs"))
    with pytest.raises(KeyboardInterrupt):
        world.trial(injector)
    (kept,) = world.kept
    assert (kept.outcome, kept.words) == (Outcome.NOT_HEALED, "KeyboardInterrupt, then lb-1: it hangs")


def test_nothing_is_broken_while_the_client_is_without_service(world: World) -> None:
    world.client.error = "refused"
    injector = FakeInjector()
    with pytest.raises(ClientError, match=r"demo on this machine does not get all requests answered.*: refused;"):
        world.trial(injector)
    assert (injector.steps, world.kept) == ([], [])
