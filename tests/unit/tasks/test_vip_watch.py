"""Who holds the VIP, by what hosts tell: on one clock, across a lost host, and no wait without end for an answer."""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from nornir.core import Nornir
from nornir.core.task import Result, Task

from nornir_kube_ha.errors import RemoteTimeoutError
from nornir_kube_ha.failover.outage import FOREVER, Span
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import vip_watch, watch_vip
from nornir_kube_ha.tasks.stream import Stream
from nornir_kube_ha.tasks.vip_watch import LEAD, VIPWatch, holding_of

NOW = 1000.0  # on the controller's clock


@dataclass
class Clock:
    """The controller's: goes on only where a test says so."""

    now: float = NOW


class Host(Stream):
    """A host that tells of its VIP, and what it is asked.

    Arguments:
        clock: the controller's
        ahead: seconds by which its own clock is ahead of that
    """

    def __init__(self, clock: Clock, ahead: float = 0.0) -> None:
        self.clock = clock
        self.ahead = ahead
        self.held = False
        self.trips = [(0.0, 0.0)]  # seconds to there and back, of the questions to come; the last one stays
        self.answers: Callable[[str], str | None] = lambda number: number
        self.lost = False
        self.closed = False
        self._lines: queue.Queue[str | None] = queue.Queue()

    def tell(self, word: str, moment: float) -> None:
        """Say `held` or `free`, at a moment of the controller's clock."""
        self.say(f"{moment + self.ahead:.9f} {word}")

    def say(self, line: str) -> None:
        self._lines.put(line)

    def write(self, data: bytes) -> None:
        if self.lost:
            raise OSError("the connection was lost")
        there, back = self.trips.pop(0) if len(self.trips) > 1 else self.trips[0]
        self.clock.now += there
        moment = self.clock.now
        self.clock.now += back
        number = self.answers(data.decode().removesuffix("\n"))
        if number is not None:
            self.tell(f"{'held' if self.held else 'free'} {number}", moment)

    def complaint(self) -> str:
        return "tcsh: sh: Command not found." if self.lost else ""

    def lines(self) -> Iterator[str]:
        while (line := self._lines.get()) is not None:
            yield line

    def close(self) -> None:
        self.closed = True
        self._lines.put(None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that watches look at."""
    found = Clock()
    monkeypatch.setattr(vip_watch, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


@pytest.fixture
def watch(clock: Clock) -> Iterator[Callable[..., VIPWatch]]:
    """Watches that end with the test. Arguments of the function: the host, its name, what an earlier watch was told."""
    assert clock.now
    watches: list[VIPWatch] = []

    def begin(host: Host, name: str = "lb-1", past: tuple[tuple[float, bool], ...] = ()) -> VIPWatch:
        watches.append(VIPWatch(name, host, past))
        return watches[-1]

    yield begin
    for each in watches:
        each.close()


Watch = Callable[..., VIPWatch]


def near(spans: list[Span]) -> list[tuple[str, float, float]]:
    """Spans, to the microsecond, in seconds since NOW."""
    return [(span.host, round(span.start - NOW, 6), round(span.end - NOW, 6)) for span in spans]


def test_host_that_comes_and_goes_has_a_span_for_each_time(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    own = watch(host)
    for word, moment in (("free", -9), ("held", -8), ("held", -7), ("free", -6), ("free", -5), ("held", -2)):
        host.tell(word, NOW + moment)
    host.held = True
    assert own.ask(timeout=5)
    assert near(own.spans()) == [("lb-1", -8, -6), ("lb-1", -2, FOREVER)]
    assert own.holds


def test_host_that_never_had_it_has_no_span(clock: Clock, watch: Watch) -> None:
    own = watch(Host(clock))
    assert not own.holds  # nothing was told
    assert own.ask(timeout=5)
    assert (own.spans(), own.holds) == ([], False)


def test_order_is_that_of_times_not_of_arrival(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    own = watch(host)
    host.tell("free", NOW - 2)
    host.tell("held", NOW - 4)
    assert own.ask(timeout=5)
    assert near(own.spans()) == [("lb-1", -4, -2)]


@pytest.mark.parametrize("ahead", [1_800_000_000.0, -3.5])
def test_clocks_are_compared_by_the_quickest_answer(clock: Clock, watch: Watch, ahead: float) -> None:
    host = Host(clock, ahead)
    host.trips = [(0.0, 0.3), (0.001, 0.001), (0.4, 0.0)]  # one that is slow on one way misleads
    own = watch(host)
    assert own.ask(timeout=5)
    assert own.controller_time(NOW + ahead) == pytest.approx(NOW + 0.15, abs=1e-6)
    assert own.ask(timeout=5)
    assert own.ask(timeout=5)
    assert own.controller_time(NOW + ahead) == pytest.approx(NOW, abs=1e-6)


def test_spans_are_on_the_controllers_clock(clock: Clock, watch: Watch) -> None:
    host = Host(clock, ahead=77.0)
    own = watch(host)
    host.tell("held", NOW - 3)
    host.tell("free", NOW - 1)
    assert own.ask(timeout=5)
    assert near(own.spans()) == [("lb-1", -3, -1)]


def test_host_that_does_not_answer_is_not_waited_for(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    host.answers = lambda _: None
    own = watch(host)
    assert not own.ask(timeout=0.01)
    host.answers = lambda number: number
    assert own.ask(timeout=5)


def test_late_answer_is_none_to_the_next_question(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    host.answers = lambda number: None if number == "1" else "1"
    own = watch(host)
    assert not own.ask(timeout=0.01)
    assert not own.ask(timeout=0.05)


def test_host_that_reports_without_end_is_cut_off(clock: Clock, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vip_watch, "MOST_LINES", 3)
    host = Host(clock)
    own = watch(host)
    for _ in range(2):
        host.tell("held", NOW)
    assert own.ask(timeout=5)
    assert not own.ask(timeout=0.05)
    assert len(own.told) == 3


@pytest.mark.parametrize("line", [f"1.0 held {'9' * 5000}", f"{'9' * 400}.0 held", "1.0 held -1"])
def test_what_is_no_time_and_no_number_is_not_taken_for_one(clock: Clock, watch: Watch, line: str) -> None:
    host = Host(clock)
    own = watch(host)
    host.say(line)
    assert own.ask(timeout=5)
    assert [held for _moment, held in own.told] == [False]


def test_host_whose_connection_is_lost_does_not_answer(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    host.lost = True
    assert not watch(host).ask(timeout=5)


def test_host_that_lost_its_power_holds_nothing(clock: Clock, watch: Watch) -> None:
    host = Host(clock)
    host.held = True
    own = watch(host)
    assert own.ask(timeout=5)
    own.gone(NOW + 2)
    assert near(own.spans()) == [("lb-1", 0, 2)]
    assert not own.holds


def test_past_of_an_earlier_watch_goes_on(clock: Clock, watch: Watch) -> None:
    host = Host(clock, ahead=50.0)  # another clock than before; the past is the controller's
    own = watch(host, past=((NOW - 9, True), (NOW - 7, False)))
    host.held = True
    assert own.ask(timeout=5)
    assert near(own.spans()) == [("lb-1", -9, -7), ("lb-1", 0, FOREVER)]


def test_holding_is_cut_to_its_time_and_counted_from_zero(clock: Clock, watch: Watch) -> None:
    one, two = Host(clock), Host(clock)
    watches = [watch(one, "lb-1"), watch(two, "lb-2")]
    for host, word, moment in (
        (one, "held", -60),
        (one, "free", -50),  # long before
        (one, "held", 1.2),
        (two, "held", -9),
        (two, "free", 1.0),
        (two, "held", 7),  # after the end
    ):
        host.tell(word, NOW + moment)
    clock.now = NOW + 6
    one.held = True
    assert all(each.ask(timeout=5) for each in watches[:1])
    two.tell("free", NOW + 6)
    assert watches[1].ask(timeout=5)
    found = holding_of(watches, NOW, NOW + 5)
    assert (found.start, found.end) == (-LEAD, 5)
    assert [(each.host, round(each.start, 6), round(each.end, 6)) for each in found.spans] == [
        ("lb-2", -LEAD, 1.0),
        ("lb-1", 1.2, 5),
    ]
    assert found.holders(0) == ("lb-2",)
    assert found.holders(1.1) == ()
    assert found.holders(4) == ("lb-1",)


@dataclass
class Bench:
    """lb-1, and the command that it was sent."""

    nornir: Nornir
    host: Host
    command: str = ""

    def stream(self, task: Task, command: str, stdin: bytes) -> Result:
        self.command = f"{command}\n{stdin.decode()}"
        return Result(host=task.host, result=self.host)

    def watch(self, earlier: VIPWatch | None = None) -> Result:
        return self.nornir.filter(name="lb-1").run(watch_vip, intent=load_intent(self.nornir), earlier=earlier)["lb-1"][
            0
        ]


@pytest.fixture
def bench(nornir_of: Callable[..., Nornir], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """lb-1 of the lab's inventory."""
    found = Bench(nornir_of(), Host(clock, ahead=9.0))
    monkeypatch.setattr(vip_watch, "start_command", found.stream)
    return found


def test_watch_begins_with_the_clocks_compared(bench: Bench) -> None:
    bench.host.held = True
    watch: VIPWatch = bench.watch().result
    assert watch.controller_time(NOW + 9) == pytest.approx(NOW)
    assert watch.holds
    assert "VIP=192.0.2.10\n" in bench.command
    watch.close()
    assert bench.host.closed


def test_watch_goes_on_from_an_earlier_one(bench: Bench, clock: Clock, watch: Watch) -> None:
    before = Host(clock)
    earlier = watch(before)
    before.tell("held", NOW - 4)
    assert earlier.ask(timeout=5)  # free by now
    again: VIPWatch = bench.watch(earlier).result
    assert before.closed
    assert near(again.spans()) == [("lb-1", -4, 0)]
    again.close()


def test_watch_that_does_not_answer_is_an_error_and_closed(bench: Bench) -> None:
    bench.host.lost = True
    error = bench.watch().exception
    assert isinstance(error, RemoteTimeoutError)
    assert str(error) == "lb-1: the watch on the VIP does not answer: tcsh: sh: Command not found."
    assert bench.host.closed
