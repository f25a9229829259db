"""An apiserver on the loopback that can be taken away, for the tests of the client that measures outages."""

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nornir_kube_ha.failover.probe.settings import Config
from nornir_kube_ha.lab.control_plane import pki

_T = TypeVar("_T")

HERE = IPv4Address("127.0.0.1")
OK = b"HTTP/1.1 200 OK\r\nX-Lab-Host: lb-1\r\nContent-Length: 2\r\n\r\nok"
_RESET = struct.pack("ii", 1, 0)


class Span(NamedTuple):
    """What happened some time in it."""

    begin: float
    end: float


class Apiserver:
    """It answers all requests alike, on a thread of its own.

    Arguments:
        folder: where its CA and certificate are made
    """

    def __init__(self, folder: Path) -> None:
        pki.ensure_ca(folder)
        pki.ensure_apiserver_certificate(folder, [HERE])
        self.ca = (folder / "ca.crt").read_text()
        self.answer: bytes | None = OK  # none: it resets the connection; b"": it closes it
        self.delay = 0.0  # seconds before each answer
        self.handshakes = self.resumed = 0
        self.names: set[str | None] = set()
        self.asked: set[bytes] = set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
        self._context.sni_callback = lambda _socket, name, _context: self.names.add(name)
        self._listener: socket.socket | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Bound for good: the port stays ours while nobody listens on it, and no client takes it for its own end.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((str(HERE), 0))
        self.port = self._holder.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._up())

    def config(self, **settings: Any) -> Config:  # noqa: ANN401 - the fields of Config
        """What a client asks of it."""
        return Config(str(HERE), self.port, str(HERE), self.ca)._replace(**settings)

    def away(self, seconds: float) -> tuple[Span, Span]:
        """Be gone for so long: nobody listens, all connections are reset. When it went, and when it came back."""
        return self._call(self._away(seconds))

    def leave(self) -> None:
        """Be gone."""
        self._call(self._down())

    def reset(self) -> None:
        """Break all connections that are open, and listen on."""
        self._call(self._break())

    def close(self) -> None:
        self._call(self._down())
        self._call(self._rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._holder.close()

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _up(self) -> None:
        # Not asyncio's own server: one that is closed forgets whom it has just let in, and leaves them hanging.
        self._listener = socket.create_server((str(HERE), self.port), backlog=1024)
        self._listener.setblocking(False)  # noqa: FBT003 - its own argument
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        assert self._listener
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or some answers would wait 40 ms for an ACK
        task = self._loop.create_task(self._welcome(sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _welcome(self, sock: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with suppress(OSError):  # the client does not trust us, or has gone
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, sock, ssl=self._context)
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            self.handshakes += 1
            self.resumed += writer.get_extra_info("ssl_object").session_reused
            self._open.add(writer)
            await self._serve(reader, writer)

    async def _down(self) -> None:
        if self._listener:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        self._listener = None
        await self._break()

    async def _break(self) -> None:
        for writer in list(self._open):
            _reset(writer)
        await asyncio.sleep(0)

    async def _away(self, seconds: float) -> tuple[Span, Span]:
        began = time.monotonic()
        await self._down()
        gone = Span(began, time.monotonic())
        await asyncio.sleep(gone.end + seconds - time.monotonic())
        began = time.monotonic()
        await self._up()
        return gone, Span(began, time.monotonic())

    async def _rest(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        await asyncio.sleep(0)  # for transports to close what they were told to

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self._listener and await self._answer(reader, writer):
                pass
        except asyncio.IncompleteReadError:
            pass  # the client has gone
        finally:
            self._open.discard(writer)
            if self.answer is None or not self._listener:
                _reset(writer)
            else:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.asked.add(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(self.delay)
        if not self.answer:
            return False
        writer.write(self.answer)
        await writer.drain()
        return b"Connection: close" not in self.answer


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock:  # none: the client was quicker
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
