"""What a client of the Kubernetes API sees: its reads, its writes and its watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any

from nornir_kube_ha.failover.probe.clock import Pulse
from nornir_kube_ha.failover.probe.http import word_for
from nornir_kube_ha.failover.probe.journal import Journal
from nornir_kube_ha.failover.probe.kubernetes import COUNTER, IDLE, OBJECTS, Api, Workplace
from nornir_kube_ha.failover.probe.settings import CACHED, READ, WRITE, Config, Kubernetes
from nornir_kube_ha.failover.probe.watch import LAST, Watch

SETTLING = 3  # times our patience, until all must have been told
_POLL = 0.02  # seconds
_ROUNDS = 2  # times our patience, until a place is written again: no write is under way for so long


class ApiClient:
    """Reads, writes and watches, from `begin` to `end`.

    Each write has a number, and changes a place of its own in the object; after so many writes as there are places, the
    first is used again. So each read tells of every write whether it was kept, whichever of those under way came first.
    A write that failed may be applied later all the same: its number in the place of a newer one is no loss.

    Arguments:
        config: where the apiservers are
        kubernetes: of this config
        pulse: knows how late we are
        journal: records what is seen
    """

    def __init__(self, config: Config, kubernetes: Kubernetes, pulse: Pulse, journal: Journal) -> None:
        """Ask nothing yet."""
        self.settings = kubernetes
        self.watches: list[Watch] = []
        self._api = Api(config, kubernetes, pulse)
        self._workplace = Workplace(self._api)
        self._journal = journal
        self._places = max(1, int(kubernetes.rate * kubernetes.patience * _ROUNDS))
        self._written = 0
        self._kept: dict[int, int] = {}  # place: number of the newest write there that was acknowledged
        self._failed: dict[int, set[int]] = {}  # place: numbers of writes there that were not
        self._lost: set[int] = set()  # numbers of writes that were told as lost
        self._listening: list[asyncio.Task[None]] = []

    @property
    def lasting(self) -> int:
        """How many connections it keeps."""
        return self.settings.watches * len(OBJECTS)

    async def begin(self) -> None:
        """Create the objects, and open the watches.

        Raises:
            RefusedError: the cluster does not let us
        """
        await self._workplace.create()
        for number in range(self.lasting):
            name = OBJECTS[number % len(OBJECTS)]
            watch = Watch(self._api, self._journal, name, self._workplace.versions[name], number)
            self.watches.append(watch)
            self._listening.append(asyncio.ensure_future(watch.run()))

    async def read(self) -> bool:
        """Read the object, and compare it with what was acknowledged before; whether there was an answer."""
        start, expected = time.monotonic(), dict(self._kept)
        error = ""
        try:
            self._compare(expected, await self._data(""))
        except Exception as caught:  # noqa: BLE001 - whatever it was, this attempt failed of it
            error = word_for(caught)
        self._tell(start, error, READ)
        return not error

    async def read_cached(self) -> bool:
        """Read the object as the apiserver remembers it, without etcd; whether there was an answer."""
        start, error = time.monotonic(), ""
        try:
            await self._data("?resourceVersion=0")
        except Exception as caught:  # noqa: BLE001 - whatever it was, this attempt failed of it
            error = word_for(caught)
        self._tell(start, error, CACHED)
        return not error

    async def _data(self, query: str) -> dict[str, str]:
        """The object's data; an answer that is something else is none."""
        found = await self._api.ask(self._api.request("GET", self._api.path(COUNTER) + query))
        if found.get("metadata", {}).get("name") != COUNTER:
            raise ValueError("an answer that is not the object")
        data: dict[str, str] = found.get("data") or {}
        return data

    def _compare(self, expected: dict[int, int], data: dict[str, str]) -> None:
        for place, number in expected.items():
            found = int(data.get(str(place), -1))
            if found < number and found not in self._failed.get(place, ()) and number not in self._lost:
                self._lost.add(number)
                self._journal.add("lost", time.monotonic(), number)

    async def write(self, name: str = COUNTER) -> bool:
        """Write a number; whether that was acknowledged.

        Arguments:
            name: of the object
        """
        self._written += 1
        number, start, error = self._written, time.monotonic(), ""
        place = number % self._places
        try:
            data = {str(place): str(number)} if name == COUNTER else {}
            made = await self._api.ask(self._api.patch(name, {**data, LAST: str(number)}))
            version = int(made["metadata"]["resourceVersion"])
        except Exception as caught:  # noqa: BLE001 - whatever it was, this attempt failed of it
            error = word_for(caught)
            if name == COUNTER:
                self._failed.setdefault(place, set()).add(number)
        else:
            moment = time.monotonic()
            if name == COUNTER:
                self._kept[place] = max(number, self._kept.get(place, 0))
            for watch in self.watches:
                if watch.name == name:
                    watch.acknowledged(number, version, moment)
        self._tell(start, error, WRITE)
        return not error

    def _tell(self, start: float, error: str, kind: str) -> None:
        self._journal.add("a", round(start, 6), round(time.monotonic(), 6), error, None, "", kind)

    async def settle(self, under_way: Collection[asyncio.Task[Any]]) -> None:
        """Wait until requests that have begun have ended, and every watch has heard of every write.

        The object that does not change is changed now, so that a watch which only listens can show that it hears.
        What a watch has not heard in the end is recorded as not heard.

        Arguments:
            under_way: requests that have begun
        """
        deadline = time.monotonic() + SETTLING * self.settings.patience
        await _until(partial(self.write, IDLE), deadline)
        if under_way:
            await asyncio.wait(under_way, timeout=max(0.0, deadline - time.monotonic()))
        for action in (self.read, self.read_cached):
            await _until(action, deadline)
        due = {watch: set(watch.waiting) for watch in self.watches}

        async def is_heard() -> bool:
            return not any(numbers & watch.waiting.keys() for watch, numbers in due.items())

        await _until(is_heard, deadline)
        for watch, numbers in due.items():
            watch.give_up(numbers)

    async def end(self) -> str:
        """End the watches and remove the objects; what is left, and why."""
        for watch in self.watches:
            watch.stop()
        if self._listening:
            await asyncio.wait(self._listening, timeout=1)
        return await self._workplace.remove()


async def _until(action: Callable[[], Awaitable[bool]], deadline: float) -> None:
    """Do it again and again until it succeeds, or the time is over; once at least."""
    while not await action() and time.monotonic() < deadline:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(_POLL)
