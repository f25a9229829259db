import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.control_plane import stand_in as apiserver

LOOPBACK = "127.0.0.1"


class Running:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.context = ssl.create_default_context(cafile=str(folder / "ca.crt"))

    def mode(self, mode: str) -> None:
        write_file(self.folder / "mode", mode)

    def connect(self, seconds: float = 5) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(LOOPBACK, self.port, timeout=seconds, context=self.context)

    def get(self, path: str, method: str = "GET", seconds: float = 5) -> tuple[int, str]:
        connection = self.connect(seconds)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("apiserver")
    pki.ensure_ca(folder)
    pki.ensure_apiserver_certificate(folder, [IPv4Address(LOOPBACK), IPv4Address("10.71.0.10")])
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    script = str(Path(apiserver.__file__))
    command = [sys.executable, "-u", script, "--folder", str(folder), "--port", str(port), "--address", LOOPBACK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline().startswith("started on ")
        yield Running(folder, port)
        server.kill()


@pytest.fixture
def server(process: Running) -> Iterator[Running]:
    process.mode("ok")
    yield process
    process.mode("ok")


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
def test_health_is_ok(server: Running, path: str) -> None:
    assert server.get(path) == (200, "ok")
    status, body = server.get(f"{path}?verbose")
    assert status == 200
    assert body.startswith("[+]ping ok\n[+]log ok\n[+]etcd ok\n")
    assert body.endswith(f"\n{path[1:]} check passed\n")


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
def test_error_is_etcd_away(server: Running, path: str) -> None:
    server.mode("error")
    status, body = server.get(path)
    assert status == 500
    assert "[-]etcd failed: reason withheld\n" in body
    assert body.endswith(f"{path[1:]} check failed\n")
    assert server.get("/version")[0] == 200


def test_version_is_json(server: Running) -> None:
    status, body = server.get("/version")
    assert status == 200
    assert json.loads(body)["gitVersion"] == "v1.30.0"


def test_anonymous_is_forbidden_the_rest(server: Running) -> None:
    status, body = server.get("/api/v1/namespaces/mine/pods")
    said = json.loads(body)
    assert (status, said["kind"], said["reason"], said["code"]) == (403, "Status", "Forbidden", 403)
    assert said["message"] == (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "mine"'
    )
    assert json.loads(server.get("/nowhere")[1])["message"] == (
        'forbidden: User "system:anonymous" cannot get path "/nowhere"'
    )
    assert server.get("/readyz", "POST")[0] == 403


def test_without_anonymous_auth_everything_is_401(server: Running) -> None:
    server.mode("unauthorized")
    for path in ("/readyz", "/version", "/api/v1/pods", f"{apiserver.EVENTS}?watch=true"):
        status, body = server.get(path)
        assert (status, json.loads(body)["message"]) == (401, "Unauthorized")


def test_slow_takes_as_long_as_asked(server: Running) -> None:
    server.mode("slow 0.3")
    before = time.monotonic()
    assert server.get("/readyz") == (200, "ok")
    assert time.monotonic() - before >= 0.3


def test_hang_accepts_and_never_answers(server: Running) -> None:
    open_before = server.connect(0.4)
    open_before.request("GET", "/readyz")
    assert open_before.getresponse().read() == b"ok"
    server.mode("hang")
    try:
        open_before.request("GET", "/readyz")
        with pytest.raises(TimeoutError):
            open_before.getresponse()
    finally:
        open_before.close()
    with socket.create_connection((LOOPBACK, server.port), timeout=1) as raw:  # the kernel accepts
        raw.settimeout(0.2)
        raw.sendall(b"\x16\x03\x01")
        with pytest.raises(TimeoutError):
            raw.recv(1)
    server.mode("ok")
    assert server.get("/readyz") == (200, "ok")


def test_connections_are_kept(server: Running) -> None:
    connection = server.connect()
    connection.request("GET", "/readyz")
    assert connection.getresponse().read() == b"ok"
    used = connection.sock
    connection.request("HEAD", "/readyz")
    response = connection.getresponse()
    assert (response.status, response.read()) == (403, b"")  # who is anonymous may get, and nothing else
    connection.request("GET", "/version", headers={"Connection": "close"})
    assert connection.getresponse().headers["Connection"] == "close"
    assert connection.sock is None or connection.sock is used
    connection.close()


def test_watch_streams_events_until_its_time_is_over(server: Running) -> None:
    connection = server.connect()
    connection.request("GET", f"{apiserver.EVENTS}?watch=true&timeoutSeconds=2")
    response = connection.getresponse()
    first = time.monotonic()
    assert response.headers["Transfer-Encoding"] == "chunked"
    events = [json.loads(line) for line in response]
    assert [event["type"] for event in events] == ["ADDED", "ADDED"]
    assert events[0]["object"]["metadata"]["namespace"] == "default"
    assert 0.9 < time.monotonic() - first < 3
    connection.request("GET", "/readyz")  # the connection is still good
    assert connection.getresponse().read() == b"ok"
    connection.close()
    assert json.loads(server.get(apiserver.EVENTS)[1])["kind"] == "EventList"


def is_good_for(server: Running, name: str) -> bool:
    try:
        with (
            socket.create_connection((LOOPBACK, server.port), timeout=5) as raw,
            server.context.wrap_socket(raw, server_hostname=name),
        ):
            return True
    except ssl.CertificateError:
        return False


def test_certificate_names_the_virtual_address(server: Running) -> None:
    with (
        socket.create_connection((LOOPBACK, server.port), timeout=5) as raw,
        server.context.wrap_socket(raw, server_hostname="10.71.0.10") as secured,
    ):
        names = secured.getpeercert() or {}
    assert ("DNS", "kubernetes.default.svc") in names["subjectAltName"]
    assert is_good_for(server, "10.71.0.10")
    assert not is_good_for(server, "10.71.0.99")


def test_new_certificate_is_taken_up(server: Running) -> None:
    pki.ensure_apiserver_certificate(
        server.folder, [IPv4Address(LOOPBACK), IPv4Address("10.71.0.10"), IPv4Address("10.71.0.20")]
    )
    deadline = time.monotonic() + 5
    while not is_good_for(server, "10.71.0.20"):
        assert time.monotonic() < deadline, "the old certificate is still shown"
    assert is_good_for(server, LOOPBACK)


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request: missing required Host header\r\n"),
        (b"GET /readyz HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n"),
    ],
)
def test_what_is_no_request_of_http_1_1_is_answered_as_the_real_one_does(
    server: Running, words: bytes, start: bytes
) -> None:
    with (
        socket.create_connection((LOOPBACK, server.port), timeout=5) as raw,
        server.context.wrap_socket(raw, server_hostname=LOOPBACK) as secured,
    ):
        secured.sendall(words)
        assert secured.recv(100).startswith(start)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("ok", ("ok", 0.0)),
        ("slow", ("slow", 1.0)),
        ("slow 0.25\n", ("slow", 0.25)),
        ("", ("ok", 0.0)),
        ("x", ("ok", 0.0)),
    ],
)
def test_modes_are_read(text: str, mode: tuple[str, float]) -> None:
    assert apiserver.Mode.parse(text) == mode


def test_same_names_keep_the_certificate(tmp_path: Path) -> None:
    pki.ensure_ca(tmp_path)
    pki.ensure_apiserver_certificate(tmp_path, [IPv4Address("10.0.0.1")])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    pki.ensure_ca(tmp_path)
    pki.ensure_apiserver_certificate(tmp_path, [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.1")])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077 == 0} == {"ca.key", "apiserver.key"}
