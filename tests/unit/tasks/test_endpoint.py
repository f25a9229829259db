"""The VIP as the controller sees it: a TLS server on this machine stands in for it."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.facts import Endpoint, Probe
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.intent import Apiserver, Cluster, Intent
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.tasks import get_endpoint, vip

VERSION = '{"gitVersion": "v1.30.0"}'
HERE, ELSEWHERE = IPv4Address("127.0.0.1"), IPv4Address("192.0.2.10")


class Handler(BaseHTTPRequestHandler):
    """An apiserver as a client sees it."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = self.server.answers[self.path]
        self.server.asked.append(self.path)
        self.server.called.append(self.headers["Host"])
        self.server.tokens.append(self.headers["Authorization"])
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for number in range(0, len(body), self.server.drop):
            self.wfile.write(body[number : number + self.server.drop])
            time.sleep(self.server.pause)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        del format, args


class Server(ThreadingHTTPServer):
    """The apiserver, and what it was asked."""

    def __init__(self, pki_folder: Path) -> None:
        super().__init__((str(HERE), 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki_folder / "apiserver.crt", pki_folder / "apiserver.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.answers = {"/readyz": (200, b"ok"), "/version": (200, VERSION.encode())}
        self.asked: list[str] = []
        self.drop, self.pause = 65536, 0.0
        self.called: list[str] = []
        self.tokens: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.names: list[str | None] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up, as is meant."""


@dataclass
class World:
    """A cluster whose VIP is on this machine, and who answers there.

    Arguments:
        cluster: the one that is asked
        pki: where its CA and the apiserver's certificate are
    """

    cluster: Cluster
    pki: Path
    servers: list[Server] = field(default_factory=list)

    def serve(self, *names: IPv4Address) -> Server:
        """Answer at the VIP, with a certificate for these addresses."""
        pki.ensure_apiserver_certificate(self.pki, names)
        server = Server(self.pki)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.servers.append(server)
        self.cluster = _with(self.cluster, haproxy={"port": server.server_address[1]})
        return server


def _with(cluster: Cluster, *, haproxy: dict[str, object] | None = None, **changes: object) -> Cluster:
    nodes = (
        node.model_copy(update={**changes, "haproxy": node.haproxy.model_copy(update=haproxy or {})})
        for node in cluster.nodes
    )
    return replace(cluster, nodes=tuple(nodes))


@pytest.fixture
def world(intent: Intent, tmp_path: Path) -> Iterator[World]:
    pki.ensure_ca(tmp_path)
    ca = (tmp_path / "ca.crt").read_text()
    world = World(_with(intent.clusters[0], vip=IPv4Interface(f"{HERE}/8"), apiserver_ca=ca), tmp_path)
    yield world
    for server in world.servers:
        server.shutdown()
        server.server_close()


def test_endpoint_that_is_verified_answers(world: World) -> None:
    server = world.serve(HERE)
    assert get_endpoint(world.cluster) == Endpoint(Probe(200, "", "ok"), Probe(200, "", VERSION))
    assert server.asked == ["/readyz", "/version"]


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_status_and_body_are_reported_as_they_are(world: World, status: int) -> None:
    world.serve(HERE).answers["/readyz"] = (status, b'{"kind": "Status"}')
    endpoint = get_endpoint(world.cluster)
    assert endpoint.readyz == Probe(status, "", '{"kind": "Status"}')
    assert endpoint.readyz.wants_login is (status in {401, 403})
    assert endpoint.version.kubernetes_version == "v1.30.0"


def test_body_that_is_not_text_is_reported_anyway(world: World) -> None:
    world.serve(HERE).answers["/version"] = (200, b"\xff" * 100000)
    body = get_endpoint(world.cluster).version.body
    assert set(body) == {"\ufffd"}
    assert len(body) <= vip.LONGEST_BODY


def test_certificate_that_does_not_name_the_vip_is_refused(world: World) -> None:
    server = world.serve(ELSEWHERE)
    readyz = get_endpoint(world.cluster).readyz
    assert readyz.status == 0
    assert "IP address mismatch" in readyz.error
    assert "127.0.0.1" in readyz.error
    assert server.asked == []


def test_endpoint_with_a_name_is_asked_for_by_it_at_the_vip(world: World) -> None:
    """No resolver is asked: this name is found nowhere but in the certificate, as the VIP is not."""
    server = world.serve(ELSEWHERE)
    port = server.server_address[1]
    cluster = _with(world.cluster, control_plane_endpoint=f"kubernetes.default.svc:{port}")
    assert get_endpoint(cluster) == Endpoint(Probe(200, "", "ok"), Probe(200, "", VERSION))
    assert server.names == ["kubernetes.default.svc"] * 2
    assert server.called == [f"kubernetes.default.svc:{port}"] * 2


def test_certificate_that_does_not_name_the_endpoint_is_refused(world: World) -> None:
    server = world.serve(HERE)
    readyz = get_endpoint(_with(world.cluster, control_plane_endpoint="k8s.example.org:8443")).readyz
    assert readyz.status == 0
    assert "Hostname mismatch" in readyz.error
    assert "k8s.example.org" in readyz.error
    assert server.asked == []


@pytest.mark.parametrize("name", ["api..example.org", f"{'k' * 64}.example.org"])
def test_impossible_name_is_reported(world: World, name: str) -> None:
    world.serve(HERE)
    readyz = get_endpoint(_with(world.cluster, control_plane_endpoint=f"{name}:8443")).readyz
    assert readyz.status == 0
    assert "label" in readyz.error


def test_certificate_of_another_ca_is_refused(world: World, intent: Intent) -> None:
    server = world.serve(HERE)
    other = _with(world.cluster, apiserver_ca=intent.nodes[0].apiserver_ca, haproxy={"port": server.server_address[1]})
    endpoint = get_endpoint(other)
    assert {endpoint.readyz.status, endpoint.version.status} == {0}
    assert "CERTIFICATE_VERIFY_FAILED" in endpoint.readyz.error
    assert server.asked == []


def test_words_around_a_ca_may_be_anybodys(world: World) -> None:
    world.serve(HERE)
    ca = f"# Caf\u00e9 CA\n{world.cluster.nodes[0].apiserver_ca}"
    assert get_endpoint(_with(world.cluster, apiserver_ca=ca)).readyz.status == 200


@pytest.mark.parametrize("text", ["MIJ", "", "\u00e9"])
def test_unreadable_ca_gives_no_answer(world: World, text: str) -> None:
    server = world.serve(HERE)
    ca = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    readyz = get_endpoint(_with(world.cluster, apiserver_ca=ca, haproxy={"port": server.server_address[1]})).readyz
    assert readyz.status == 0
    assert "cannot parse apiserver_ca" in readyz.error
    assert server.asked == []


def test_without_a_ca_nothing_is_verified(world: World) -> None:
    world.serve(ELSEWHERE)
    assert get_endpoint(_with(world.cluster, apiserver_ca=None)).readyz == Probe(200, "", "ok")


def test_port_that_is_closed_says_so(world: World) -> None:
    server = world.serve(HERE)
    server.shutdown()
    server.server_close()
    readyz = get_endpoint(world.cluster).readyz
    assert readyz.status == 0
    assert "refused" in readyz.error


def test_server_that_never_answers_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vip, "TIMEOUT", 0.05)
    with socket.create_server((str(HERE), 0)) as hung:  # the kernel accepts, nobody reads
        readyz = get_endpoint(_with(world.cluster, haproxy={"port": hung.getsockname()[1]})).readyz
    assert (readyz.status, "timed out" in readyz.error) == (0, True)


def test_server_that_speaks_something_else_is_no_endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.serve(HERE)
    monkeypatch.setattr(Handler, "do_GET", lambda self: self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"))
    readyz = get_endpoint(world.cluster).readyz
    assert (readyz.status, readyz.error) == (0, "SSH-2.0-OpenSSH_9.2\r\n")


def test_proxy_of_the_environment_is_not_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    world.serve(HERE)
    assert get_endpoint(world.cluster).readyz.status == 200


def test_vip_of_a_lab_is_asked_from_within_it_only(world: World) -> None:
    server = world.serve(HERE)
    with pytest.raises(HostUnreachableError, match=r"is in lab demo, .* nothing was sent"):
        get_endpoint(_with(world.cluster, lab="demo", haproxy={"port": server.server_address[1]}))
    assert server.asked == []


def test_server_that_answers_drop_by_drop_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vip, "DEADLINE", 0.2)
    server = world.serve(HERE)
    server.answers["/readyz"], server.drop, server.pause = (200, b"o" * 100), 1, 0.05
    started = time.monotonic()
    probe = get_endpoint(world.cluster).readyz
    assert probe == Probe(0, "no whole answer within 0.2 s")
    assert time.monotonic() - started < 3  # of the 5 s that it would take


def test_each_apiserver_is_asked_directly_with_the_credential(world: World) -> None:
    server = world.serve(HERE)
    server.answers |= {"/readyz?verbose": (200, b"[+]etcd ok"), "/livez": (500, b"")}
    apiservers = tuple(Apiserver(name=name, address=HERE, port=server.server_address[1]) for name in ("lb-1", "lb-2"))
    cluster, ca = _with(world.cluster, apiservers=apiservers), world.cluster.nodes[0].apiserver_ca
    told = Probe(200, "", "[+]etcd ok"), Probe(500, "")
    assert get_endpoint(cluster, Kubernetes(ca, "a-token")).apiservers == {"lb-1": told, "lb-2": told}
    assert sorted(server.asked[2:]) == ["/livez", "/livez", "/readyz?verbose", "/readyz?verbose"]
    assert server.tokens == [None, None, *["Bearer a-token"] * 4]
    assert get_endpoint(cluster).apiservers == {}
    broken = get_endpoint(cluster, Kubernetes("no certificate")).apiservers["lb-1"]
    assert "cannot parse the kubeconfig's certificates" in broken[0].error
