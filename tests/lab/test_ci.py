"""The jobs of examples/ci on real hosts: they pass where nothing differs, and find drift."""

import os
import subprocess
import sys
from pathlib import Path

from rig.lab import Lab
from tests.support.ci import commands, tree_of


def run(job: str, lab: Lab, folder: Path) -> int:
    """The exit code of a job of GitLab's file, without its preparations."""
    folder.mkdir()
    script = "\n".join(commands({"script": tree_of("gitlab-ci.yml")[job]["script"]}))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "KUBE_HA_INVENTORY": str(lab.inventory), "PATH": path}
    command = ["bash", "-e", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def test_jobs_pass_and_find_drift(deployed: Lab, tmp_path: Path) -> None:
    assert {job: run(job, deployed, tmp_path / job) for job in ("plan", "verify", "drift")} == {
        "plan": 0,
        "verify": 0,
        "drift": 0,
    }
    deployed.set("haproxy.balance", "source")
    assert run("plan", deployed, tmp_path / "proposed") == 0
    assert "write /etc/haproxy/haproxy.cfg" in (tmp_path / "proposed/report/plan/report.md").read_text()
    assert run("drift", deployed, tmp_path / "drifted") == 1
    assert run("verify", deployed, tmp_path / "differs") == 1
    assert (tmp_path / "differs/report/verify/report.xml").exists()
