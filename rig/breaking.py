"""Failover tests of a lab, as a user makes them: whole, or to be stopped while they are at it."""

import subprocess
import sys
import time
from typing import Any

from nornir_kube_ha.tasks.faults import FOLDER
from rig.lab import HOSTS, ROOT, VIP, Completed, Lab, on_all

HOLDER = f'ip -4 -oneline address show to "{VIP}/32"'
PATIENCE = 30  # seconds: a link that was down hears late that the controller is gone, as TCP asks less and less often
LEFT = "systemctl list-units --plain --no-legend 'kube-ha-fault-*'; pgrep -f '[o]neline monitor' || true"


def failover_test(lab: Lab, *options: str) -> Completed:
    return lab.runbook("failover_test", "--yes", "--output", "json", *options)


def the_trial(completed: Completed) -> dict[str, Any]:
    [fault] = completed.report["faults"]
    [trial] = fault["trials"]
    found: dict[str, Any] = trial
    return found


def holders(lab: Lab) -> list[str]:
    return [host for host in HOSTS if lab.run(host, HOLDER)]


def holder(lab: Lab) -> str:
    [name] = holders(lab)
    return name


def left(lab: Lab) -> str:
    """What a failover test has left on hosts, once they have had the time to notice that it is gone."""
    deadline = time.monotonic() + PATIENCE
    while (words := "".join(on_all(lab, LEFT).values())) and time.monotonic() < deadline:
        time.sleep(0.5)
    return words


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
    deadline = time.monotonic() + PATIENCE
    while True:
        for host in HOSTS:
            if "\nmade " in lab.run(host, f"cat {FOLDER}/story 2>/dev/null", check=False):
                return host
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no host tells of the fault"
