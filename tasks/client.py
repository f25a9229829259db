"""A client of an apiserver that tells, request by request, when it was answered and when not.

It runs by any Python from 3.9 on and with nothing but its standard library, so that it can be sent to a host and run
there. It opens new connections at a steady rate, keeps some long-lived ones busy, and hears and speaks by lines:

    stdin   first line      its settings, as JSON: the fields of `Config`
            time N          answered at once: what its clock shows
            stop            it ends, as it does when stdin ends: nobody is left who would read what it says
    stdout  ["a", START, END, ERROR, CONNECTION, SERVER]
                            an attempt; ERROR is "" if it was answered, CONNECTION null if it opened one of its own
            ["late", MOMENT, SECONDS, SKIPPED]
                            how late it was itself at most, and how many attempts it had to leave out, since the last
            ["time", N, MOMENT]
            ["end", ATTEMPTS, FAILED, SKIPPED]
            ["fatal", WORDS] its settings cannot be

All times are seconds on this machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import re
import resource
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")

_BEAT = 0.025  # seconds between two looks at our own lateness
_FLUSH = 2  # beats between two writes
_TELL = 40  # beats between two words about lateness
_GRACE = 1.0  # seconds beside the time-out until the last words must have been said
_LONGEST = 2**20  # bytes of an answer; readyz?verbose has a few thousand
_SPARE = 16  # descriptors for all but connections; 6 are used
_ANSWERED = (200, 401, 403)  # an apiserver that knows no anonymous clients (--anonymous-auth=false) serves all the same
_BODILESS = (204, 304)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST

_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.ENOTCONN: "reset",  # by the time that the handshake was to begin
    errno.EPIPE: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ETIMEDOUT: "timeout",
}


class Config(NamedTuple):
    """What is asked, and how often.

    Arguments:
        address: of the server, an IP address
        port: of the server
        server_name: what its certificate must name, and what it is called in each request
        ca: certificates in PEM that its own must lead to; none to verify nothing
        path: what is asked for
        rate: new connections a second
        connections: how many long-lived ones are kept beside them
        reuse_interval: seconds from one request to the next on each of these
        timeout: seconds until an attempt has failed that was not answered
        late_threshold: seconds of our own lateness from which on it is taken off the time of those who waited
    """

    address: str
    port: int
    server_name: str
    ca: str | None = None
    path: str = "/readyz"
    rate: float = 50.0
    connections: int = 10
    reuse_interval: float = 0.2
    timeout: float = 0.5
    late_threshold: float = 0.05


def _bracketed(host: str) -> str:
    """An IPv6 address stands in brackets before its port."""
    return f"[{host}]" if ":" in host else host


class Answer(NamedTuple):
    """What a server said.

    Arguments:
        status: HTTP's
        server: which one it was, where it says so: the lab's do, in X-Lab-Host
        lasts: whether its connection can be used again
    """

    status: int
    server: str
    lasts: bool


def parse_answer(data: bytes, *, ended: bool = False) -> Answer | None:
    """Read an HTTP/1 response; None if there is more to come.

    Arguments:
        data: all of it so far
        ended: the server has closed the connection

    Raises:
        ValueError: it is none
    """
    head, found, body = data.partition(b"\r\n\r\n")
    start = re.match(rb"HTTP/1\.([01]) (\d{3})\b", head)
    if start is None and (found or len(data) > 12):
        raise ValueError("no HTTP response")
    if start is None or not found:
        return None
    lines = head.decode("latin-1").split("\r\n")[1:]
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(start[2])
    if status not in _BODILESS and not _is_complete(headers, body, ended=ended):
        return None
    lasts = not ended and start[1] == b"1" and headers.get("connection", "").lower() != "close"
    return Answer(status, headers.get("x-lab-host", ""), lasts)


def _is_complete(headers: dict[str, str], body: bytes, *, ended: bool) -> bool:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks_are_complete(body)
    if "content-length" in headers:
        return len(body) >= int(headers["content-length"])
    return ended


def _chunks_are_complete(body: bytes) -> bool:
    while True:
        size, found, rest = body.partition(b"\r\n")
        if not found:
            return False
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            return (found + rest).endswith(b"\r\n\r\n")
        body = rest[length + 2 :]


def word_for(error: Exception) -> str:
    """Say in one word why an attempt failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, (EOFError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "closed"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ValueError):
        return "malformed"
    number = getattr(error, "errno", None) or 0
    return _WORDS.get(number) or errno.errorcode.get(number) or type(error).__name__


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
        late = now - self._last - _BEAT
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


class Connection:
    """One TLS connection, opened by the first request over it.

    It is driven by hand, so that each error is told as the system tells it: Python's own TLS sockets take a reset for
    an end in some releases, and asyncio's transports differ from one to the next. Most of what it costs is TLS's.

    Arguments:
        config: where it leads
        context: what is verified
    """

    def __init__(self, config: Config, context: ssl.SSLContext) -> None:
        """Open nothing yet."""
        self.is_busy = False
        self._config, self._context = config, context
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._waiter: asyncio.Future[None] | None = None
        self._expired = False

    async def ask(self) -> Answer:
        """Send a request, and read all of its answer.

        Raises:
            TimeoutError: `expire` was called
            EOFError: it was closed before that
            ValueError: what came is no HTTP
            OSError: as the system and TLS say
        """
        self._expired = False
        config = self._config
        if self._socket and self._tls:
            sock, tls = self._socket, self._tls
            self._look(sock)
        else:
            sock, tls = await self._open()
        request = (
            f"GET {config.path} HTTP/1.1\r\nHost: {_bracketed(config.server_name)}:{config.port}\r\nAccept: */*\r\n\r\n"
        )
        await self._step(sock, tls.write, request.encode())
        data = b""
        while len(data) < _LONGEST:
            try:
                piece: bytes = await self._step(sock, tls.read, 65536)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                piece = b""
            data += piece
            answer = parse_answer(data, ended=not piece)
            if answer:
                return answer
            if not piece:
                raise EOFError
        raise ValueError("a longer answer than any")

    def expire(self) -> None:
        """Give the request in hand up."""
        self._expired = True
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def close(self, *, abort: bool) -> None:
        """Close it, if it is open.

        Arguments:
            abort: by a reset, which leaves nothing behind on either side; otherwise as clients of an apiserver do
        """
        if self._socket is None:
            return
        with suppress(OSError):
            if abort:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif self._tls:
                with suppress(ssl.SSLError):  # it says so, and does not wait for the answer
                    self._tls.unwrap()
                self._socket.send(self._outgoing.read())
        self._socket.close()
        self._socket = self._tls = None

    async def _open(self) -> tuple[socket.socket, ssl.SSLObject]:
        config = self._config
        sock = self._socket = socket.socket(socket.AF_INET6 if ":" in config.address else socket.AF_INET)
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            sock.connect((config.address, config.port))
        await self._until(sock, self._loop.add_writer, self._loop.remove_writer)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # Without a session to resume: each new connection is a whole handshake, as that of a client which just began.
        tls = self._context.wrap_bio(self._incoming, self._outgoing, server_hostname=config.server_name)
        await self._step(sock, tls.do_handshake)
        self._tls = tls
        return sock, tls

    async def _step(self, sock: socket.socket, action: Callable[..., _T], *arguments: object) -> _T:
        """Take a step of TLS, and send and receive what it needs."""
        while True:
            try:
                result = action(*arguments)
            except ssl.SSLWantReadError:
                await self._send(sock)
                await self._until(sock, self._loop.add_reader, self._loop.remove_reader)
                self._receive(sock)
            else:
                await self._send(sock)
                return result

    async def _send(self, sock: socket.socket) -> None:
        data = self._outgoing.read()
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                await self._until(sock, self._loop.add_writer, self._loop.remove_writer)

    def _receive(self, sock: socket.socket) -> None:
        with suppress(BlockingIOError):
            data = sock.recv(65536)
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _look(self, sock: socket.socket) -> None:
        """Notice that the server has closed it meanwhile: a request would make a reset of that, or not, by chance."""
        self._receive(sock)
        if self._incoming.eof:
            raise EOFError

    async def _until(self, sock: socket.socket, add: Callable[..., None], remove: Callable[[int], object]) -> None:
        if self._expired:
            raise TimeoutError
        number = sock.fileno()
        self._waiter = waiter = self._loop.create_future()
        add(number, _wake, waiter)
        try:
            await waiter
        finally:
            remove(number)
            self._waiter = None


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


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
        deadline = time.monotonic() + _GRACE
        while self.flush() and self._lines and time.monotonic() < deadline:  # noqa: ASYNC110 - the pipe has no event
            await asyncio.sleep(0.01)


class Lane(NamedTuple):
    """Attempts at equal distances.

    Arguments:
        interval: seconds from one to the next
        number: that of the long-lived connection that they go over; none if each opens its own
        kept: that connection
    """

    interval: float
    number: int | None = None
    kept: Connection | None = None


class Measurement:
    """All attempts, from the first to the last.

    Arguments:
        config: what is asked, and how often
        context: what is verified
    """

    def __init__(self, config: Config, context: ssl.SSLContext) -> None:
        """Ask nothing yet."""
        self.config, self.context = config, context
        self.loop = asyncio.get_running_loop()
        self.journal = Journal()
        self.pulse = Pulse(config.late_threshold)
        self.stopping = asyncio.Event()
        self.pending: set[asyncio.Task[None]] = set()
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = max(1, descriptors - config.connections - _SPARE)  # or a hang would be told as our own want of them
        self.attempts = self.failed = self.skipped = 0
        self._told = 0  # of those skipped
        self._heard = b""

    async def run(self, heard: bytes) -> None:
        """Ask until told to stop.

        Arguments:
            heard: what came on stdin after the settings
        """
        self._obey(heard)
        lanes = self._begin(time.monotonic() + _BEAT)
        self.loop.add_reader(0, self._hear)
        self._beat(1, self.loop.time())
        await self.stopping.wait()
        if self.pending:
            await asyncio.wait(self.pending, timeout=self.config.timeout + _GRACE)
        for lane in lanes:
            if lane.kept:
                lane.kept.close(abort=lane.kept.is_busy)
        self._tell()
        self.journal.add("end", self.attempts, self.failed, self.skipped)
        await self.journal.end()

    def _begin(self, start: float) -> list[Lane]:
        config = self.config
        lanes = []
        if config.rate > 0:
            lanes.append(Lane(1 / config.rate))
            self.loop.call_at(start, self._slot, lanes[0], start)
        for number in range(config.connections):
            lane = Lane(config.reuse_interval, number, Connection(config, self.context))
            first = start + lane.interval * (number + 0.5) / config.connections
            self.loop.call_at(first, self._slot, lane, first)
            lanes.append(lane)
        return lanes

    def _slot(self, lane: Lane, due: float) -> None:
        """Begin an attempt when it is due; those that should have begun meanwhile are left out, not made up for."""
        if self.stopping.is_set():
            return
        self.pulse.beat()
        late = time.monotonic() - due
        missed = int(late / lane.interval)
        self.pulse.note(late)
        self.skipped += missed
        due += (missed + 1) * lane.interval
        self.loop.call_at(due, self._slot, lane, due)
        connection = lane.kept or Connection(self.config, self.context)
        if connection.is_busy:
            return
        if len(self.pending) >= self.most:
            self.skipped += 1
            return
        task = self.loop.create_task(self._attempt(connection, lane.number))
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)

    async def _attempt(self, connection: Connection, number: int | None) -> None:
        start = time.monotonic()
        connection.is_busy = True
        limit = Limit(self.pulse, self.config.timeout, connection.expire)
        server, lasts = "", False
        try:
            status, server, lasts = await connection.ask()
            error = "" if status in _ANSWERED else f"HTTP {status}"
        except Exception as caught:  # noqa: BLE001 - whatever it was, this attempt failed of it
            error = word_for(caught)
        end = time.monotonic()
        limit.cancel()
        if error or not lasts or number is None:
            connection.close(abort=bool(error))
        connection.is_busy = False
        self.attempts += 1
        self.failed += bool(error)
        self.journal.add("a", round(start, 6), round(end, 6), error, number, server)

    def _beat(self, number: int, due: float) -> None:
        self.pulse.beat()
        if number % _TELL == 0 or self.pulse.worst > self.config.late_threshold:
            self._tell()
        if number % _FLUSH == 0 and not self.journal.flush():
            self.stopping.set()
        due = max(due + _BEAT, self.loop.time())
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


def context_for(config: Config) -> ssl.SSLContext:
    """Make what a connection is verified by; one for all of them.

    Raises:
        ssl.SSLError: the CA is none
    """
    if config.ca is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        # Python takes ASCII only; what a file says around its certificates may be anything.
        context = ssl.create_default_context(cadata=config.ca.encode("ascii", "ignore").decode())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _first_line() -> tuple[bytes, bytes]:
    data = b""
    while b"\n" not in data:
        piece = os.read(0, 65536)
        if not piece:
            break
        data += piece
    line, _, rest = data.partition(b"\n")
    return line, rest


async def _measure(config: Config, context: ssl.SSLContext, heard: bytes) -> None:
    await Measurement(config, context).run(heard)


def main() -> int:
    """Measure until told to stop."""
    line, heard = _first_line()
    try:
        settings: dict[str, Any] = json.loads(line)
        config = Config(**settings)
        context = context_for(config)
    except (TypeError, ValueError, ssl.SSLError) as error:
        print(json.dumps(["fatal", f"{type(error).__name__}: {error}"]), flush=True)  # noqa: T201
        return 2
    gc.freeze()  # what is there now stays: a collection need not look at it, and is short
    asyncio.run(_measure(config, context, heard))
    return 0


if __name__ == "__main__":
    sys.exit(main())
