"""How far a failover test has come, and how long the rest will take."""

import time
from collections.abc import Iterable

OWN = 6.0
"""Seconds that a trial takes besides its fault, before one has been measured: until it has healed, all is looked at."""


class Progress:
    """The trials of a test.

    Arguments:
        seconds: how long the fault of each trial lasts, in order
    """

    def __init__(self, seconds: Iterable[float]) -> None:
        self._left, self._took = list(seconds), list[float]()
        self._began, self._total = 0.0, len(self._left)

    def begin(self) -> str:
        """Return which trial begins, and how long the rest will take: `12 of 25, about 2 min left`."""
        own = sum(self._took) / len(self._took) if self._took else OWN
        rest = sum(self._left) + own * len(self._left)
        self._began = time.monotonic()
        left = f"{rest:.0f} s" if rest < 90 else f"{rest / 60:.0f} min"
        return f"{self._total - len(self._left) + 1} of {self._total}, about {left} left"

    def end(self) -> None:
        """Note that the trial is over."""
        self._took.append(max(0.0, time.monotonic() - self._began - self._left.pop(0)))
