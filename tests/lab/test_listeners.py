"""Further ports behind the VIP, added to a cluster that serves: checked, failed over, and closed again."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from rig.lab import BACKUPS, HOSTS, MASTER, VIP, Lab, on_all
from rig.load import load_on

from nornir_kube_ha.lab.network import NETNS, control_namespace

SERVER = "socat TCP-LISTEN:9080,fork,reuseaddr SYSTEM:'read -r line; uname -n'"
START = f'systemd-run --quiet --collect --unit behind sh -c "{SERVER}"'
STOP = "systemctl stop behind"
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3) as client:
    client.sendall(b"who\\n")
    print(client.recv(100).decode())
"""
SERVERS = [{"name": host, "address": f"192.0.2.1{number}", "port": 9080} for number, host in enumerate(HOSTS, 1)]
LISTENERS = {
    "registry": {"port": 5000, "servers": SERVERS},
    "only-nodes": {"port": 5001, "servers": SERVERS, "sources": ["192.0.2.12/32"]},
    "web": {"port": 80, "mode": "http", "check": "none", "servers": SERVERS},
}
IDS = {"listener.listening", "listener.servers_up", "listener.at_vip"}
OWN = "ss -Hltn '( sport = :5000 or sport = :5001 or sport = :80 )'"


def asked(lab: Lab, port: int) -> str:
    """What a client of the VIP is answered: the server's name, or nothing."""
    inside = ["nsenter", f"--net={NETNS / control_namespace(lab.name)}"]
    done = subprocess.run(
        [*inside, sys.executable, "-c", ASK, VIP, str(port)], capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout.strip()


def red_ids(lab: Lab) -> dict[str, set[tuple[str, str]]]:
    """The listeners' checks that do not hold, with their status, by host."""
    hosts = lab.runbook("verify", "--output", "json").report["hosts"]
    return {
        name: {(each["id"], each["status"]) for each in part["checks"] if each["status"] != "pass"} & ALL
        for name, part in hosts.items()
    }


ALL = {(check, status) for check in IDS for status in ("warn", "fail", "unknown")}


def await_red(lab: Lab, wanted: set[tuple[str, str]]) -> None:
    deadline = time.monotonic() + 20
    while (seen := red_ids(lab)) != dict.fromkeys(HOSTS, wanted):
        assert time.monotonic() < deadline, seen


@pytest.fixture(scope="module")
def serving(lab: Lab) -> Iterator[Lab]:
    """The hosts, each with a server of its own, before there is any listener."""
    on_all(lab, START)
    yield lab
    on_all(lab, f"{STOP} || true")


def test_listeners_are_added_without_a_failed_request(serving: Lab) -> None:
    before = serving.runbook("verify", "--output", "json").report["hosts"]
    assert not IDS & {each["id"] for host in before.values() for each in host["checks"]}

    serving.set("haproxy.listeners", LISTENERS)
    with load_on(serving) as load:
        load.begin()
        deployed = serving.deploy("--output", "json")
        lost = load.lost()
    deployed.must_be_green()
    assert lost == []
    for host in deployed.report["hosts"].values():
        assert {each["id"] for each in host["checks"] if each["status"] == "pass"} >= IDS
    assert asked(serving, 5000) in HOSTS
    assert asked(serving, 5001) == ""  # the client is not one of its sources
    assert not serving.deploy("--output", "json").report["changed"]


def test_a_stopped_server_is_found(serving: Lab) -> None:
    serving.run("lb-2", STOP)
    await_red(serving, {("listener.servers_up", "warn")})
    assert asked(serving, 5000) in {"lb-1", "lb-3"}
    for host in ("lb-1", "lb-3"):
        serving.run(host, STOP)
    await_red(serving, {("listener.servers_up", "fail"), ("listener.at_vip", "fail")})
    on_all(serving, START)
    serving.await_green()


def test_listeners_fail_over(serving: Lab) -> None:
    serving.bring_vip_home()
    serving.run(MASTER, "systemctl stop haproxy")
    deadline = time.monotonic() + 10
    while asked(serving, 5000) not in HOSTS or serving.is_vip_home():
        assert time.monotonic() < deadline
    serving.run(MASTER, "systemctl start haproxy")
    serving.await_green()
    assert serving.kube_ha("vip", "move", "-i", str(serving.inventory), "--to", BACKUPS[1]).status == 0
    assert asked(serving, 5000) in HOSTS
    serving.bring_vip_home()


def test_a_port_that_another_program_has_is_refused(serving: Lab) -> None:
    held = {**LISTENERS, "taken": {"port": 9080, "servers": [{"address": "192.0.2.99"}]}}
    serving.set("haproxy.listeners", held)
    refused = serving.deploy("--output", "json")
    assert refused.status == 1
    assert "port 9080 is used by socat" in refused.report["hosts"]["lb-1"]["error"]["message"]
    serving.set("haproxy.listeners", LISTENERS)


def test_removal_closes_the_ports(serving: Lab) -> None:
    assert all(on_all(serving, OWN).values())
    serving.set("haproxy.listeners", {})
    with load_on(serving) as load:
        load.begin()
        removed = serving.deploy("--output", "json")
        lost = load.lost()
    removed.must_be_green()
    assert lost == []
    deadline = time.monotonic() + 20  # an old worker ends with its connections, and has closed its sockets before
    while any((left := on_all(serving, OWN)).values()):
        assert time.monotonic() < deadline, left
    assert asked(serving, 5000) == ""
