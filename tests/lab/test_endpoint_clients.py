"""Kubeconfigs and connections of real hosts that go past the VIP are named, and nothing else of these files is read."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rig.lab import BACKUPS, MASTER, VIP, Completed, Lab

from nornir_kube_ha.lab.network import NETNS, control_namespace

NAMED = "endpoint.kubeconfigs"
KUBECONFIG = """apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: QUFBQQ==
    server: {server}
  name: kubernetes
contexts:
- {{context: {{cluster: kubernetes, user: me}}, name: me}}
current-context: me
users:
- name: me
  user:
    token: a-token-that-stays-here
"""
CONNECTED = """
import socket, sys
kept = socket.create_connection((sys.argv[1], 6443), timeout=10)
print("connected", flush=True)
sys.stdin.readline()
"""
ADDRESSES = {MASTER: "192.0.2.11", BACKUPS[0]: "192.0.2.12"}


def write(lab: Lab, host: str, name: str, server: str) -> None:
    lab.run(host, f"mkdir -p /etc/kubernetes && cat >/etc/kubernetes/{name} <<'E'\n{KUBECONFIG.format(server=server)}E")


@contextmanager
def connection(command: list[str]) -> Iterator[None]:
    """A connection to an apiserver's own port that lasts."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=sys.stderr, text=True) as client:
        assert client.stdin
        assert client.stdout
        try:
            assert client.stdout.readline() == "connected\n"
            yield
        finally:
            client.stdin.close()


def verified(lab: Lab, *options: str) -> Completed:
    return lab.runbook("verify", "--output", "json", *options)


def seen(completed: Completed, host: str) -> tuple[str, str]:
    [found] = (each for each in completed.report["hosts"][host]["checks"] if each["id"] == NAMED)
    return found["status"], found["seen"]


def direct(completed: Completed) -> tuple[str, str]:
    checks = completed.report["clusters"]["demo"]["checks"]
    [found] = (each for each in checks if each["id"] == "endpoint.direct_clients")
    return found["status"], found["seen"]


def test_kubeconfigs_that_name_one_apiserver_are_named(deployed: Lab) -> None:
    own = f"https://{ADDRESSES[MASTER]}:6443"
    try:
        for name in ("admin.conf", "kubelet.conf"):
            write(deployed, MASTER, name, f"https://{VIP}:8443")
        for name in ("scheduler.conf", "controller-manager.conf"):
            write(deployed, MASTER, name, own)
        write(deployed, BACKUPS[0], "kubelet.conf", own)
        deployed.run(BACKUPS[0], "mkdir -p /srv/x && cp /etc/kubernetes/kubelet.conf /srv/x/ci.conf")
        found = verified(deployed)
        deployed.set("verify.kubeconfigs", ["/srv/*/ci.conf"])
        more = verified(deployed, "--check", NAMED)
    finally:
        deployed.run(MASTER, "rm -r /etc/kubernetes")
        deployed.run(BACKUPS[0], "rm -r /etc/kubernetes /srv/x")
    assert (found.status, found.failed_checks()) == (0, {BACKUPS[0]: [NAMED]})
    status, words = seen(found, MASTER)
    assert (status, words.startswith("2 of 4 name it")) == ("pass", True)
    assert seen(found, BACKUPS[0]) == ("warn", f"/etc/kubernetes/kubelet.conf names {own}")
    assert seen(found, BACKUPS[1]) == ("pass", "the node has no kubeconfig")
    assert f"/srv/x/ci.conf names {own}" in seen(more, BACKUPS[0])[1]
    assert "a-token-that-stays-here" not in found.stdout + more.stdout


def test_clients_past_haproxy_are_named_while_they_are_connected(deployed: Lab) -> None:
    assert direct(verified(deployed)) == ("pass", "no other connection")
    deployed.run(BACKUPS[1], f"cat >/root/past.py <<'E'\n{CONNECTED}E")
    python = deployed.run(BACKUPS[1], "command -v python3").strip()
    node = deployed.ssh_command(BACKUPS[1], f"exec {python} /root/past.py {ADDRESSES[MASTER]}")
    namespace = f"--net={NETNS / control_namespace(deployed.name)}"
    outside = ["nsenter", namespace, sys.executable, "-c", CONNECTED, ADDRESSES[BACKUPS[0]]]
    with connection(node), connection(outside):
        found = verified(deployed)
        deployed.set("verify.direct_clients", ["192.0.2.0/24", "python3"])
        meant = verified(deployed, "--check", "endpoint.direct_clients")
    deployed.run(BACKUPS[1], "rm /root/past.py")
    assert (found.status, found.failed_checks()) == (0, {"demo": ["endpoint.direct_clients"]})
    status, words = direct(found)
    assert status == "warn"
    assert f"lb-3: process python3 is connected to apiserver lb-1 {ADDRESSES[MASTER]}:6443 (1 connection)" in words
    assert "is connected to lb-2's apiserver (1 connection)" in words
    assert words.count(";") == 1
    assert direct(meant) == ("pass", "no other connection")
