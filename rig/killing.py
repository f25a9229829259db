"""Kill a deploy at a given point, or interrupt it, and check what must hold afterwards."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.lab.state import LabFiles
from rig.lab import HOSTS, ROOT, VIP, Lab, on_all

SUMS = f"sha256sum {' '.join(MANAGED_PATHS)} 2>/dev/null || true"
LEFTOVERS = "find /etc /run /var/lib/kube-ha -name '*kube-ha-new*' -o -name '.new' -o -name '*.new'"
CHANGES: Mapping[str, tuple[object, object]] = {
    "haproxy.balance": ("leastconn", "roundrobin"),
    "keepalived.garp_master_refresh": (60, 61),
}
"""The settings in which the two states differ: one file of each daemon changes."""


@dataclass(frozen=True, slots=True)
class States:
    """The files of each host in either state, as `sha256sum` prints them."""

    first: Mapping[str, str]
    second: Mapping[str, str]

    def foreign(self, lab: Lab) -> list[str]:
        """Return the lines about live files that belong to neither state: mixed, truncated, or gone."""
        found = []
        for host, shown in on_all(lab, SUMS).items():
            known = {*self.first[host].splitlines(), *self.second[host].splitlines()}
            lines = shown.splitlines()
            found += [f"{host}: {line}" for line in lines if line not in known]
            if len(lines) != len(self.first[host].splitlines()):
                found.append(f"{host}: {len(lines)} files")
        return found


def go_to(lab: Lab, number: int) -> None:
    """Set the inventory to one state or the other."""
    for key, values in CHANGES.items():
        lab.set(key, values[number])


def states_of(lab: Lab) -> States:
    """Deploy both states, and return the resulting files; the first state is live afterwards."""
    seen = []
    for number in (0, 1, 0):
        go_to(lab, number)
        completed = lab.deploy()
        assert completed.status == 0, completed.stdout + completed.stderr
        seen.append(on_all(lab, SUMS))
    assert seen[0] == seen[2]
    return States(seen[0], seen[1])


def killed_at(lab: Lab, point: int) -> bool:
    """Deploy, with a kill at that point. Return False if the deploy ended before."""
    command = [sys.executable, "-m", "rig.dying", str(point), "-i", str(lab.inventory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, -signal.SIGKILL}, done.stdout + done.stderr
    return done.returncode != 0


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A deploy that was ended by a signal."""

    status: int
    seconds: float
    """From the signal to the end of the process."""
    report: dict[str, Any]


def interrupted_at(lab: Lab, host: str, sent: signal.Signals, *options: str) -> Interrupted:
    """Deploy, and send a signal as soon as a host's turn has come."""
    command = [
        sys.executable,
        "-m",
        "nornir_kube_ha.runbooks.deploy",
        "-i",
        str(lab.inventory),
        "--output",
        "json",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr
        assert any(line.split() == ["changing", host] for line in iter(process.stderr.readline, ""))
        process.send_signal(sent)
        began = time.monotonic()
        stdout, _ = process.communicate()
        return Interrupted(process.returncode, time.monotonic() - began, json.loads(stdout))


def wrong_after(lab: Lab, states: States) -> list[str]:
    """Return what is wrong after a kill. Runs the next deploy, and the one after it."""
    wrong = states.foreign(lab)
    ca = LabFiles(lab.name).pki / "ca.crt"
    probe = lab.kube_ha(
        "lab",
        "exec",
        "--lab",
        lab.name,
        "--",
        "curl",
        "-sS",
        "-m",
        "3",
        "--cacert",
        str(ca),
        f"https://{VIP}:8443/readyz",
    )
    if probe.stdout != "ok":
        wrong.append(f"does not serve: {probe.stdout}{probe.stderr}")
    converged = lab.deploy("--output", "json")
    if converged.status:
        wrong.append(f"does not converge: {converged.stdout}{converged.stderr}")
    wrong += states.foreign(lab)
    again = lab.deploy("--output", "json")
    if again.status or again.report["changed"]:
        wrong.append(f"changes something again: {again.stdout}{again.stderr}")
    wrong += [f"{host}: {words}" for host in HOSTS if (words := lab.run(host, LEFTOVERS))]
    return wrong
