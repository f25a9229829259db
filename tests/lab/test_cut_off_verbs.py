"""Verbs beside deploy: who holds the lease stops them, and what a killed one leaves ends by itself."""

import re
import signal
import subprocess
import sys
import time

import pytest
from rig.breaking import holder
from rig.lab import ROOT, Lab, on_all

from nornir_kube_ha.lab.machine import cgroup

FOREIGN = "bbbbbbbbbbbb 99999999999 ops@noc-2 0123456789abcdef 4711 12345 0000000-7"
TOLD = "tail -n +1 /run/kube-ha/vip-*; ls /run/kube-ha-drained; ls /var/lib/kube-ha-fault || true"
TIMERS = "systemctl list-units --plain --no-legend 'kube-ha-move*.timer'"
# Ends as SIGKILL does, before its fourth script: two nodes have another priority by then, and the VIP has been let go.
KILLED = """
import os, signal, sys
from nornir_kube_ha.cli import main
from nornir_kube_ha.engine import run
one, left = run.Run.one, [3]
def dying(self, *arguments, **named):
    left[0] -= 1
    return one(self, *arguments, **named) if left[0] >= 0 else os.kill(os.getpid(), signal.SIGKILL)
run.Run.one = dying
main.main(sys.argv[1:])
"""
# The controller of a failover test that dies in its fault.
BREAKING = """
import os, signal, sys
from nornir_kube_ha.lab import faults, healing, network
lab, verb, host = sys.argv[1:]
healing.GRACE = 0
network.enter(lab)
faults.LabFault(lab, verb, [host], 1.0).make()
os.kill(os.getpid(), signal.SIGKILL)
"""


def died(program: str, *arguments: str) -> int:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode


@pytest.mark.field_report(
    "I1",
    "found by trial",
    "whoever comes second goes on, and both write",
    "each verb that changes or breaks something ends with exit code 5, and names the run that has the host",
)
def test_verb_leaves_hosts_to_the_run_that_has_them(deployed: Lab) -> None:
    before = on_all(deployed, TOLD)
    deployed.run("lb-3", f"echo '{FOREIGN}' >/run/kube-ha-lease")
    try:
        for verb in (("vip", "move", "--to", "lb-2"), ("drain", "lb-2"), ("ready", "lb-2")):
            completed = deployed.kube_ha(*verb, "-i", str(deployed.inventory))
            assert completed.status == 5, completed.stderr
            assert re.search("lb-3: run bbbbbbbbbbbb of ops@noc-2.* holds the lease", completed.stderr)
        tested = deployed.runbook("failover_test", "--yes", "--fault", "haproxy-stop", "--output", "json")
        assert (tested.status, tested.report["faults"]) == (5, [])
        assert on_all(deployed, TOLD) == before
    finally:
        deployed.run("lb-3", "rm -f /run/kube-ha-lease")


@pytest.mark.field_report(
    "I2",
    "found by trial",
    "there is no planned move",
    "a move that is killed half-way is put back by each host itself, and verify warns until then",
)
def test_killed_move_is_seen_and_ends_by_itself(deployed: Lab) -> None:
    assert died(KILLED, "vip", "move", "-i", str(deployed.inventory), "--to", "lb-2") == -signal.SIGKILL
    assert all(on_all(deployed, TIMERS)[host] for host in ("lb-2", "lb-3"))
    seen = deployed.runbook("verify", "--output", "json").red_checks()
    assert seen == {"lb-2": ["keepalived.moved"], "lb-3": ["keepalived.moved"]}
    # What the timer does, without its minute.
    deployed.run("lb-3", "systemctl start kube-ha-move.service")
    assert deployed.runbook("verify", "--output", "json").red_checks() == {"lb-2": ["keepalived.moved"]}
    moved = deployed.kube_ha("vip", "move", "-i", str(deployed.inventory), "--to", holder(deployed))
    assert moved.status == 0, moved.stderr
    assert deployed.runbook("verify", "--output", "json").red_checks() == {}
    assert not on_all(deployed, TIMERS)["lb-2"]


@pytest.mark.field_report(
    "I4",
    "found by trial",
    "there is no failover test",
    "a fault that the lab makes ends in time, though the failover test that made it was killed",
)
def test_lab_ends_the_fault_of_a_dead_controller(deployed: Lab) -> None:
    mode = "systemctl is-active kube-apiserver; cat /srv/kube-apiserver/mode"
    assert died(BREAKING, deployed.name, "gone", "lb-3") == -signal.SIGKILL
    assert deployed.run("lb-3", mode, check=False).split()[0] == "inactive"
    deadline = time.monotonic() + 15
    while deployed.run("lb-3", mode, check=False).split() != ["active", "ok"]:
        assert time.monotonic() < deadline, "the fault is still there"
        time.sleep(0.1)
    while cgroup.processes(cgroup.healers_of(deployed.name)):
        assert time.monotonic() < deadline, "who ended the fault has not ended"
        time.sleep(0.1)
