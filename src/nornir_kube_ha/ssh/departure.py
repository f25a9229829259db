"""The deadline for leaving hosts after an interruption: the step in progress gets a few seconds, and no more.

The controller has to end. A host that answers in time finishes its step, and its lease is released. On a host that
hangs the step may go on, and the next run continues from what it finds.
"""

import math
import time

GRACE = 3.0  # seconds to finish the step and release the leases; the report is written after that
LATEST = 4.7  # seconds after the first interruption until the process ends itself


class Departure:
    """The moment after which the run no longer waits for a host; never, before an interruption."""

    def __init__(self) -> None:
        self._moment = math.inf

    @property
    def has_begun(self) -> bool:
        """Whether the run has been interrupted."""
        return self._moment < math.inf

    @property
    def is_due(self) -> bool:
        """Whether the run no longer waits for a host."""
        return time.monotonic() >= self._moment

    def begin(self, seconds: float) -> None:
        """Set the deadline. An earlier one stays.

        Arguments:
            seconds: from now
        """
        self._moment = min(self._moment, time.monotonic() + seconds)

    def forget(self) -> None:
        """Clear the deadline: another command runs in this process."""
        self._moment = math.inf


DEPARTURE = Departure()
"""The deadline of this process."""
