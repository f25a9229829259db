"""Turn errors and interruptions of any command into a line on stderr and an exit code."""

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

_ENDED = "steps in progress on hosts were completed"
_LEFT = "steps in progress on hosts that did not answer in time may still be running there"
NOBODY_READS = 141  # 128 + SIGPIPE, as a shell reports it
_STDERR = 2


def hush_libraries() -> None:
    """Silence the logs of nornir and paramiko where no handler is configured: the report has their errors."""
    logger, silent = later("logging:getLogger"), later("logging:NullHandler")
    for library in ("nornir", "paramiko"):
        logger(library).addHandler(silent())


def guarded(command: Callable[[], int], *, owns_process: bool = False) -> int:
    """Run a command. Errors and interruptions become a line on stderr and an exit code.

    Arguments:
        command: returns its exit code
        owns_process: whether an interrupted run may end the process at once: Python's own exit waits for threads, which
            may hang
    """
    signal.signal(signal.SIGTERM, _interrupt)
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # False in a shell's background job
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
        tell(
            f"interrupted: {_LEFT if DEPARTURE.is_due else _ENDED}. The next run continues from the state that it finds"
        )
        return INTERRUPTED
    except BrokenPipeError:  # the reader has exited, as `| head` does
        abandon_stdout()
        return NOBODY_READS
    except OSError as error:
        if not is_full(error):
            raise
        abandon_stdout()
        tell(f"error: cannot write the output: {error.strerror}")
        return OutputError.exit_code
    finally:
        if owns_process and DEPARTURE.has_begun:
            _end(_STATE.code)
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _stay()
    return status


def prepare_output() -> None:
    """Make sure that stdout and stderr exist and accept every character.

    A standard file that the caller has closed (`>&-`) becomes /dev/null. Otherwise the next file opened, such as a key,
    would get its number. Characters that the encoding lacks become `?` on stdout and escapes on stderr.
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
    """Discard the rest of stdout's buffer, so that Python does not retry the write at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # it is closed, or a test's without a descriptor
        os.dup2(null, sys.stdout.fileno())
    os.close(null)


def is_full(error: OSError) -> bool:
    """Return whether an error means that output cannot be written: disk full or broken, or over quota."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO} and error.filename is None


def leave_in_time(*, changes: bool = True, clears_up: bool = False) -> None:
    """From now on, end the process within 5 s of an interruption, whatever it waits for.

    Commands that must finish work on this machine, such as a lab's boot, do not call this.

    Arguments:
        changes: whether the command changes hosts, so that an interruption waits 3 s for the step in hand
        clears_up: whether the command has to clear up on this machine, and so ends only once it has; further
            interruptions do not disturb that
    """
    _STATE.leaves, _STATE.grace, _STATE.clears_up = _STATE.is_guarded, GRACE if changes else 0.0, clears_up


def _stay() -> None:
    """Reset the state for the next command in this process."""
    if _STATE.timer:
        _STATE.timer.cancel()
    _STATE.is_guarded, _STATE.leaves, _STATE.clears_up, _STATE.timer = False, False, False, None
    DEPARTURE.forget()


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Delay interruptions until the block has ended: its steps belong together."""
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
    """Write progress to stderr, without control characters. stdout carries the report.

    Arguments:
        text: one line; the error of a host may have more
    """
    with contextlib.suppress(OSError):  # its reader has exited or its disk is full: no reason to leave hosts half done
        sys.stderr.write(f"{clean(text)}\n")
        sys.stderr.flush()


def _complain(error: KubeHaError) -> None:
    if isinstance(error, InventoryError):
        hosts: dict[tuple[str, str], list[str]] = {}  # an error in a group concerns each of its hosts: report it once
        for problem in error.problems:
            hosts.setdefault((problem.key, problem.message), []).append(problem.host)
        tell(f"error: {len(hosts)} in the inventory; nothing was sent to any host")
        for (key, message), names in hosts.items():
            tell(f"  {Problem(', '.join(names), key, message)}")
    else:
        tell(f"error: {error}")


class _State:
    """How this process handles interruptions."""

    is_guarded = False  # False: the process and its signal handlers are the caller's
    leaves = False
    code = INTERRUPTED
    grace = GRACE
    clears_up = False
    timer: threading.Timer | None = None


_STATE = _State()


def _leave_soon(number: int) -> bool:
    """Make waits for hosts end, and return whether this is the first signal.

    They end after a grace period, or at once on a further signal.
    """
    if not _STATE.leaves:
        return True
    first = not DEPARTURE.has_begun
    DEPARTURE.begin(_STATE.grace if first else 0)
    if first:
        _STATE.code = INTERRUPTED if number == signal.SIGINT else TERMINATED
    if first and not _STATE.clears_up:
        _STATE.timer = threading.Timer(LATEST, _leave, [_STATE.code])
        _STATE.timer.daemon = True
        _STATE.timer.start()
    return first


def _leave(code: int) -> None:
    """Report that something did not end in time, and end the process."""
    with contextlib.suppress(OSError, ValueError):
        tell("interrupted: a step did not end in time and may still be running")
    _end(code)


def _end(code: int) -> None:
    """Flush the output and end the process, without waiting for threads."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise on the first signal of a run. Later signals only end its waiting, so that its report is not lost."""
    if _leave_soon(number):
        _raise(number, frame)


def _raise(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        signal.default_int_handler(number, frame)
    raise SystemExit(TERMINATED)
