"""A host whose connection is lost in the middle of a step: the truth is read back, and nothing is done twice."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest
from rig.killing import CHANGES
from rig.lab import HOSTS, ROOT, Lab, on_all

Cut = Callable[[Lab], None]
CUT = "lb-2"
DROP = "table inet cut { chain input { type filter hook input priority 0; tcp dport 22 drop; }; }"
DROPPED = 6.0  # seconds for which no packet arrives: TCP asks again meanwhile
NEWEST = "ls /var/lib/kube-ha/generations | tail -n 1"  # number of what was kept last: each commit keeps one
PENDING = "ls -A /run/kube-ha-pending 2>/dev/null; awk '$2 > 0' /run/kube-ha-lease; dpkg --audit"


def end_logins(lab: Lab) -> None:
    lab.run(CUT, "pkill -f '^sshd: root' || true")


def drop_packets(lab: Lab) -> None:
    lab.run(CUT, f"nft '{DROP}'")
    threading.Timer(DROPPED, lab.run, [CUT, "nft delete table inet cut"]).start()


def deploy_cut_at(lab: Lab, step: str, cut: Cut, statuses: Collection[int] = (0,)) -> dict[str, Any]:
    """A deploy's report; the connection to a host is lost when the deploy tells of that step."""
    command = [sys.executable, str(ROOT / "runbooks/deploy.py"), "-i", str(lab.inventory), "--output", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        told = iter(process.stderr.readline, "")
        assert any(line.startswith(step) for line in told)
        cut(lab)
        stdout, stderr = process.communicate()
    assert process.returncode in statuses, stdout + stderr
    report: dict[str, Any] = json.loads(stdout)
    return report


def test_packages_are_installed_once_though_the_connection_is_lost_meanwhile(fresh: Lab) -> None:
    report = deploy_cut_at(fresh, "installing packages", end_logins)
    assert {name: host["status"] for name, host in report["hosts"].items()} == dict.fromkeys(HOSTS, "passed")
    assert not any(on_all(fresh, PENDING).values())
    assert not fresh.deploy("--output", "json").report["changed"]


def test_host_that_loses_its_power_meanwhile_is_completed_once_it_is_back(deployed: Lab) -> None:
    for key, (_, value) in CHANGES.items():
        deployed.set(key, value)

    def power_cycle(lab: Lab) -> None:
        for verb in ("off", "on"):
            done = lab.kube_ha("lab", verb, "--lab", lab.name, CUT)
            assert done.status == 0, done.stderr

    deploy_cut_at(deployed, f"changing {CUT}", power_cycle, statuses={0, 1, 4})  # it may be back in time, or too late
    again = deployed.deploy("--output", "json")
    assert (again.status, again.failed_checks()) == (0, {}), again.stdout + again.stderr
    assert not any(on_all(deployed, PENDING).values())
    assert not deployed.deploy("--output", "json").report["changed"]


@pytest.mark.parametrize("cut", [end_logins, drop_packets])
def test_change_is_made_once_though_the_connection_is_lost_meanwhile(deployed: Lab, cut: Cut) -> None:
    for key, (_, value) in CHANGES.items():
        deployed.set(key, value)
    newest = on_all(deployed, NEWEST)
    report = deploy_cut_at(deployed, f"changing {CUT}", cut)
    assert {name: host["status"] for name, host in report["hosts"].items()} == dict.fromkeys(HOSTS, "passed")
    commits = {name: int(number) - int(newest[name]) for name, number in on_all(deployed, NEWEST).items()}
    assert commits == dict.fromkeys(HOSTS, 1)
    assert not any(on_all(deployed, PENDING).values())
