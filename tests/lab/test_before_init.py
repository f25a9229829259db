"""A deploy before `kubeadm init`, and what is said once an apiserver has answered."""

import time

import pytest
from rig.lab import HOSTS, Lab, on_all

from nornir_kube_ha.lab.hosts import Host

WAITS = "/run/kube-ha-first-apiserver"
JSON = ("--output", "json")


def set_all(lab: Lab, mode: str) -> None:
    for host in HOSTS:
        Host(lab.name, host).set_apiserver(mode)


@pytest.mark.field_report("J3")
def test_no_apiserver_yet_is_no_outage_and_an_outage_is_not_that(deployed: Lab) -> None:
    on_all(deployed, "cp /var/lib/kube-ha/good /root/good; rm /var/lib/kube-ha/good")
    set_all(deployed, "gone")
    try:
        refused = deployed.runbook("verify", *JSON)
        assert refused.status == 1  # nobody has said that none was ever up
        first = deployed.deploy("--bootstrap", *JSON)
        assert (first.status, first.report["passed"]) == (0, True), first.stdout + first.stderr
        seen = deployed.runbook("verify", *JSON)
        assert seen.status == 0
        assert all(seen.red_checks().values())
        assert seen.stdout.count("no apiserver answers yet") == 12
        Host(deployed.name, "lb-2").set_apiserver("ok")
        deadline = time.monotonic() + 15
        while any(on_all(deployed, f"ls {WAITS} 2>/dev/null || true").values()):
            assert time.monotonic() < deadline, "hosts still wait for the first one"
            time.sleep(0.2)
        Host(deployed.name, "lb-2").set_apiserver("gone")
        again = deployed.deploy("--bootstrap", *JSON)
        assert again.status == 1
        assert "this one has: /var/lib/kube-ha/served" in again.report["hosts"]["lb-1"]["error"]["message"]
    finally:
        set_all(deployed, "ok")
        on_all(deployed, "mv /root/good /var/lib/kube-ha/good; rm -f /var/lib/kube-ha/served")
        deployed.await_healthy()
