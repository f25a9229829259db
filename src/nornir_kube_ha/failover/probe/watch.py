"""A watch as kubelets and controllers keep it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from nornir_kube_ha.failover.probe.clock import TimeLimit
from nornir_kube_ha.failover.probe.connection import Connection
from nornir_kube_ha.failover.probe.http import StatusError, word_for
from nornir_kube_ha.failover.probe.journal import Journal
from nornir_kube_ha.failover.probe.kubernetes import Api
from nornir_kube_ha.failover.probe.settings import CUT, FINISHED, WATCH

LAST = "last"
"""Key in an object's data with the number of its last write."""

_RETRY = 0.1  # seconds until a watch that ended is opened again
_CHECK = 0.1  # seconds between two checks for a deaf connection
_REMEMBERED = 1000  # events of writes not acknowledged yet; most never will be
_GONE = 410  # HTTP status for a resourceVersion that the apiserver no longer has


class Watch:
    """One watch of one object. When it ends, it is reopened at the last resourceVersion.

    If the apiserver no longer has that version, the object is listed, which shows all writes so far. An event counts as
    missed if the watch delivers a later one without it.

    Arguments:
        api: API with the credential
        journal: records events and ends of the watch
        name: name of the object
        version: resourceVersion to start from
        number: number of the watch in the journal
    """

    def __init__(self, api: Api, journal: Journal, name: str, version: int, number: int) -> None:
        """Open nothing yet."""
        self.name, self.version, self.number = name, version, number
        self.waiting: dict[int, tuple[int, float]] = {}
        """Acknowledged writes without an event yet: version and time by number."""
        self._api, self._journal = api, journal
        self._heard: dict[int, float] = {}  # times of events that came before the acknowledgement
        self._connection: Connection | None = None
        self._listed = 0  # version of the last list
        self._since = 0.0  # when the connection was opened
        self._stopping = False

    async def run(self) -> None:
        """Watch until `stop`."""
        guard = asyncio.ensure_future(self._guard())
        try:
            while not self._stopping:
                await self._listen()
                if not self._stopping:
                    await asyncio.sleep(_RETRY)
        finally:
            guard.cancel()
            with suppress(asyncio.CancelledError):
                await guard

    def stop(self) -> None:
        """Make `run` end."""
        self._stopping = True
        if self._connection:
            self._connection.expire()

    def acknowledged(self, number: int, version: int, moment: float) -> None:
        """Record an acknowledged write, whose event must now arrive.

        Arguments:
            number: number of the write
            version: resourceVersion after the write
            moment: time of the acknowledgement
        """
        heard = self._heard.pop(number, None)
        if heard is not None:
            self._tell(heard, heard)
        elif version <= self._listed:
            self._tell(moment, moment)
        elif version <= self.version:
            self._journal.add("missed", self.number, moment, number)
        else:
            self.waiting[number] = (version, moment)

    def give_up(self, numbers: set[int]) -> None:
        """Record writes without an event as not heard.

        Arguments:
            numbers: numbers of the writes; those whose event came are ignored
        """
        for number in numbers & self.waiting.keys():
            _, since = self.waiting[number]
            self._tell(since, time.monotonic(), "not heard")

    def _tell(self, since: float, moment: float, error: str = "", kind: str = WATCH) -> None:
        self._journal.add("a", round(since, 6), round(moment, 6), error, self.number, "", kind)

    async def _listen(self) -> None:
        connection = self._connection = self._api.connection()
        self._since = began = time.monotonic()
        limit: TimeLimit | None = self._api.limit(connection)
        error, expired, told = FINISHED, False, False
        try:
            async for line in connection.lines(self._request()):
                if limit:  # the watch is open
                    limit.cancel()
                    limit = None
                    self._since = time.monotonic()
                if line:
                    self._take(json.loads(line))
                    told = True
        except Exception as caught:  # noqa: BLE001 - any error ends the watch
            error = word_for(caught)
            expired = isinstance(caught, StatusError) and caught.status == _GONE
        if limit:
            limit.cancel()
        connection.close(abort=True)
        self._connection = None
        if not self._stopping:
            now = time.monotonic()
            if limit or (expired and not told):
                self._tell(began, now, f"not opened: {error}", CUT)
            else:
                self._tell(now, now, error, CUT)
        if expired:
            await self._relist()

    def _request(self) -> bytes:
        query = f"watch=1&fieldSelector=metadata.name%3D{self.name}&resourceVersion={self.version}&timeoutSeconds=86400"
        return self._api.request("GET", f"{self._api.path()}?{query}")

    def _take(self, event: dict[str, Any]) -> None:
        found, now = event.get("object", {}), time.monotonic()
        if event.get("type") == "ERROR":
            raise StatusError(int(found.get("code", 0)))
        number = int(found.get("data", {}).get(LAST, -1))
        version = self.version = int(found["metadata"]["resourceVersion"])
        waited = self.waiting.pop(number, None)
        if waited:
            self._tell(waited[1], now)
        else:
            self._heard[number] = now
            if len(self._heard) > _REMEMBERED:
                del self._heard[next(iter(self._heard))]
        for passed in [each for each, (its, _) in self.waiting.items() if its < version]:
            del self.waiting[passed]
            self._journal.add("missed", self.number, now, passed)

    async def _relist(self) -> None:
        """List the object and continue from its version, as clients do; writes up to it count as heard."""
        query = f"fieldSelector=metadata.name%3D{self.name}"
        with suppress(Exception):  # the next watch fails with 410 again, and relists
            found = await self._api.ask(self._api.request("GET", f"{self._api.path()}?{query}"))
            self.version = self._listed = int(found["metadata"]["resourceVersion"])
            now = time.monotonic()
            for number in [each for each, (version, _) in self.waiting.items() if version <= self.version]:
                _, since = self.waiting.pop(number)
                self._tell(since, now)

    async def _guard(self) -> None:
        """Abort a connection that has not delivered an event for `patience` seconds after a write."""
        while True:
            await asyncio.sleep(_CHECK)
            oldest = min((moment for _, moment in self.waiting.values()), default=time.monotonic())
            is_deaf = time.monotonic() - max(oldest, self._since) > self._api.settings.patience
            if self._connection and is_deaf:
                self._connection.expire()
