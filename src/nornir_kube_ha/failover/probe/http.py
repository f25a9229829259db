"""HTTP/1.1 as apiservers speak it: write requests, parse answers, and name errors in one word."""

from __future__ import annotations

import errno
import re
import ssl
from typing import NamedTuple

_BODILESS = (204, 304)

_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.ENOTCONN: "reset",  # the peer reset it before the handshake
    errno.EPIPE: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ETIMEDOUT: "timeout",
}
_KINDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (  # the first match counts
    ((ssl.SSLCertVerificationError,), "certificate"),
    ((EOFError, ssl.SSLEOFError, ssl.SSLZeroReturnError), "closed"),
    ((ssl.SSLError,), "tls"),
    ((TimeoutError,), "timeout"),
    ((ValueError,), "malformed"),
)


def bracketed(host: str) -> str:
    """Return a host as it appears before a port: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def request_of(
    method: str, path: str, host: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """Return an HTTP/1.1 request.

    Arguments:
        method: `GET`
        path: path with query
        host: the server's name or address, with its port
        headers: headers in addition to `Host`
        body: body to send; None for none
    """
    lines = {"Host": host, "Accept": "*/*", **(headers or {})}
    if body is not None:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")


class Answer(NamedTuple):
    """A server's answer.

    Arguments:
        status: HTTP status
        server: name of the apiserver, from the lab's header X-Lab-Host; "" if unknown
        lasts: whether the connection can be reused
        body: body of the answer
    """

    status: int
    server: str
    lasts: bool
    body: bytes = b""


def parse_answer(data: bytes, *, ended: bool = False) -> Answer | None:
    """Parse an HTTP/1 response; return None if it is incomplete.

    Arguments:
        data: all data received so far
        ended: whether the server has closed the connection

    Raises:
        ValueError: the data is not an HTTP response
    """
    head = parse_head(data)
    if head is None:
        return None
    body = b"" if head.status in _BODILESS else _body(head, ended=ended)
    if body is None:
        return None
    lasts = not ended and head.version == 1 and head.headers.get("connection", "").lower() != "close"
    return Answer(head.status, head.headers.get("x-lab-host", ""), lasts, body)


class Head(NamedTuple):
    """Status line and headers of an answer.

    Arguments:
        version: the minor version, 0 or 1
        status: HTTP status
        headers: headers by lower-case name
        rest: the undecoded part of the body received so far
    """

    version: int
    status: int
    headers: dict[str, str]
    rest: bytes

    @property
    def is_chunked(self) -> bool:
        """Whether the body is chunked."""
        return self.headers.get("transfer-encoding", "").lower() == "chunked"


def parse_head(data: bytes) -> Head | None:
    """Parse an HTTP/1 response up to its body; return None if the headers are incomplete.

    Arguments:
        data: all data received so far

    Raises:
        ValueError: the data is not an HTTP response
    """
    head, found, rest = data.partition(b"\r\n\r\n")
    start = re.match(rb"HTTP/1\.([01]) (\d{3})\b", head)
    if start is None and (found or len(data) > 12):
        raise ValueError("no HTTP response")
    if start is None or not found:
        return None
    lines = head.decode("latin-1").split("\r\n")[1:]
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Head(int(start[1]), int(start[2]), headers, rest)


class Chunks:
    """Decoder of a chunked body."""

    def __init__(self) -> None:
        """Start with no data."""
        self.ended = False
        self._data = b""

    def feed(self, data: bytes) -> bytes:
        """Take received data; return the chunks that it completes.

        Arguments:
            data: undecoded data

        Raises:
            ValueError: the data is not chunked
        """
        self._data += data
        pieces = []
        while not self.ended:
            size, found, rest = self._data.partition(b"\r\n")
            if not found:
                break
            length = int(size.partition(b";")[0], 16)
            if length == 0:
                self.ended = (found + rest).endswith(b"\r\n\r\n")
                break
            if len(rest) < length + 2:
                break
            pieces.append(rest[:length])
            self._data = rest[length + 2 :]
        return b"".join(pieces)


def _body(head: Head, *, ended: bool) -> bytes | None:
    """Return the body; None if it is incomplete."""
    if head.is_chunked:
        chunks = Chunks()
        body = chunks.feed(head.rest)
        return body if chunks.ended else None
    if "content-length" in head.headers:
        length = int(head.headers["content-length"])
        return head.rest[:length] if len(head.rest) >= length else None
    return head.rest if ended else None


class StatusError(Exception):
    """An answer with an unexpected status.

    Arguments:
        status: HTTP status
        words: message of the server
    """

    def __init__(self, status: int, words: str = "") -> None:
        super().__init__(words)
        self.status = status


def word_for(error: Exception) -> str:
    """Return in one word why an attempt failed."""
    if isinstance(error, StatusError):
        return f"HTTP {error.status}"
    for kinds, word in _KINDS:
        if isinstance(error, kinds):
            return word
    number = getattr(error, "errno", None) or 0
    return _WORDS.get(number) or errno.errorcode.get(number) or type(error).__name__
