"""Notifications to a webhook on the loopback, which takes them, refuses them, or hangs."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from pydantic import SecretStr

from nornir_kube_ha.cli.regular import notify
from nornir_kube_ha.cli.regular.notify import MOST_LINES, PAUSES, message, post, webhook
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.lab.control_plane.pki import ensure_apiserver_certificate, ensure_ca
from nornir_kube_ha.report.history import Change

AT = datetime(2026, 11, 30, 2, 13, tzinfo=UTC)
RED = Change("lb-1", "haproxy.active", red=True, at=AT, lasted=604800, seen="inactive (dead)")
GREEN = Change("", "vip.single_holder", red=False, at=AT, lasted=60, seen="lb-2")
SECRET = "T0/B1/canary"  # the part of a webhook's URL that nobody else may see


class Webhook:
    """A server that answers with one status after the other, the last one again and again."""

    def __init__(self, *statuses: int, tls: ssl.SSLContext | None = None) -> None:
        self.statuses = list(statuses)
        self.taken: list[tuple[str, str | None, object]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                webhook.taken.append((self.path, self.headers["Content-Type"], body))
                status = webhook.statuses.pop(0) if len(webhook.statuses) > 1 else webhook.statuses[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - its name there

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        scheme = "https" if tls else "http"
        self.url = SecretStr(f"{scheme}://127.0.0.1:{self.server.server_address[1]}/services/{SECRET}")

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def webhook_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Webhook]]:
    """A webhook that answers with these statuses."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    opened: list[Webhook] = []

    def make(*statuses: int, tls: ssl.SSLContext | None = None) -> Webhook:
        opened.append(Webhook(*statuses, tls=tls))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def slept() -> list[float]:
    """Pauses between attempts."""
    return []


def test_text_arrives_in_slacks_form(webhook_with: Callable[..., Webhook], slept: list[float]) -> None:
    server = webhook_with(200)
    post(server.url, "one &amp; two\n\N{SNOWMAN}", slept.append)
    assert server.taken == [(f"/services/{SECRET}", "application/json", {"text": "one &amp; two\n\N{SNOWMAN}"})]
    assert slept == []


def test_server_that_is_in_trouble_is_asked_again(webhook_with: Callable[..., Webhook], slept: list[float]) -> None:
    server = webhook_with(503, 429, 200)
    post(server.url, "text", slept.append)
    assert len(server.taken) == 3
    assert slept == [*PAUSES]


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (429, 3), (400, 1), (404, 1), (302, 1), (307, 1)])
def test_attempts_are_bounded(
    webhook_with: Callable[..., Webhook], slept: list[float], status: int, attempts: int
) -> None:
    server = webhook_with(status)
    with pytest.raises(OSError, match=f"^127.0.0.1: HTTP {status}$"):
        post(server.url, "text", slept.append)
    assert len(server.taken) == attempts
    assert {path for path, *_ in server.taken} == {f"/services/{SECRET}"}  # no redirect is followed


def test_nobody_there(webhook_with: Callable[..., Webhook], slept: list[float]) -> None:
    server = webhook_with(200)
    url = server.url
    server.close()
    with pytest.raises(OSError, match="refused") as caught:
        post(url, "text", slept.append)
    assert SECRET not in str(caught.value)
    assert slept == [*PAUSES]


def test_server_that_hangs_is_given_up(
    webhook_with: Callable[..., Webhook], slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "TIMEOUT", 0.2)
    monkeypatch.setattr(notify, "PAUSES", ())
    server = webhook_with(200)
    server.server.shutdown()  # it still takes connections
    with pytest.raises(OSError, match=r"^127\.0\.0\.1: ") as caught:
        post(server.url, "text", slept.append)
    assert SECRET not in str(caught.value)
    server.thread = threading.Thread(target=server.server.serve_forever, args=(0.01,))
    server.thread.start()


def test_certificate_is_verified(
    webhook_with: Callable[..., Webhook], slept: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_ca(tmp_path)
    ensure_apiserver_certificate(tmp_path, [IPv4Address("127.0.0.1")])
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
    server = webhook_with(200, tls=server_side)
    with pytest.raises(OSError, match="certificate verify failed"):
        post(server.url, "text", slept.append)
    assert server.taken == []
    assert slept == []  # another attempt would find the same certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    post(server.url, "text", slept.append)
    assert len(server.taken) == 1


def test_message_has_what_turned_red_first() -> None:
    lines = message({"demo": (GREEN, RED)}).splitlines()
    assert lines[0] == "kube-ha verify: the state of checks has changed"
    assert lines[1].startswith("RED: demo lb-1 haproxy.active at 2026-11-30 ")
    assert lines[1].endswith(", was green for 7 days: inactive (dead)")
    assert lines[2].startswith("green: demo vip.single_holder at ")
    assert lines[2].endswith(", was red for 1 minute: lb-2")


def test_message_is_bounded_and_escaped() -> None:
    many = tuple(Change("lb-1", f"check.{number}", True, AT, None, "<!channel> & \x1b[31m\nx") for number in range(99))  # noqa: FBT003
    lines = message({"demo": many}).splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == f"and {99 - MOST_LINES + 1} more"
    assert lines[1].endswith(": &lt;!channel&gt; &amp; \N{REPLACEMENT CHARACTER}[31m x")


@pytest.mark.parametrize("form", ["{url}", "env:HOOK", "file:{path}"])
def test_url_is_read_as_secrets_are(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"https://hooks.example.org/{SECRET}"
    monkeypatch.setenv("HOOK", url)
    (tmp_path / "hook").write_text(f"{url}\n")
    found = webhook(form.format(url=url, path=tmp_path / "hook"))
    assert found.get_secret_value() == url
    assert SECRET not in repr(found)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:8065/hooks/x"])
def test_loopback_needs_no_tls(url: str) -> None:
    assert webhook(url).get_secret_value() == url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"http://hooks.example.org/{SECRET}", "https"),
        (f"ftp://hooks.example.org/{SECRET}", "https"),
        (f"file:///etc/{SECRET}", "No such file"),
        (f"https:///{SECRET}", "URL"),
        (f"https://hooks.example.org:port/{SECRET}", "not a URL"),
        (f"https://[::1/{SECRET}", "not a URL"),
        (f"https://hooks.example.org/{SECRET} x", "URL"),
        (f"https://hooks.example.org/{SECRET}\r\nHost: x", "URL"),
        ("", "URL"),
        ("env:NOT_SET", "NOT_SET is not set"),
        ("env:", "is not set"),
        ("file:/nowhere/at/all", "No such file"),
        ("prompt:the URL", "URL"),
    ],
)
def test_anything_else_is_a_usage_error(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        webhook(text)
    if not text.startswith("file:"):
        assert SECRET not in str(caught.value)
