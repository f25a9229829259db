"""Every fault once, on real hosts, within what it may cost."""

from typing import Any

import pytest
from rig.breaking import begin, failover_test, the_trial
from rig.lab import HOSTS, Completed, Lab

from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.lab.faults import ETCD

TRIES = 3  # a machine that runs all tests at once may keep a host from its processors for longer than a limit


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
@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.verb not in ETCD])
def test_a_client_loses_no_more_than_the_fault_may_cost(lab: Lab, every_fault: dict[str, Any], name: str) -> None:
    trials = [every_fault[name]]
    while trials[-1]["outcome"] == "missed" and len(trials) < TRIES:
        trials.append(the_trial(failover_test(lab, "--fault", name)))
    assert trials[-1]["outcome"] == "passed", [(each["outcome"], each["words"], each["exceeded"]) for each in trials]
    for trial in trials:
        assert trial["before"] in HOSTS
        assert trial["holder"] in HOSTS, "not one holder in the end"
