"""A stand-in for kube-apiserver: what a load balancer and its clients see of one, failures included.

It runs on the lab's hosts as `kube-apiserver.service`, on Python 3.9 or newer and with the standard library only.
The file `mode` in its folder controls its behaviour, so that a fault needs no network:

    ok              answers
    slow [SECONDS]  answers after a delay, 1 s by default
    error           etcd is away: the health endpoints answer 500
    unauthorized    as with anonymous-auth=false: every request is answered with 401
    hang            the whole process hangs: the kernel accepts connections, nothing reads from them

Bodies and headers are those of kube-apiserver 1.30 for an anonymous client, with two exceptions. Every response names
the host in `X-Lab-Host`, and the events of the namespace default can be watched without a login.
tests/lab/test_stand_in.py compares it with a real one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import ssl
import sys
import time
import uuid
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

MODES = ("ok", "slow", "error", "unauthorized", "hang")
EVENTS = "/api/v1/namespaces/default/events"

_HEALTH = ("/healthz", "/livez", "/readyz")
_CHECKS = (
    "ping",
    "log",
    "etcd",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/rbac/bootstrap-roles",
)
_VERSION = {
    "major": "1",
    "minor": "30",
    "gitVersion": "v1.30.0",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2024-04-17T17:27:03Z",
    "goVersion": "go1.22.2",
    "compiler": "gc",
    "platform": "linux/amd64",
}
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 500: "Internal Server Error"}
_NO_HOST = ": missing required Host header"
_IDLE = 90.0  # seconds: kube-apiserver's timeout for an idle connection and for reading a header
_CONNECTIONS = 20000  # further ones are closed at once: a runaway client must not take the machine down
_LONGEST_BODY = 3 * 2**20  # bytes; kube-apiserver's limit
_POLL = 0.1  # seconds between two reads of the mode


class Mode(NamedTuple):
    """A mode, and the delay of `slow`."""

    name: str
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Mode:
        """Parse `name [seconds]`. An unknown name is `ok`."""
        name, _, seconds = text.strip().partition(" ")
        if name not in MODES:
            return cls("ok")
        delay = float(seconds) if re.fullmatch(r"\d{1,4}(\.\d{1,6})?", seconds) else 1.0
        return cls(name, delay if name == "slow" else 0.0)


class Request(NamedTuple):
    """An HTTP request."""

    method: str
    path: str
    query: dict[str, list[str]]
    keep_alive: bool
    minor: str = "1"


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes


def json_response(status: int, value: object) -> Response:
    """Return a JSON response, formatted as by kube-apiserver."""
    return Response(status, "application/json", json.dumps(value, indent=2).encode())


def failure(status: int, message: str, kind: str = "") -> Response:
    """Return a Status, the API's error object."""
    body: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    body["reason"] = _REASONS[status].replace(" ", "")
    if status != 401:
        body["details"] = {"kind": kind} if kind else {}
    return json_response(status, {**body, "code": status})


def health(path: str, mode: Mode, *, verbose: bool, excluded: list[str]) -> Response:
    """Return the response of a health endpoint."""
    failed = mode.name == "error" and "etcd" not in excluded
    name = path.lstrip("/")
    if not failed and not verbose:
        return Response(200, "text/plain; charset=utf-8", b"ok")
    checks = [*_CHECKS, "shutdown"] if name == "readyz" else list(_CHECKS)
    checks = [check for check in checks if check not in excluded]
    lines = ["[-]etcd failed: reason withheld" if failed and check == "etcd" else f"[+]{check} ok" for check in checks]
    lines.append(f"{name} check {'failed' if failed else 'passed'}")
    return Response(500 if failed else 200, "text/plain; charset=utf-8", "\n".join(lines).encode() + b"\n")


def forbidden(request: Request) -> Response:
    """Return 403, as an anonymous client gets it for nearly everything."""
    verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(request.method, "list")
    core = re.fullmatch(r"/api/v1(?:/namespaces/([^/]+))?/([^/]+)", request.path)
    if core is None:
        what = request.method.lower()
        return failure(403, f'forbidden: User "system:anonymous" cannot {what} path "{request.path}"')
    namespace, kind = core.groups()
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = f'{kind} is forbidden: User "system:anonymous" cannot {verb} resource "{kind}" in API group "" {where}'
    return failure(403, message, kind)


def respond(request: Request, mode: Mode) -> Response:
    """Return the response to any request but a watch."""
    if mode.name == "unauthorized":
        return failure(401, "Unauthorized")
    if request.method == "GET":
        if request.path in _HEALTH:
            excluded = request.query.get("exclude", [])
            return health(request.path, mode, verbose="verbose" in request.query, excluded=excluded)
        if is_version(request):
            return json_response(200, _VERSION)
        if request.path == EVENTS:
            return json_response(
                200, {"kind": "EventList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
            )
    return forbidden(request)


def is_version(request: Request) -> bool:
    """Return whether a request asks for the version."""
    return request.path.rstrip("/") == "/version"


def is_watch(request: Request, mode: Mode) -> bool:
    """Return whether a request asks for a stream of events."""
    return mode.name != "unauthorized" and request.path == EVENTS and request.query.get("watch") in (["true"], ["1"])


class Apiserver:
    """The server.

    Arguments:
        folder: holds apiserver.crt, apiserver.key and mode
    """

    def __init__(self, folder: Path) -> None:
        """Load the certificate and the mode."""
        self.folder = folder
        self.host = socket.gethostname()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self.connections = 0
        self._certificate_stamp: object = None
        self._mode_stamp: object = None
        self._mode = Mode("ok")
        self.refresh()

    @property
    def mode(self) -> Mode:
        """The current mode. While it is `hang`, this blocks, and the whole process with it."""
        self.refresh()
        while self._mode.name == "hang":
            time.sleep(_POLL)  # blocks the event loop on purpose: a hung process serves nobody
            self.refresh()
        return self._mode

    def refresh(self) -> None:
        """Reload the mode and the certificate if their files have changed."""
        stamp = _stamp(self.folder / "mode")
        if stamp != self._mode_stamp:
            self._mode_stamp = stamp
            before, self._mode = self._mode, Mode.parse(_read(self.folder / "mode"))
            if self._mode != before:
                print(f"mode {before.name} -> {' '.join(map(str, self._mode)).removesuffix(' 0.0')}", flush=True)  # noqa: T201
        stamp = _stamp(self.folder / "apiserver.crt")
        if stamp != self._certificate_stamp:
            try:
                self.context.load_cert_chain(self.folder / "apiserver.crt", self.folder / "apiserver.key")
                self._certificate_stamp = stamp
            except ssl.SSLError:  # the new key is there, its certificate follows in a moment
                if self._certificate_stamp is None:
                    raise

    async def watch_files(self) -> None:
        """Apply a new mode even if no request comes."""
        while True:
            _ = self.mode
            await asyncio.sleep(_POLL)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self.connections += 1
        try:
            while self.connections <= _CONNECTIONS and await self._serve_one(reader, writer):
                pass
        except (TimeoutError, OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client disconnected, or does not speak HTTP
        finally:
            self.connections -= 1
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE)
        request = await _parse(head, reader)
        mode = self.mode
        if request is None:
            writer.write(_bad_request(head))
            await writer.drain()
            return False
        if mode.name == "slow":
            await asyncio.sleep(mode.seconds)
        if is_watch(request, mode):
            await self._stream(request, writer)
        else:
            self._write(writer, request, respond(request, mode))
        await writer.drain()
        return request.keep_alive

    def _head(self, status: int, content_type: str, request: Request, length: str) -> bytes:
        lines = [
            f"HTTP/1.{request.minor} {status} {_REASONS[status]}",
            f"Audit-Id: {uuid.uuid4()}",
            "Cache-Control: no-cache, private",
            f"Content-Type: {content_type}",
            *([] if is_version(request) and status == 200 else ["X-Content-Type-Options: nosniff"]),
            f"X-Lab-Host: {self.host}",
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}",
            length,
            *(["Connection: close"] if request.minor == "1" and not request.keep_alive else []),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def _write(self, writer: asyncio.StreamWriter, request: Request, response: Response) -> None:
        head = self._head(response.status, response.content_type, request, f"Content-Length: {len(response.body)}")
        writer.write(head if request.method == "HEAD" else head + response.body)

    async def _stream(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Send one event a second, as chunks, until the client's `timeoutSeconds` are over or it disconnects."""
        asked = request.query.get("timeoutSeconds", [""])[0]
        end = time.monotonic() + (int(asked) if re.fullmatch(r"\d{1,6}", asked) else 1800)
        writer.write(self._head(200, "application/json", request, "Transfer-Encoding: chunked"))
        number = 0
        while time.monotonic() < end:
            _ = self.mode
            number += 1
            writer.write(_chunk(json.dumps(_event(self.host, number)).encode() + b"\n"))
            await writer.drain()
            await asyncio.sleep(max(0.0, min(1.0, end - time.monotonic())))
        writer.write(b"0\r\n\r\n")


def _event(host: str, number: int) -> dict[str, object]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    metadata = {
        "name": f"{host}.{number}",
        "namespace": "default",
        "resourceVersion": str(number),
        "creationTimestamp": now,
    }
    seen = {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": metadata,
        "type": "Normal",
        "reason": "Tick",
        "message": "tick",
    }
    return {"type": "ADDED", "object": seen}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _stamp(path: Path) -> object:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _read(path: Path) -> str:
    try:
        return path.read_text()[:64]
    except OSError:
        return "ok"


async def _parse(head: bytes, reader: asyncio.StreamReader) -> Request | None:
    """Read a request and its body. Return None if it is not valid."""
    lines = head.decode("latin-1").split("\r\n")
    start = re.fullmatch(r"([A-Z]+) (/\S*) HTTP/1\.([01])", lines[0])
    if start is None:
        return None
    method, target, minor = start.groups()
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "0")
    if minor == "1" and "host" not in headers:
        return None
    if "transfer-encoding" in headers or not length.isdigit() or int(length) > _LONGEST_BODY:
        return None
    if int(length):
        await asyncio.wait_for(reader.readexactly(int(length)), _IDLE)
    url = urlsplit(target)
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" if minor == "1" else connection == "keep-alive"
    return Request(method, url.path, parse_qs(url.query, keep_blank_values=True), keep_alive, minor)


def _bad_request(head: bytes) -> bytes:
    """Return the 400 for an invalid request, or for one of HTTP/1.1 without a Host header."""
    start, _, lines = head.decode("latin-1").partition("\r\n")
    has_no_host = start.endswith(" HTTP/1.1") and not re.search(r"(?im)^host:", lines)
    why = f"400 Bad Request{_NO_HOST if has_no_host else ''}"
    kind = "Content-Type: text/plain; charset=utf-8"
    return f"HTTP/1.1 {why}\r\n{kind}\r\nConnection: close\r\n\r\n{why}".encode()


def _tell_systemd(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(message.encode(), "\0" + address[1:] if address.startswith("@") else address)


async def main(folder: Path, port: int, address: str | None) -> None:
    """Serve until the process is ended."""
    apiserver = Apiserver(folder)
    server = await asyncio.start_server(
        apiserver.serve, address, port, ssl=apiserver.context, backlog=4096, limit=2**16, ssl_handshake_timeout=_IDLE
    )
    addresses = ", ".join(str(sock.getsockname()[:2]) for sock in server.sockets)
    print(f"started on {addresses}, mode {apiserver.mode.name}", flush=True)  # noqa: T201
    _tell_systemd("READY=1")
    await asyncio.gather(apiserver.watch_files(), server.serve_forever())


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A stand-in for kube-apiserver")
    parser.add_argument("--folder", type=Path, required=True, help="holds apiserver.crt, apiserver.key and mode")
    parser.add_argument("--port", type=int, default=6443)
    parser.add_argument("--address", help="listen there only; on all addresses otherwise")
    return parser.parse_args(argv)


if __name__ == "__main__":
    options = _arguments(sys.argv[1:])
    asyncio.run(main(options.folder, options.port, options.address))
