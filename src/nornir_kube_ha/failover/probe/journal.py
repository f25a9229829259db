"""The client's output on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import time

GRACE = 1.0  # seconds for the last records to be written


class Journal:
    """A non-blocking writer to stdout: records are buffered, so that a slow reader does not stall the client."""

    def __init__(self) -> None:
        """Write nothing yet."""
        self._lines = bytearray()
        os.set_blocking(1, False)

    def add(self, *record: object) -> None:
        """Add a record to the next write."""
        self._lines += json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def flush(self) -> bool:
        """Write as much as the pipe takes; return False if its reader is gone."""
        try:
            while self._lines:
                del self._lines[: os.write(1, self._lines)]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    async def end(self) -> None:
        """Write the rest, for up to `GRACE` seconds."""
        deadline = time.monotonic() + GRACE
        while self.flush() and self._lines and time.monotonic() < deadline:  # noqa: ASYNC110 - the pipe has no event
            await asyncio.sleep(0.01)
