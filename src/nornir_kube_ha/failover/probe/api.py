"""Reads, writes and watches of a Kubernetes API client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from typing import Any

from nornir_kube_ha.failover.probe.clock import Pulse
from nornir_kube_ha.failover.probe.http import word_for
from nornir_kube_ha.failover.probe.journal import Journal
from nornir_kube_ha.failover.probe.kubernetes import COUNTER, IDLE, OBJECTS, Api, Workplace
from nornir_kube_ha.failover.probe.settings import CACHED, READ, WRITE, Config, Kubernetes
from nornir_kube_ha.failover.probe.watch import LAST, Watch

SETTLING = 3  # times `patience`, for requests and events to arrive
_POLL = 0.02  # seconds
_ROUNDS = 2  # times `patience`, until a slot is written again: longer than any write is under way
_THINNED = 5  # of so many writes that are due, one is begun while a second's worth of them is unanswered


class ApiClient:
    """Reads, writes and watches, from `begin` to `end`.

    Each write has a number and goes into its own slot of the object; slots are reused in turn. So every read shows for
    each write whether it was kept, in whatever order concurrent writes were applied. A failed write may still be
    applied later: its number in place of a newer one is not a loss.

    Arguments:
        config: where the apiservers are
        kubernetes: the `kubernetes` of `config`
        pulse: measures the client's own lateness
        journal: records the attempts
    """

    def __init__(self, config: Config, kubernetes: Kubernetes, pulse: Pulse, journal: Journal) -> None:
        """Make no request yet."""
        self.settings = kubernetes
        self.watches: list[Watch] = []
        self._api = Api(config, kubernetes, pulse)
        self._workplace = Workplace(self._api)
        self._journal = journal
        self._places = max(1, int(kubernetes.rate * kubernetes.patience * _ROUNDS))
        self._due = self._written = self._unanswered = 0
        self._kept: dict[int, int] = {}  # slot: number of its newest acknowledged write
        self._failed: dict[int, set[int]] = {}  # slot: numbers of its failed writes
        self._lost: set[int] = set()  # numbers of writes already reported as lost
        self._listening: list[asyncio.Task[None]] = []

    @property
    def lasting(self) -> int:
        """Number of connections that stay open."""
        return self.settings.watches * len(OBJECTS)

    async def begin(self) -> None:
        """Create the objects and open the watches.

        Raises:
            RefusedError: the cluster refuses to let the client work
        """
        await self._workplace.create()
        for number in range(self.lasting):
            name = OBJECTS[number % len(OBJECTS)]
            watch = Watch(self._api, self._journal, name, self._workplace.versions[name], number)
            self.watches.append(watch)
            self._listening.append(asyncio.ensure_future(watch.run()))

    async def read(self) -> bool:
        """Read the object and look for lost writes; return whether the read succeeded."""
        start, expected = time.monotonic(), dict(self._kept)
        error = ""
        try:
            self._compare(expected, await self._data(""))
        except Exception as caught:  # noqa: BLE001 - any error fails this attempt
            error = word_for(caught)
        self._tell(start, error, READ)
        return not error

    async def read_cached(self) -> bool:
        """Read the object from the apiserver's watch cache, without etcd; return whether the read succeeded."""
        start, error = time.monotonic(), ""
        try:
            await self._data("?resourceVersion=0")
        except Exception as caught:  # noqa: BLE001 - any error fails this attempt
            error = word_for(caught)
        self._tell(start, error, CACHED)
        return not error

    async def _data(self, query: str) -> dict[str, str]:
        """Return the object's data; raise ValueError if the answer is another object."""
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

    def next_write(self) -> Coroutine[Any, Any, bool] | None:
        """Begin the write that is due; None leaves it out, as most are while a second's worth of them is unanswered.

        Concurrent writes of one object conflict, and the apiserver repeats each until it succeeds. All that were begun
        while etcd had no quorum would keep it busy for half a minute once it has one again.
        """
        self._due += 1
        if self._unanswered >= self.settings.rate and self._due % _THINNED:
            return None
        return self.write()

    async def write(self, name: str = COUNTER) -> bool:
        """Write the next number; return whether the write was acknowledged.

        Arguments:
            name: name of the object
        """
        self._written += 1
        self._unanswered += 1
        number, start, error = self._written, time.monotonic(), ""
        place = number % self._places
        try:
            data = {str(place): str(number)} if name == COUNTER else {}
            made = await self._api.ask(self._api.patch(name, {**data, LAST: str(number)}))
            version = int(made["metadata"]["resourceVersion"])
        except Exception as caught:  # noqa: BLE001 - any error fails this attempt
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
        finally:
            self._unanswered -= 1
        self._tell(start, error, WRITE)
        return not error

    def _tell(self, start: float, error: str, kind: str) -> None:
        self._journal.add("a", round(start, 6), round(time.monotonic(), 6), error, None, "", kind)

    async def settle(self, under_way: Collection[asyncio.Task[Any]]) -> None:
        """Wait until running requests have ended and every watch has received every write.

        It writes to the idle object as well, so that watches of that object can show that they are alive. Writes that a
        watch has not received by the deadline are recorded as not heard.

        Arguments:
            under_way: running requests
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
        """End the watches and delete the objects; return what could not be deleted and why, "" if nothing is left."""
        for watch in self.watches:
            watch.stop()
        if self._listening:
            await asyncio.wait(self._listening, timeout=1)
        return await self._workplace.remove()


async def _until(action: Callable[[], Awaitable[bool]], deadline: float) -> None:
    """Repeat the action until it succeeds or the deadline has passed; at least once."""
    while not await action() and time.monotonic() < deadline:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(_POLL)
