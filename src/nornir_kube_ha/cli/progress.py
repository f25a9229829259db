"""Progress on a terminal: one line that counts hosts while a task runs, and is cleared at its end."""

import contextlib
import threading
from typing import TextIO

from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task

from nornir_kube_ha.engine.processor import Processor

FEW = 10  # hosts that must be done before the line appears
_CLEAR = "\r\x1b[K"


class Progress(Processor):
    """Nornir processor that shows on how many hosts a task is done.

    Arguments:
        screen: a terminal
    """

    def __init__(self, screen: TextIO) -> None:
        self._screen, self._done, self._lock = screen, 0, threading.Lock()

    def task_started(self, task: Task) -> None:  # noqa: ARG002 - Nornir's
        """Reset the count."""
        self._done = 0

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        """Count a host and update the line."""
        with self._lock:
            self._done += 1
            if self._done >= FEW:
                self._write(f"{_CLEAR}{task.name}: {self._done} hosts")

    def task_completed(self, task: Task, result: AggregatedResult) -> None:  # noqa: ARG002 - Nornir's
        """Clear the line."""
        if self._done >= FEW:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal has gone
            self._screen.write(text)
            self._screen.flush()


def with_progress(nornir: Nornir, screen: TextIO) -> Nornir:
    """Return a Nornir that shows progress, or the same one if `screen` is not a terminal."""
    return nornir.with_processors([*nornir.processors, Progress(screen)]) if screen.isatty() else nornir
