"""How late the client itself is, and the time that an attempt has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEAT = 0.025  # seconds between two looks at our own lateness


class Pulse:
    """How late we are ourselves, so that what is slow here is not read as an outage there.

    Arguments:
        threshold: seconds from which on we count as stalled
    """

    def __init__(self, threshold: float) -> None:
        """Begin with the first beat."""
        self.threshold = threshold
        self.stalled = 0.0  # seconds, in all
        self.worst = 0.0  # seconds, since it was last told
        self._last = time.monotonic()

    def beat(self) -> None:
        """Notice how much later than due this comes; any number of further times does no harm."""
        now = time.monotonic()
        late = now - self._last - BEAT
        self._last = now
        self.note(late)
        if late > self.threshold:
            self.stalled += late

    def note(self, late: float) -> None:
        """Remember how late something was."""
        self.worst = max(self.worst, late)


class Limit:
    """The time that an attempt has. What we were late ourselves is not counted: its answer may lie here, unread.

    Arguments:
        pulse: knows how late we were
        seconds: how long it has
        expire: called when they are over
    """

    def __init__(self, pulse: Pulse, seconds: float, expire: Callable[[], None]) -> None:
        """Begin now."""
        self._pulse, self._expire = pulse, expire
        self._stalled = pulse.stalled
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._due, self._over)

    def cancel(self) -> None:
        """Let it be."""
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
