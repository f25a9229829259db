"""The stand-in is held to a real kube-apiserver, in all that a load balancer or our client can see of either."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rig.lab import MASTER, Lab, copy_inventory
from tests.support.labs import PROCESS

from nornir_kube_ha.lab.hosts import read_layout
from nornir_kube_ha.lab.network import NETNS, control_namespace
from nornir_kube_ha.lab.state import LabFiles

# Speaks TLS to an address and a port, sends a request as it is, and prints what comes until the end or half a second of
# silence after the last byte.
ASK = """
import json, socket, ssl, sys
address, port, text, seconds = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.set_alpn_protocols(["http/1.1"])
data, end = b"", "closed"
try:
    with context.wrap_socket(socket.create_connection((address, int(port)), timeout=float(seconds))) as sock:
        sock.sendall(text.encode())
        while piece := sock.recv(65536):
            data += piece
            sock.settimeout(0.5)
except TimeoutError:
    end = "open" if data else "silent"
except ConnectionRefusedError:
    end = "refused"
print(json.dumps([data.decode(), end]))
"""
REQUESTS = {
    name: f"{line} HTTP/1.1\r\nHost: kubernetes\r\n{headers}\r\n"
    for name, line, headers in (
        ("readyz", "GET /readyz", ""),
        ("readyz verbose", "GET /readyz?verbose", ""),
        ("livez", "GET /livez", ""),
        ("livez verbose", "GET /livez?verbose", ""),
        ("livez without etcd", "GET /livez?exclude=etcd", ""),
        ("healthz", "GET /healthz", ""),
        ("version", "GET /version", ""),
        ("close", "GET /readyz", "Connection: close\r\n"),
        ("head", "HEAD /readyz", ""),
        ("options", "OPTIONS /readyz", ""),
        ("post", "POST /readyz", "Content-Length: 1\r\n"),
        ("nowhere", "GET /nowhere", ""),
        ("namespaces", "GET /api/v1/namespaces", ""),
        ("configmap", "GET /api/v1/namespaces/default/configmaps", ""),
        ("two", "GET /readyz HTTP/1.1\r\nHost: kubernetes\r\n\r\nGET /livez", ""),
    )
} | {
    "http 1.0": "GET /readyz HTTP/1.0\r\n\r\n",
    "no http": "hello\r\n\r\n",
    "no host": "GET /readyz HTTP/1.1\r\n\r\n",
}
REQUESTS["post"] += "x"
OWN = {
    "x-lab-host",  # the stand-in names its host, for our reports
    "audit-id",  # of 1.21 and newer
    "x-kubernetes-pf-flowschema-uid",  # of an apiserver with API priority and fairness, whose objects are its own
    "x-kubernetes-pf-prioritylevel-uid",
    "date",
    "content-length",  # of bodies that differ where they may: builds, checks of other releases
}
"""Headers that are not compared, each for its reason."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an apiserver is asked."""

    lab: Lab

    def ask(self, request: str, seconds: float = 10) -> Any:  # noqa: ANN401
        """What comes, as far as the two may not differ."""
        address = str(read_layout(self.lab.name).host(MASTER).address.ip)
        inside = ["nsenter", f"--net={NETNS / control_namespace(self.lab.name)}"]
        command = [*inside, sys.executable, "-I", "-c", ASK, address, "6443", request, str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        data, end = json.loads(done.stdout)
        return [_comparable(each) for each in _answers(data)], end

    def mode(self, mode: str) -> None:
        done = self.lab.kube_ha("lab", "apiserver", "--lab", self.lab.name, MASTER, mode)
        assert done.status == 0, done.stderr


def _answers(data: str) -> Iterator[str]:
    """Answers of one connection, one after the other."""
    while data:
        head, _, rest = data.partition("\r\n\r\n")
        length = next(
            (int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-l")), 0
        )
        length = length or len(rest)
        yield f"{head}\r\n\r\n{rest[:length]}"
        data = rest[length:]


def _comparable(answer: str) -> Any:  # noqa: ANN401
    head, _, body = answer.partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    kept = {name: value for name, value in headers.items() if name not in OWN}
    return start, kept, _body(headers.get("content-type", ""), body)


def _body(kind: str, body: str) -> Any:  # noqa: ANN401
    if kind == "application/json" and body:
        found = json.loads(body)
        return found if found.get("kind") == "Status" else sorted(found)  # of a version, what it tells
    lines = body.splitlines()
    if len(lines) > 1:  # the checks of a release are its own, but for these
        return [line for line in lines if line[3:].startswith(("ping", "log", "etcd", "shutdown"))] + lines[-1:]
    return body


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """A stand-in, and a real one."""
    labs = []
    try:
        for kind in ("stand-in", "real"):
            lab = copy_inventory(f"{kind[:1]}in{PROCESS}", tmp_path_factory.mktemp(kind) / "inventory")
            labs.append(lab)
            lab.up("--installed", "--control-plane", kind)
        yield Place(labs[0]), Place(labs[1])
    finally:
        for lab in labs:
            lab.down()


@pytest.mark.parametrize("name", REQUESTS)
def test_stand_in_answers_as_the_real_one_does(both: tuple[Place, Place], name: str) -> None:
    stand_in, real = (place.ask(REQUESTS[name]) for place in both)
    assert stand_in == real


@pytest.mark.parametrize("mode", ["gone", "hang", "error"])
def test_stand_in_fails_as_the_real_one_does(both: tuple[Place, Place], mode: str) -> None:
    for place in both:
        place.mode(mode)
    try:
        for request in ("readyz", "livez without etcd"):
            stand_in, real = (place.ask(REQUESTS[request], 15 if mode == "error" else 1) for place in both)
            assert stand_in == real, request
    finally:
        for place in both:
            place.mode("ok")
    deadline = time.monotonic() + 30
    while both[1].ask(REQUESTS["readyz"]) != both[0].ask(REQUESTS["readyz"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_kubectl_of_a_lab_with_a_stand_in_says_how_to_get_a_real_one(both: tuple[Place, Place]) -> None:
    stand_in, _ = both
    assert not LabFiles(stand_in.lab.name).kubeconfig.exists()
    refused = stand_in.lab.kube_ha("lab", "kubectl", "--lab", stand_in.lab.name, "get", "nodes")
    assert refused.status == 2
    assert "has no real control plane; start one with: kube-ha lab up --control-plane real" in refused.stderr
