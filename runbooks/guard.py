"""What goes around every command: errors and interruptions become a line on stderr and an exit code."""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, InventoryError, KubeHaError, OutputError, Problem
from nornir_kube_ha.lazy import later
from nornir_kube_ha.text import clean

NOBODY_READS = 141  # as a program ends that SIGPIPE ends
_STDERR = 2


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
    prepare_output()
    try:
        status = command()
        sys.stdout.flush()
    except KubeHaError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted; what was in hand on a host has ended there, and the next run goes on from what it finds")
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        abandon_stdout()
        return NOBODY_READS
    except OSError as error:
        if not is_full(error):
            raise
        abandon_stdout()
        tell(f"error: the output cannot be written: {error.strerror}")
        return OutputError.exit_code
    return status


def prepare_output() -> None:
    """Make sure that writing to stdout or stderr fails only where it can be told.

    A standard file that the caller has closed (`>&-`) is /dev/null: else the next file that is opened, a key's say,
    takes its number. A character that the terminal's encoding lacks is a question mark.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if name == "stdout" else "backslashreplace")


def abandon_stdout() -> None:
    """Let what stdout still holds go nowhere, so that Python does not try again when it ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # a test's, or closed
        os.dup2(null, sys.stdout.fileno())
    os.close(null)


def is_full(error: OSError) -> bool:
    """Return whether an error says that output cannot be written: the disk is full, or broken, or over its quota.

    Arguments:
        error: any
    """
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO} and error.filename is None


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
    with contextlib.suppress(OSError):  # whoever reads it has gone, or has no room: no reason to leave hosts half done
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
