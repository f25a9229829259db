"""The probe client's main program: a client of an apiserver that reports when each request was answered.

It needs Python 3.9 or later and only the standard library, so that it can be sent to a host and run there. It opens new
connections at a steady rate and keeps some long-lived ones busy. With a credential, it also reads, writes and watches.
It communicates in lines:

    stdin   first line      settings, as `Config.line` writes them
            time N          answered at once with the client's clock
            settle N        answered when all that has begun is recorded
            stop            the client ends, as it does at the end of stdin, when nobody reads its output any more
    stdout  ["a", START, END, ERROR, CONNECTION, SERVER, KIND]
                            an attempt; ERROR is "" for success; CONNECTION is null for a new connection, and the
                            number of the watch if KIND is "watch" or "cut"
            ["late", MOMENT, SECONDS, SKIPPED]
                            the client's maximum lateness and the number of skipped attempts, since the last report
            ["lost", MOMENT, WRITE]
                            an acknowledged write that a later read did not return
            ["missed", WATCH, MOMENT, WRITE]
                            an acknowledged write that a watch skipped
            ["time", N, MOMENT]
            ["ready"]       the client may read and write, and does so
            ["settled", N]
            ["left", WORDS] an object of the client could not be deleted
            ["end", ATTEMPTS, FAILED, SKIPPED]
            ["fatal", WORDS] the settings are invalid, or the cluster refuses to let the client work

All times are seconds on this machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import ssl
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

from nornir_kube_ha.failover.probe.api import ApiClient
from nornir_kube_ha.failover.probe.clock import BEAT, Pulse, TimeLimit
from nornir_kube_ha.failover.probe.connection import Connection
from nornir_kube_ha.failover.probe.http import bracketed, request_of, word_for
from nornir_kube_ha.failover.probe.journal import GRACE, Journal
from nornir_kube_ha.failover.probe.kubernetes import RefusedError
from nornir_kube_ha.failover.probe.settings import ADDRESS, Config, parse_config
from nornir_kube_ha.failover.probe.tls import context_for

_FLUSH = 2  # beats between two writes
_TELL = 40  # beats between two reports of lateness
_SPARE = 16  # descriptors for everything but connections; 6 are used
_ANSWERED = (200, 401, 403)  # --anonymous-auth=false: an apiserver that rejects anonymous clients still serves


class Schedule(NamedTuple):
    """Attempts at a fixed interval.

    Arguments:
        interval: seconds from one attempt to the next
        attempt: begins an attempt; None if a lane that allows one attempt at a time still has one under way
    """

    interval: float
    attempt: Callable[[], Coroutine[Any, Any, Any] | None]


class ProbeClient:
    """All attempts, from the first to the last.

    Arguments:
        config: what to request, and how often
        context: TLS settings
    """

    def __init__(self, config: Config, context: ssl.SSLContext) -> None:
        """Make no request yet.

        Raises:
            OSError: the credential's CA, certificate or key is invalid
        """
        self.config, self.context = config, context
        self.loop = asyncio.get_running_loop()
        self.journal = Journal()
        self.pulse = Pulse(config.late_threshold)
        self.stopping = asyncio.Event()
        self.pending: set[asyncio.Task[Any]] = set()
        self.status = 0
        self.api = ApiClient(config, config.kubernetes, self.pulse, self.journal) if config.kubernetes else None
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        lasting = config.connections + (self.api.lasting if self.api else 0)
        self.most = max(1, descriptors - lasting - _SPARE)  # else a hang is reported as EMFILE
        self.attempts = self.failed = self.skipped = 0
        self._kept = [Connection(config, context) for _ in range(config.connections)]
        self._request = request_of("GET", config.path, f"{bracketed(config.server_name)}:{config.port}")
        self._beginning: asyncio.Task[None] | None = None
        self._told = 0  # skipped attempts already reported
        self._heard = b""
        self._settling: asyncio.Task[None] | None = None

    async def run(self, heard: bytes) -> int:
        """Make attempts until `stop`; return the exit status.

        Arguments:
            heard: data received on stdin after the settings
        """
        self._obey(heard)
        self._begin(time.monotonic() + BEAT)
        self.loop.add_reader(0, self._hear)
        self._beat(1, self.loop.time())
        await self.stopping.wait()
        await self._finish()
        self._tell()
        if not self.status:
            self.journal.add("end", self.attempts, self.failed, self.skipped)
        await self.journal.end()
        return self.status

    async def _finish(self) -> None:
        """Let running attempts end, and clean up."""
        patience = self.api.settings.patience if self.api else self.config.timeout
        if self._beginning:
            await asyncio.wait({self._beginning}, timeout=patience + GRACE)
            self._beginning.cancel()
        if self.pending:
            await asyncio.wait(self.pending, timeout=patience + GRACE)
        for kept in self._kept:
            kept.close(abort=kept.is_busy)
        if self.api and (left := await self.api.end()):
            self.journal.add("left", left)

    def _begin(self, start: float) -> None:
        config = self.config
        if config.rate > 0:
            self._start(Schedule(1 / config.rate, self._new), start)
        for number, kept in enumerate(self._kept):
            lane = Schedule(config.reuse_interval, partial(self._reused, kept, number))
            self._start(lane, start + lane.interval * (number + 0.5) / config.connections)
        if self.api:
            self._beginning = self.loop.create_task(self._begin_api(self.api))

    async def _begin_api(self, api: ApiClient) -> None:
        try:
            await api.begin()
        except Exception as error:  # noqa: BLE001 - after any error, nothing can be measured
            words = str(error) if isinstance(error, RefusedError) else f"{type(error).__name__}: {error}"
            self.journal.add("fatal", words)
            self.status = 2
            self.stopping.set()
            return
        interval, start = 1 / api.settings.rate, time.monotonic() + BEAT
        self._start(Schedule(interval, api.next_write), start)
        self._start(Schedule(interval, api.read), start + interval / 2)
        self._start(Schedule(2 * interval, api.read_cached), start + interval / 4)
        self.journal.add("ready")

    def _start(self, lane: Schedule, moment: float) -> None:
        self.loop.call_at(moment, self._slot, lane, moment)

    def _slot(self, lane: Schedule, due: float) -> None:
        """Begin an attempt when it is due. Attempts that were due during a stall are skipped."""
        if self.stopping.is_set():
            return
        self.pulse.beat()
        late = time.monotonic() - due
        missed = int(late / lane.interval)
        self.pulse.note(late)
        self.skipped += missed
        self._start(lane, due + (missed + 1) * lane.interval)
        if len(self.pending) >= self.most:
            self.skipped += 1
            return
        work = lane.attempt()
        if work:
            task = self.loop.create_task(work)
            self.pending.add(task)
            task.add_done_callback(self.pending.discard)

    def _new(self) -> Coroutine[Any, Any, None]:
        return self._attempt(Connection(self.config, self.context), None)

    def _reused(self, kept: Connection, number: int) -> Coroutine[Any, Any, None] | None:
        return None if kept.is_busy else self._attempt(kept, number)

    async def _attempt(self, connection: Connection, number: int | None) -> None:
        start = time.monotonic()
        connection.is_busy = True
        limit = TimeLimit(self.pulse, self.config.timeout, connection.expire)
        server, lasts = "", False
        try:
            status, server, lasts, _ = await connection.ask(self._request)
            error = "" if status in _ANSWERED else f"HTTP {status}"
        except Exception as caught:  # noqa: BLE001 - any error fails this attempt
            error = word_for(caught)
        end = time.monotonic()
        limit.cancel()
        if error or not lasts or number is None:
            connection.close(abort=bool(error))
        connection.is_busy = False
        self.attempts += 1
        self.failed += bool(error)
        self.journal.add("a", round(start, 6), round(end, 6), error, number, server, ADDRESS)

    def _beat(self, number: int, due: float) -> None:
        self.pulse.beat()
        if number % _TELL == 0 or self.pulse.worst > self.config.late_threshold:
            self._tell()
        if number % _FLUSH == 0 and not self.journal.flush():
            self.stopping.set()
        due = max(due + BEAT, self.loop.time())
        self.loop.call_at(due, self._beat, number + 1, due)

    def _tell(self) -> None:
        self.journal.add("late", time.monotonic(), round(self.pulse.worst, 6), self.skipped - self._told)
        self.pulse.worst, self._told = 0.0, self.skipped

    def _hear(self) -> None:
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._obey(data)
        else:
            self.loop.remove_reader(0)
            self.stopping.set()

    def _obey(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            command, _, argument = line.decode(errors="replace").partition(" ")
            if command == "stop":
                self.stopping.set()
            elif command == "time" and argument.isdigit():
                self.journal.add("time", int(argument), time.monotonic())
                self.journal.flush()
            elif command == "settle" and argument.isdigit():
                self._settling = self.loop.create_task(self._settle(int(argument)))

    async def _settle(self, number: int) -> None:
        if self.api:
            await self.api.settle(set(self.pending))
        self.journal.add("settled", number)


def _first_line() -> tuple[bytes, bytes]:
    data = b""
    while b"\n" not in data:
        piece = os.read(0, 65536)
        if not piece:
            break
        data += piece
    line, _, rest = data.partition(b"\n")
    return line, rest


async def _measure(config: Config, heard: bytes) -> int:
    try:
        measurement = ProbeClient(config, context_for(config.ca))
    except (OSError, ValueError) as error:
        return _fatal(error)
    return await measurement.run(heard)


def _fatal(error: Exception) -> int:
    print(json.dumps(["fatal", f"{type(error).__name__}: {error}"]), flush=True)  # noqa: T201
    return 2


def main() -> int:
    """Measure until `stop`; return the exit status."""
    line, heard = _first_line()
    try:
        config = parse_config(line)
    except (TypeError, ValueError) as error:
        return _fatal(error)
    gc.freeze()  # keeps garbage collections short: objects made so far stay
    return asyncio.run(_measure(config, heard))


if __name__ == "__main__":
    sys.exit(main())
