"""How far a task has come: told on a terminal, to nobody else, and not where it is soon done."""

import io
from collections.abc import Callable

from nornir.core import Nornir
from nornir.core.task import Result, Task

from nornir_kube_ha.cli.progress import with_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def look(task: Task) -> Result:
    return Result(task.host)


def many(nornir_of: Callable[..., Nornir]) -> Nornir:
    return nornir_of(hosts={f"lb-{number}": {"role": "backup"} for number in range(4, 13)})


def test_a_person_sees_how_far_it_is_and_nothing_is_left_of_it(nornir_of: Callable[..., Nornir]) -> None:
    screen = Terminal()
    with_progress(many(nornir_of), screen).run(task=look)
    assert screen.getvalue() == "".join(
        f"\r\x1b[K{words}" for words in ("look: 10 hosts", "look: 11 hosts", "look: 12 hosts", "")
    )


def test_few_hosts_are_done_before_anybody_wonders(nornir_of: Callable[..., Nornir]) -> None:
    screen = Terminal()
    with_progress(nornir_of(), screen).run(task=look)
    assert not screen.getvalue()


def test_without_a_watch_nothing_is_counted(nornir_of: Callable[..., Nornir]) -> None:
    nornir, pipe = many(nornir_of), io.StringIO()
    assert with_progress(nornir, pipe) is nornir
    nornir.run(task=look)
    assert not pipe.getvalue()
