"""What goes around every command: errors and interruptions become a line on stderr and an exit code."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, InventoryError, KubeHaError, Problem
from nornir_kube_ha.lazy import later
from nornir_kube_ha.text import clean

NOBODY_READS = 141  # as a program ends that SIGPIPE ends


def hush_libraries() -> None:
    """Keep Python from printing what libraries log where nobody has said what becomes of it: the report has it."""
    logger, silent = later("logging:getLogger"), later("logging:NullHandler")
    for library in ("nornir", "paramiko"):
        logger(library).addHandler(silent())


def guarded(command: Callable[[], int]) -> int:
    """Run a command; errors and interruptions become a line on stderr and an exit code.

    Arguments:
        command: returns its exit code
    """
    signal.signal(signal.SIGTERM, _terminate)
    hush_libraries()
    try:
        return command()
    except KubeHaError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted; what was in hand on a host has ended there, and the next run goes on from what it finds")
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Steps that belong together: an interruption that comes in their middle waits until they are done."""
    caught: list[tuple[int, FrameType | None]] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *come: caught.append(come)) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for come, frame in caught[:1]:
        handler = before[signal.Signals(come)]
        if callable(handler):
            handler(come, frame)


def tell(text: str) -> None:
    """Progress, on stderr: stdout carries the report. What would drive a terminal does not pass.

    Arguments:
        text: one line; of what went wrong on a host, as many as the host's words have
    """
    sys.stderr.write(f"{clean(text)}\n")
    sys.stderr.flush()


def _complain(error: KubeHaError) -> None:
    if isinstance(error, InventoryError):
        hosts: dict[tuple[str, str], list[str]] = {}  # what stands in a group is wrong at each of its hosts: said once
        for problem in error.problems:
            hosts.setdefault((problem.key, problem.message), []).append(problem.host)
        tell(f"error: {len(hosts)} in the inventory; nothing was sent to any host")
        for (key, message), names in hosts.items():
            tell(f"  {Problem(', '.join(names), key, message)}")
    else:
        tell(f"error: {error}")


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
