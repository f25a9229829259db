"""An interruption: no further host is begun, those in hand are waited for, and what belongs together is finished."""

import resource
import signal
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nornir.core.plugins.runners import RunnersPluginRegister

from nornir_kube_ha.cli.exit_codes import defer_signals
from nornir_kube_ha.engine.runner import Runner, default_forks


class Work:
    """A task that takes until it is let go, and that interrupts the process from its first host."""

    name = "work"

    def __init__(self, *, interrupt: bool) -> None:
        self.interrupt = interrupt
        self.begun: list[str] = []
        self.ended: list[str] = []

    def copy(self) -> "Work":
        return self

    def start(self, host: Any) -> Any:  # noqa: ANN401 - Nornir's own
        self.begun.append(host.name)
        if self.interrupt:
            threading.Event().wait(0.2)  # until the others are queued
            signal.raise_signal(signal.SIGINT)
            threading.Event().wait(0.2)
        threading.Event().wait(0.001)
        self.ended.append(host.name)
        return SimpleNamespace(host=host)


def over_thirty(work: Work, workers: int) -> Any:  # noqa: ANN401 - Nornir's own
    hosts = [SimpleNamespace(name=f"lb-{number}") for number in range(30)]
    return Runner(workers).run(cast("Any", work), cast("Any", hosts))


def test_every_host_has_its_result() -> None:
    results = over_thirty(Work(interrupt=False), 4)
    assert list(results) == [f"lb-{number}" for number in range(30)]


class Race(Work):
    """A task that takes the longer the earlier its host stands in the inventory."""

    def start(self, host: Any) -> Any:  # noqa: ANN401 - Nornir's own
        threading.Event().wait(0.3 - 0.01 * int(host.name.removeprefix("lb-")))
        return super().start(host)


def test_results_come_as_they_are_there_and_are_sorted_only_for_who_wants_all() -> None:
    hosts = cast("Any", [SimpleNamespace(name=f"lb-{number}") for number in (0, 10, 20)])
    streamed = [result.host.name for result in Runner(3).stream(cast("Any", Race(interrupt=False)), hosts)]
    assert streamed == ["lb-20", "lb-10", "lb-0"]
    assert [*Runner(3).run(cast("Any", Race(interrupt=False)), hosts)] == ["lb-0", "lb-10", "lb-20"]


def test_a_stream_that_nobody_reads_on_begins_no_further_host() -> None:
    work = Work(interrupt=False)
    hosts = cast("Any", [SimpleNamespace(name=f"lb-{number}") for number in range(30)])
    first = Runner(1).stream(cast("Any", work), hosts)
    next(first)
    first.close()
    assert len(work.begun) < 30


def test_the_runner_is_a_plugin_like_any_other() -> None:
    RunnersPluginRegister.auto_register()
    assert RunnersPluginRegister.get_plugin("interruptible") is Runner


def test_interruption_begins_no_further_host_and_waits_for_those_in_hand() -> None:
    work = Work(interrupt=True)
    with pytest.raises(KeyboardInterrupt):
        over_thirty(work, 1)
    assert work.begun in (["lb-0"], ["lb-0", "lb-1"])
    assert work.ended == work.begun


def test_what_belongs_together_is_finished_first() -> None:
    done = []

    def interrupted() -> None:
        with defer_signals():
            signal.raise_signal(signal.SIGINT)
            done.append("the second half")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["the second half"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_fails_in_there_is_raised() -> None:
    with pytest.raises(ValueError, match="no"), defer_signals():
        raise ValueError("no")


@pytest.mark.parametrize(("files", "forks"), [(1024, 64), (256, 32), (100, 1), (resource.RLIM_INFINITY, 64)])
def test_few_open_files_mean_few_hosts_at_once(monkeypatch: pytest.MonkeyPatch, files: int, forks: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert default_forks() == forks
