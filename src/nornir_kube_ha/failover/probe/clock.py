"""The client's own lateness, and time limits of attempts that allow for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEAT = 0.025  # seconds between two measurements of our lateness


class Pulse:
    """The client's own lateness, so that a stall here is not reported as an outage there.

    Arguments:
        threshold: seconds of lateness above which the client counts as stalled
    """

    def __init__(self, threshold: float) -> None:
        """Start the first beat."""
        self.threshold = threshold
        self.stalled = 0.0  # seconds, in all
        self.worst = 0.0  # seconds, since the last report
        self._last = time.monotonic()

    def beat(self) -> None:
        """Measure how late this call is; extra calls do no harm."""
        now = time.monotonic()
        late = now - self._last - BEAT
        self._last = now
        self.note(late)
        if late > self.threshold:
            self.stalled += late

    def note(self, late: float) -> None:
        """Record how late something was."""
        self.worst = max(self.worst, late)


class TimeLimit:
    """The time limit of an attempt. Stalls of the client extend it, since the answer may have arrived unread.

    Arguments:
        pulse: measures the client's own lateness
        seconds: the time limit
        expire: called when the limit is reached
    """

    def __init__(self, pulse: Pulse, seconds: float, expire: Callable[[], None]) -> None:
        """Start the timer."""
        self._pulse, self._expire = pulse, expire
        self._stalled = pulse.stalled
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._due, self._over)

    def cancel(self) -> None:
        """Cancel the timer."""
        self._timer.cancel()

    def _over(self) -> None:
        self._pulse.beat()
        stalled = self._pulse.stalled - self._stalled
        if stalled > 0:
            self._stalled += stalled
            self._due += stalled
            self._timer = self._loop.call_at(self._due, self._over)
        else:
            self._expire()
