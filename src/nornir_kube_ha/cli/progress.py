"""How far a task has come, on a terminal: a line that changes until the task is done, and then is gone."""

import contextlib
import threading
from typing import TextIO

from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task

from nornir_kube_ha.engine.processor import Processor

FEW = 10  # hosts that are done before anybody sees that others are not
_CLEAR = "\r\x1b[K"


class Progress(Processor):
    """A processor of Nornir's that counts the hosts on which a task is done.

    Arguments:
        screen: a terminal
    """

    def __init__(self, screen: TextIO) -> None:
        self._screen, self._done, self._lock = screen, 0, threading.Lock()

    def task_started(self, task: Task) -> None:  # noqa: ARG002 - Nornir's
        """Begin to count."""
        self._done = 0

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Count a host."""
        with self._lock:
            self._done += 1
            if self._done >= FEW:
                self._write(f"{_CLEAR}{task.name}: {self._done} hosts")

    def task_completed(self, task: Task, result: AggregatedResult) -> None:  # noqa: ARG002 - Nornir's
        """Leave the line as it was."""
        if self._done >= FEW:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody watches any more
            self._screen.write(text)
            self._screen.flush()


def with_progress(nornir: Nornir, screen: TextIO) -> Nornir:
    """The same Nornir, which shows how far it is; where nobody watches, just the same.

    Arguments:
        nornir: any
        screen: where a person may watch
    """
    return nornir.with_processors([*nornir.processors, Progress(screen)]) if screen.isatty() else nornir
