"""A TLS connection of the client."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

from nornir_kube_ha.failover.probe.http import Answer, Chunks, StatusError, parse_answer, parse_head
from nornir_kube_ha.failover.probe.settings import Config

_T = TypeVar("_T")

_LONGEST = 2**20  # bytes of an answer; readyz?verbose returns a few thousand
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST


class Connection:
    """One TLS connection, opened by its first request.

    It works on the socket itself, so that errors are reported as the kernel returns them. Python's TLS sockets report a
    reset as an end of file in some releases, and asyncio's transports differ between releases. Most of the cost is TLS.

    Arguments:
        config: the server to connect to
        context: TLS settings
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

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its whole answer.

        Arguments:
            request: a request as written by `request_of`

        Raises:
            TimeoutError: `expire` was called
            EOFError: the server closed the connection before the end of the answer
            ValueError: the answer is not HTTP
            OSError: an error of the kernel or of TLS
        """
        data = b""
        await self._send_request(request)
        while len(data) < _LONGEST:
            piece = await self._read()
            data += piece
            answer = parse_answer(data, ended=not piece)
            if answer:
                return answer
            if not piece:
                raise EOFError
        raise ValueError("the answer is too long")

    async def lines(self, request: bytes) -> AsyncIterator[bytes]:
        """Send a request and yield the lines of a long answer; an empty line stands for its headers.

        Arguments:
            request: a request as written by `request_of`

        Raises:
            StatusError: the status is not 200
            TimeoutError: `expire` was called
            EOFError: the server closed the connection before the answer was complete
            ValueError: the answer is not HTTP
            OSError: an error of the kernel or of TLS
        """
        await self._send_request(request)
        data, head = b"", None
        while head is None:
            piece = await self._read()
            if not piece:
                raise EOFError
            data += piece
            head = parse_head(data)
        if head.status != HTTPStatus.OK:
            raise StatusError(head.status)
        yield b""
        chunks, rest, piece = Chunks(), b"", head.rest
        while True:
            *lines, rest = (rest + chunks.feed(piece)).split(b"\n")
            for line in lines:
                yield line
            if chunks.ended:
                return
            piece = await self._read()
            if not piece:
                raise EOFError

    async def _send_request(self, request: bytes) -> None:
        self._expired = False
        if self._socket and self._tls:
            sock, tls = self._socket, self._tls
            self._look(sock)
        else:
            sock, tls = await self._open()
        await self._step(sock, tls.write, request)

    async def _read(self) -> bytes:
        """Return received data; empty if the server has closed the connection."""
        sock, tls = self._socket, self._tls
        if sock is None or tls is None:
            return b""
        try:
            piece: bytes = await self._step(sock, tls.read, 65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""
        return piece

    def expire(self) -> None:
        """Abort the current request with TimeoutError."""
        self._expired = True
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def close(self, *, abort: bool) -> None:
        """Close the connection if it is open.

        Arguments:
            abort: send a reset, which leaves no state on either side; otherwise close with TLS's close_notify
        """
        if self._socket is None:
            return
        with suppress(OSError):
            if abort:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif self._tls:
                with suppress(ssl.SSLError):  # close_notify is queued; its answer is not awaited
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
        # No session to resume: each new connection makes a full handshake, as a client that has just started does.
        tls = self._context.wrap_bio(self._incoming, self._outgoing, server_hostname=config.server_name)
        await self._step(sock, tls.do_handshake)
        self._tls = tls
        return sock, tls

    async def _step(self, sock: socket.socket, action: Callable[..., _T], *arguments: object) -> _T:
        """Run a TLS operation, and send and receive what it needs."""
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
        """Raise EOFError if the server has closed the connection meanwhile.

        Sending on a closed connection would fail with a reset or not, depending on timing.
        """
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
