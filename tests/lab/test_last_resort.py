"""While no apiserver is ready, those that are alive keep their clients and get new ones."""

import subprocess
import time
from collections.abc import Iterator

import pytest
from rig.lab import BACKUPS, HOSTS, VIP, Lab, on_all

READY = (
    "echo 'show stat kube-apiserver 4 -1' | socat -t 2 - UNIX-CONNECT:/run/haproxy-admin.sock | grep -c ',UP,'; true"
)
WATCH = (
    "curl",
    "-sk",
    "--no-buffer",
    "--max-time",
    "60",
    f"https://{VIP}:8443/api/v1/namespaces/default/events?watch=1",
)
READYZ = f"curl -sk -o /dev/null -w '%{{http_code}}' https://{VIP}:8443/readyz"
PATIENCE = 20  # seconds


def await_ready(lab: Lab, number: int) -> None:
    """Until each haproxy sees so many apiservers ready."""
    deadline = time.monotonic() + PATIENCE
    while (seen := {each.strip() for each in on_all(lab, READY).values()}) != {str(number)}:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)


def set_modes(lab: Lab, mode: str, *hosts: str) -> None:
    for host in hosts:
        assert lab.kube_ha("lab", "apiserver", "--lab", lab.name, host, mode).status == 0


@pytest.fixture
def no_etcd(deployed: Lab) -> Iterator[Lab]:
    """All apiservers live, and none is ready."""
    try:
        yield deployed
    finally:
        set_modes(deployed, "ok", *HOSTS)
        await_ready(deployed, len(HOSTS))


def test_apiservers_that_live_keep_their_clients_and_get_new_ones_while_none_is_ready(no_etcd: Lab) -> None:
    watch = subprocess.Popen(no_etcd.inside(BACKUPS[0], *WATCH), stdout=subprocess.DEVNULL)
    try:
        set_modes(no_etcd, "error", *HOSTS)
        await_ready(no_etcd, 0)
        time.sleep(3)  # as long as connections of one that hangs would have
        assert no_etcd.run(BACKUPS[0], READYZ) == "500"
        assert watch.poll() is None
        verified = no_etcd.runbook("verify", "--output", "json")
        assert "lb-2 DOWN, alive but not ready (L7STS 500" in verified.stdout
    finally:
        watch.terminate()
        watch.wait()
