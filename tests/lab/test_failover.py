"""What a failover test does when it is stopped, killed, or finds things amiss; and planned moves of the VIP."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from rig.breaking import await_fault, begin, failover_test, holder, holders, left, the_trial
from rig.lab import HOSTS, MASTER, Completed, Lab

from nornir_kube_ha.tasks.faults import FOLDER

# As a controller whose fault's injection silently does nothing.
NO_OP = """
import dataclasses, sys
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.runbooks import failover_test
FAULTS["haproxy-kill"] = dataclasses.replace(FAULTS["haproxy-kill"], inject='pid=$(main haproxy)', seconds=7)
sys.exit(failover_test.main(sys.argv[1:]))
"""


def test_an_injection_that_does_nothing_is_not_survived(lab: Lab) -> None:
    command = [sys.executable, "-c", NO_OP, "-i", str(lab.inventory), "--fault", "haproxy-kill", "--yes"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, check=False, timeout=120)
    completed = Completed(done.returncode, done.stdout, done.stderr)
    assert completed.status == 1, completed.stderr
    assert the_trial(completed)["outcome"] == "not injected"


@pytest.mark.parametrize("name", ["haproxy-hang", "link-down"])
def test_a_fault_heals_though_its_controller_is_killed(lab: Lab, name: str) -> None:
    process = begin(lab, "--fault", name, "--hold", "8s")
    try:
        await_fault(lab, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    lab.await_healthy()
    assert left(lab) == ""


def test_ctrl_c_heals_at_once_and_keeps_what_was_measured(lab: Lab) -> None:
    process = begin(lab, "--fault", "haproxy-stop", "--hold", "60s")
    host = await_fault(lab, process)
    os.kill(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert lab.run(host, "systemctl is-active haproxy").strip() == "active"
    assert lab.run(host, f"ls -d {FOLDER}; systemctl is-active 'kube-ha-fault-*'", check=False) == ""
    [fault] = json.loads(stdout)["faults"]
    assert [trial["outcome"] for trial in fault["trials"]] == ["interrupted"]
    lab.await_healthy()


def test_an_unhealthy_cluster_gets_no_fault(lab: Lab) -> None:
    spare = next(host for host in HOSTS if host != holder(lab))
    lab.run(spare, "systemctl stop haproxy")
    try:
        completed = failover_test(lab, "--fault", "haproxy-kill")
        assert completed.status == 1
        assert completed.report["faults"] == []
        assert "no fault was injected" in completed.stderr
        assert lab.run(holder(lab), "systemctl is-active haproxy").strip() == "active"
    finally:
        lab.run(spare, "systemctl start haproxy")
        lab.await_healthy()


def test_a_client_on_a_node_sees_the_same(lab: Lab) -> None:
    vantage = next(host for host in HOSTS if host != holder(lab))
    completed = failover_test(lab, "--fault", "apiserver-kill", "--vantage", vantage)
    trial = the_trial(completed)
    assert (completed.status, trial["outcome"]) == (0, "passed"), completed.stderr
    assert trial["new"]["total"] > 50
    assert lab.run(vantage, "pgrep -f '[l]eft, source' || true") == ""


def test_the_vip_goes_where_it_is_sent_and_stays_there(lab: Lab) -> None:
    for to in (*HOSTS[1:], MASTER):
        moved = lab.kube_ha("vip", "move", "-i", str(lab.inventory), "--to", to)
        assert (moved.status, holder(lab)) == (0, to), moved.stderr
    lab.await_healthy()


def test_the_vip_is_not_sent_to_a_node_that_is_not_fit(lab: Lab) -> None:
    before = holder(lab)
    unfit = next(host for host in HOSTS if host != before)
    lab.run(unfit, "systemctl stop haproxy")
    try:
        moved = lab.kube_ha("vip", "move", "-i", str(lab.inventory), "--to", unfit)
        assert moved.status == 1
        assert "haproxy.active" in moved.stderr
        assert holder(lab) == before
    finally:
        lab.run(unfit, "systemctl start haproxy")
        lab.await_healthy()


def test_a_node_that_sees_no_apiserver_lets_the_vip_go_to_one_that_does(lab: Lab) -> None:
    before = holder(lab)
    blind = "table inet blind { chain output { type filter hook output priority 0; tcp dport 6443 drop; }; }"
    lab.run(before, f"nft '{blind}'")
    try:
        deadline = time.monotonic() + 30
        while holders(lab) in ([before], []):
            assert time.monotonic() < deadline, "it keeps the VIP though it can serve nobody"
    finally:
        lab.run(before, "nft delete table inet blind")
    lab.await_healthy()
