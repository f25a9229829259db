"""What goes around every command: errors and interruptions become a line on stderr and an exit code."""

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, InventoryError, KubeHaError, OutputError, Problem
from nornir_kube_ha.lazy import later
from nornir_kube_ha.ssh.departure import DEPARTURE, GRACE, LATEST
from nornir_kube_ha.text import clean

_ENDED = "what was in hand on a host has ended there"
_LEFT = "what was in hand on a host that did not answer in time may go on there"
NOBODY_READS = 141  # as a program ends that SIGPIPE ends
_STDERR = 2


def hush_libraries() -> None:
    """Keep Python from printing what libraries log where nobody has said what becomes of it: the report has it."""
    logger, silent = later("logging:getLogger"), later("logging:NullHandler")
    for library in ("nornir", "paramiko"):
        logger(library).addHandler(silent())


def guarded(command: Callable[[], int], *, owns_process: bool = False) -> int:
    """Run a command; errors and interruptions become a line on stderr and an exit code.

    Arguments:
        command: returns its exit code
        owns_process: whether nothing else goes on in this process: then an interrupted run ends it at once, since
            Python's own end waits for threads, and what hangs may be one
    """
    signal.signal(signal.SIGTERM, _interrupt)
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell's background job hears none
    if heard:
        signal.signal(signal.SIGINT, _interrupt)
    hush_libraries()
    prepare_output()
    _STATE.is_guarded = True
    try:
        status = command()
        sys.stdout.flush()
    except KubeHaError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        tell(f"interrupted; {_LEFT if DEPARTURE.is_due else _ENDED}, and the next run goes on from what it finds")
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
    finally:
        if owns_process and DEPARTURE.has_begun:
            _end(_STATE.code)
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _stay()
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


def leave_in_time(*, changes: bool = True) -> None:
    """From now on an interruption ends the process within 5 s, whatever it waits for: it is a run on hosts.

    What has to be finished on this machine, as a lab's boot, does not say so.

    Arguments:
        changes: whether there may be a step in hand that is worth waiting for
    """
    _STATE.leaves, _STATE.grace = _STATE.is_guarded, GRACE if changes else 0.0


def _stay() -> None:
    """Begin anew, for the next command in this process."""
    if _STATE.timer:
        _STATE.timer.cancel()
    _STATE.is_guarded, _STATE.leaves, _STATE.timer = False, False, None
    DEPARTURE.forget()


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Steps that belong together: an interruption that comes in their middle waits until they are done."""
    caught: list[tuple[int, FrameType | None]] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before: dict[signal.Signals, Any] = {}

    def catch(number: int, frame: FrameType | None) -> None:
        if callable(before.get(signal.Signals(number))):
            _leave_soon(number)
        caught.append((number, frame))

    for number in signals:
        before[number] = signal.getsignal(number)
        signal.signal(number, catch)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for come, frame in caught[:1]:
            handler = before[signal.Signals(come)]
            if handler is _interrupt:
                _raise(come, frame)
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


class _State:
    """What an interruption does in this process."""

    is_guarded = False  # else it is somebody else's process, and their signals
    leaves = False
    code = INTERRUPTED
    grace = GRACE
    timer: threading.Timer | None = None


_STATE = _State()


def _leave_soon(number: int) -> bool:
    """Have every wait for a host end in a while, and at once at a further signal; whether this is the first."""
    if not _STATE.leaves:
        return True
    first = not DEPARTURE.has_begun
    DEPARTURE.begin(_STATE.grace if first else 0)
    if first:
        _STATE.code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        _STATE.timer = threading.Timer(LATEST, _leave, [_STATE.code])
        _STATE.timer.daemon = True
        _STATE.timer.start()
    return first


def _leave(code: int) -> None:
    """End the process, whatever it waits for."""
    with contextlib.suppress(OSError, ValueError):
        tell("interrupted; something did not end in time, and is left to itself")
    _end(code)


def _end(code: int) -> None:
    """End the process without waiting for anything."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Of a run that clears up already, further signals only end its waiting: its report is not lost."""
    if _leave_soon(number):
        _raise(number, frame)


def _raise(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        signal.default_int_handler(number, frame)
    raise SystemExit(TERMINATED)
