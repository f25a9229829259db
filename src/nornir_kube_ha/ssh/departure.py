"""When a run leaves its hosts, whatever they do: an interruption gives the step in hand a few seconds, and no more.

The promise that wins is that the controller ends. A host that answers in that time is finished and released in order;
on one that hangs, the step may go on by itself, and the next run goes on from what it finds there.
"""

import math
import time

GRACE = 3.0  # seconds for the step in hand and for letting the leases go; the report is written after that
LATEST = 4.7  # seconds after the first interruption at which the process ends by itself


class Departure:
    """The moment from which on nobody waits for a host any more; never, until an interruption comes."""

    def __init__(self) -> None:
        self._moment = math.inf

    @property
    def has_begun(self) -> bool:
        """Whether the run has been interrupted."""
        return self._moment < math.inf

    @property
    def is_due(self) -> bool:
        """Whether nobody waits for a host any more."""
        return time.monotonic() >= self._moment

    def begin(self, seconds: float) -> None:
        """Leave in a while, or earlier if that has been said already.

        Arguments:
            seconds: from now on
        """
        self._moment = min(self._moment, time.monotonic() + seconds)

    def forget(self) -> None:
        """Begin anew: another command runs in this process."""
        self._moment = math.inf


DEPARTURE = Departure()
"""The process's own."""
