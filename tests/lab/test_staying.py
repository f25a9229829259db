"""The VIP stays where haproxy serves and cannot be asked; a node whose address was gone gets well by itself."""

import time
from collections.abc import Callable

import pytest
from rig.lab import HOSTS, VIP, Lab, on_all

FULL = (
    "systemd-run --quiet --unit idlers sh -c 'for i in $(seq 110); do "
    "socat -u OPEN:/dev/null,ignoreeof UNIX-CONNECT:/run/haproxy-admin.sock & done; wait'"
)
HOLDS = f"ip -4 -oneline address show | grep -c ' {VIP}/' || true"
SPEAKS = "grep -c ':0070 ' /proc/net/raw || true"


def holders(lab: Lab) -> list[str]:
    return [host for host in HOSTS if lab.run(host, HOLDS).strip() != "0"]


def await_true(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.mark.field_report("E1")
@pytest.mark.field_report("E4")
def test_vip_stays_where_no_haproxy_can_be_asked(deployed: Lab) -> None:
    before = holders(deployed)
    on_all(deployed, FULL)
    try:
        on_all(deployed, "until [ $(pgrep -cx socat) -ge 100 ]; do sleep 0.1; done; mv /usr/bin/socat /root/")
        began = time.monotonic()
        red = deployed.runbook("verify", "--output", "json")
        while time.monotonic() < began + 4:  # three runs of keepalived's check: long enough for each node to fault
            assert holders(deployed) == before
    finally:
        on_all(deployed, "systemctl stop idlers; mv /root/socat /usr/bin/")
    seen = {
        check["seen"]
        for host in red.report["hosts"].values()
        for check in host["checks"]
        if check["id"] == "haproxy.apiservers_up"
    }
    assert seen == {"haproxy was not asked: socat is missing or does not run"}


@pytest.mark.field_report("D1")
def test_vrrp_sockets_that_went_with_the_interface_come_back(deployed: Lab) -> None:
    """A rename takes them away, as deleting the interface does."""
    gone = "ip link set eth0 down && ip link set eth0 name gone0 && sleep 1 && ip link set gone0 name eth0"
    deployed.run("lb-3", f"{gone} && ip link set eth0 up")
    assert deployed.run("lb-3", SPEAKS).strip() == "0"
    await_true(lambda: deployed.run("lb-3", SPEAKS).strip() != "0", 10, "no VRRP socket")


@pytest.mark.field_report(
    "D2",
    "keepalived#1847, keepalived#2514",
    "where its address comes after keepalived, a node stays in FAULT: after a power cut the VIP is gone for good",
    "keepalived's unit waits for the address, and the VIP comes up by itself",
)
def test_vip_comes_up_where_addresses_come_after_keepalived(deployed: Lab) -> None:
    own = {host: f"192.0.2.1{number}/24" for number, host in enumerate(HOSTS, 1)}
    for host, address in own.items():
        deployed.run(host, f"systemctl stop keepalived; ip address delete {address} dev eth0")
    on_all(deployed, "systemctl --no-block start keepalived; sleep 2")
    assert holders(deployed) == []
    for host, address in own.items():
        deployed.run(host, f"ip address add {address} dev eth0")
    await_true(lambda: len(holders(deployed)) == 1, 10, "the VIP did not come up")


@pytest.mark.field_report("D2")
def test_node_without_its_address_does_not_stay_beside_the_holder(deployed: Lab) -> None:
    [holder] = holders(deployed)
    backup = next(host for host in HOSTS if host != holder)
    address = f"192.0.2.1{HOSTS.index(backup) + 1}/24"
    deployed.run(backup, f"ip address delete {address} dev eth0")
    try:
        time.sleep(4)  # a time-out, and two runs of the script
        await_true(lambda: holders(deployed) == [holder], 4, "a node without its address holds the VIP")
    finally:
        deployed.run(backup, f"ip address add {address} dev eth0")


@pytest.mark.field_report(
    "C5",
    "keepalived#1048",
    "a user who takes the name /tmp/keepalived.json makes verify red, and each deploy end with an error",
    "keepalived writes its state to a folder of root's",
)
def test_state_of_keepalived_comes_from_where_only_root_writes(deployed: Lab) -> None:
    deployed.run("lb-2", "mkdir /tmp/keepalived.json && chown nobody /tmp/keepalived.json")
    try:
        deployed.await_healthy()
    finally:
        deployed.run("lb-2", "rmdir /tmp/keepalived.json")
