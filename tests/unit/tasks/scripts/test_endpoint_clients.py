"""What a host tells of its kubeconfigs and of connections past haproxy: the script's own functions."""

import subprocess
from pathlib import Path

import pytest
from rig.lab import ROOT

KUBEADM = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: AAAA
    server: https://192.0.2.10:8443
  name: kubernetes
current-context: me
users:
- name: me
  user:
    client-key-data: SECRET
    token: SECRET
"""


def said(functions: str, stub: str = "", **variables: str) -> str:
    """What functions of the script print, one line a line, without the marks of sections."""
    parts = "".join(f". {ROOT}/tasks/{name}\n" for name in ("section.sh", "endpoint_clients.sh"))
    script = f'{parts}bounded() {{ timeout 5 "$@"; }}\n{stub}\n{functions}'
    environment = {"NONCE": "x", "KUBECONFIGS": "", "DIRECT": "", "ELSEWHERE": "", **variables}
    done = subprocess.run(["sh", "-u", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return "\n".join(line for line in done.stdout.splitlines() if line and not line.startswith("@x"))


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        pytest.param(KUBEADM, "server https://192.0.2.10:8443", id="kubeadm's"),
        pytest.param(
            '{"clusters":[{"cluster":{"server":"https://a:1","x":1}},{"cluster":{"server": "https://[2001:db8::1]:2"}}]}',
            "server https://a:1\nserver https://[2001:db8::1]:2",
            id="JSON",
        ),
        pytest.param("- {server: 'https://server:6443/path?x#y'}", "server https://server:6443", id="a path"),
        pytest.param("server: https://me:SECRET@a:1/", "server unreadable", id="a password"),
        pytest.param("server: https://a$(SECRET)", "server unreadable", id="no host"),
        pytest.param("tls-server: https://a:1\nserver: a:1\nproxy-url: http://b:2", "", id="other keys"),
        pytest.param("", "", id="empty"),
    ],
)
def test_only_server_urls_leave_the_host(tmp_path: Path, text: str, servers: str) -> None:
    path = tmp_path / "admin.conf"
    path.write_text(text)
    found = said("kubeconfigs", KUBECONFIGS=f"{tmp_path}/*.conf {tmp_path}/none /dev/zero")
    assert found == f"file {path}" + (f"\n{servers}" if servers else "")


def test_host_that_was_not_asked_prints_nothing() -> None:
    assert said("kubeconfigs; find_direct_connections; direct_clients") == ""


BEFORE = """
0 0 192.0.2.11:40000 192.0.2.12:6443 users:(("kubelet",pid=3,fd=9))
0 0 192.0.2.11:40001 192.0.2.12:6443 users:(("kubelet",pid=3,fd=10))
0 0 192.0.2.11:40002 192.0.2.12:6443 users:(("haproxy",pid=4,fd=9))
0 0 192.0.2.11:40003 192.0.2.12:6443 users:(("short",pid=5,fd=9))
0 0 192.0.2.11:40004 [::ffff:192.0.2.13]:6443 users:(("odd \\"name",pid=6,fd=9),("x",pid=7,fd=9))
0 0 192.0.2.11:40005 192.0.2.13:6443
0 0 [::ffff:192.0.2.11]:6443 [::ffff:192.0.2.50]:50000 users:(("kube-apiserver",pid=8,fd=9))
0 0 [2001:db8::11]:6443 [2001:db8::50]:50000 users:(("kube-apiserver",pid=8,fd=9))
"""
AFTER = "\n".join(line for line in BEFORE.splitlines() if "short" not in line) + (
    '\n0 0 192.0.2.11:40006 192.0.2.12:6443 users:(("late",pid=9,fd=9))'
)


def test_connections_that_lasted_are_counted() -> None:
    stub = 'ss() { :; }\ndirect_connections() { if [ -n "${asked-}" ]; then echo "$AFTER"; else echo "$BEFORE"; fi; }'
    functions = "find_direct_connections; asked=yes; direct_clients"
    found = said(functions, stub, DIRECT="x", ELSEWHERE="192.0.2.12:6443 192.0.2.13:6443", BEFORE=BEFORE, AFTER=AFTER)
    assert sorted(found.splitlines()) == [
        "in 1 192.0.2.50",
        "in 1 [2001:db8::50]",
        "out 1 192.0.2.13:6443 ?",
        'out 1 192.0.2.13:6443 odd \\"name',
        "out 2 192.0.2.12:6443 kubelet",
    ]


def test_clients_are_listed_up_to_a_limit() -> None:
    lines = "\n".join(f"0 0 192.0.2.11:6443 198.51.100.{each}:5000" for each in range(200))
    found = said("find_direct_connections; direct_clients", 'direct_connections() { echo "$L"; }', DIRECT="x", L=lines)
    assert found.count("in 1 198.51.100.") == 50
    assert found.endswith("more 150")


def test_connections_that_cannot_be_listed_are_not_reported() -> None:
    assert (
        said("find_direct_connections; direct_clients; echo end", "direct_connections() { false; }", DIRECT="x")
        == "end"
    )
