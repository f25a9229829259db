"""What the client says on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import time

GRACE = 1.0  # seconds until the last words must have been said


class Journal:
    """What is said on stdout: collected, and written when there is time. A reader that is slow does not stop us."""

    def __init__(self) -> None:
        """Write nothing yet."""
        self._lines = bytearray()
        os.set_blocking(1, False)

    def add(self, *record: object) -> None:
        """Say it with the next write."""
        self._lines += json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def flush(self) -> bool:
        """Write what there is; say whether somebody can still read it."""
        try:
            while self._lines:
                del self._lines[: os.write(1, self._lines)]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    async def end(self) -> None:
        """Write the rest."""
        deadline = time.monotonic() + GRACE
        while self.flush() and self._lines and time.monotonic() < deadline:  # noqa: ASYNC110 - the pipe has no event
            await asyncio.sleep(0.01)
