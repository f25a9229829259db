"""Every fault once, on real hosts; and what a failover test does when it is stopped, killed, or finds things amiss."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.lab.rig import HOSTS, MASTER, ROOT, Completed, Lab, copy_inventory

from nornir_kube_ha.faults import FAULTS, Way
from nornir_kube_ha.tasks.faults import FOLDER

TRIES = 3  # a machine that runs all tests at once may keep a host from its processors for longer than a limit
ON_HOSTS = tuple(fault.name for fault in FAULTS.values() if fault.way is Way.HOST)
HOLDER = 'ip -4 -oneline address show to "192.0.2.10/32"'
LEFT = "systemctl list-units --plain --no-legend 'kube-ha-fault-*'; pgrep -f '[o]neline monitor' || true"
# As a controller whose fault's injection silently does nothing.
NO_OP = """
import dataclasses, sys
from nornir_kube_ha.faults import FAULTS
from nornir_kube_ha.runbooks import failover_test
FAULTS["haproxy-kill"] = dataclasses.replace(FAULTS["haproxy-kill"], inject='pid=$(main haproxy)', seconds=7)
sys.exit(failover_test.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = copy_inventory("failover", tmp_path_factory.mktemp("failover") / "inventory")
    lab.up()
    completed = lab.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    yield lab
    lab.down()


def failover_test(lab: Lab, *options: str) -> Completed:
    return lab.runbook("failover_test", "--yes", "--output", "json", *options)


def the_trial(completed: Completed) -> dict[str, Any]:
    [fault] = completed.report["faults"]
    [trial] = fault["trials"]
    found: dict[str, Any] = trial
    return found


def holder(lab: Lab) -> str:
    [name] = [host for host in HOSTS if lab.run(host, HOLDER)]
    return name


def begin(lab: Lab, *options: str) -> "subprocess.Popen[str]":
    """A failover test that goes on while the test does something else."""
    for host in HOSTS:
        lab.run(host, f"rm -rf {FOLDER}")  # of a controller that was killed: the next fault would sweep it
    command = [sys.executable, str(ROOT / "runbooks/failover_test.py"), "-i", str(lab.inventory), "--yes"]
    return subprocess.Popen(
        [*command, "--output", "json", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_fault(lab: Lab, process: "subprocess.Popen[str]") -> str:
    """The host on which the fault has been made."""
    deadline = time.monotonic() + 30
    while True:
        for host in HOSTS:
            if "\nmade " in lab.run(host, f"cat {FOLDER}/story 2>/dev/null", check=False):
                return host
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no host tells of the fault"


@pytest.fixture(scope="module")
def every_fault(lab: Lab) -> dict[str, Any]:
    """The trial of each fault, all made in one run, by name."""
    process = begin(lab, "--all")
    stdout, stderr = process.communicate(timeout=850)
    completed = Completed(process.returncode, stdout, stderr)
    assert completed.stdout, completed.stderr
    assert {host["status"] for host in completed.report["hosts"].values()} == {"passed"}
    assert completed.status == (0 if completed.report["passed"] else 1)
    return {fault["name"]: fault["trials"][0] for fault in completed.report["faults"]}


@pytest.mark.timeout(900)  # the first one makes all faults
@pytest.mark.parametrize("name", FAULTS)
def test_a_client_loses_no_more_than_the_fault_may_cost(lab: Lab, every_fault: dict[str, Any], name: str) -> None:
    trials = [every_fault[name]]
    while trials[-1]["outcome"] == "missed" and len(trials) < TRIES:
        trials.append(the_trial(failover_test(lab, "--fault", name)))
    assert trials[-1]["outcome"] == "passed", [(each["outcome"], each["words"], each["exceeded"]) for each in trials]
    for trial in trials:
        assert trial["before"] in HOSTS
        assert trial["holder"] in HOSTS, "not one holder in the end"


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
        if name == "link-down":  # nobody can ask a host without a link: the others tell that it is gone
            before = holder(lab)
            deadline = time.monotonic() + 30
            others = [host for host in HOSTS if host != before]
            while not any(lab.run(host, HOLDER) for host in others):
                assert time.monotonic() < deadline, "the link does not go down"
        else:
            await_fault(lab, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    lab.await_healthy()
    for host in HOSTS:
        timers = lab.run(
            host, "systemctl list-units --plain --no-legend 'kube-ha-fault-*'; pgrep -f '[o]neline monitor' || true"
        )
        assert timers == ""


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


def test_a_cluster_that_is_not_well_is_left_alone(lab: Lab) -> None:
    spare = next(host for host in HOSTS if host != holder(lab))
    lab.run(spare, "systemctl stop haproxy")
    try:
        completed = failover_test(lab, "--fault", "haproxy-kill")
        assert completed.status == 1
        assert completed.report["faults"] == []
        assert "nothing is broken on purpose" in completed.stderr
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
        while holder_or_none(lab) in {before, ""}:
            assert time.monotonic() < deadline, "it keeps the VIP though it can serve nobody"
    finally:
        lab.run(before, "nft delete table inet blind")
    lab.await_healthy()


def holder_or_none(lab: Lab) -> str:
    return " ".join(host for host in HOSTS if lab.run(host, HOLDER))
