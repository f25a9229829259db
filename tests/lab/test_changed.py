"""Each task runs twice on a real host: the second time, it has changed nothing, and it says so."""

import json
import subprocess
import sys

import pytest
from rig.lab import ROOT, Lab

from nornir_kube_ha import tasks

NEVER = [False] * 4
ONCE = [True, True, False, False]
EXPECTED = {
    **dict.fromkeys(
        ("install_packages", "upgrade_packages", "await_first_apiserver", "take_lease", "release_lease"), NEVER
    ),
    **dict.fromkeys(("stage_config", "unstage_config", "change_firewall"), NEVER),  # drafts are no change
    **dict.fromkeys(("drain_apiserver", "ready_apiserver", "prefer_for_vip", "prefer_for_vip back"), ONCE),
    **dict.fromkeys(("forward_connections", "forward_connections back", "release_vip"), ONCE),
    **dict.fromkeys(("stop_keepalived", "start_keepalived", "heal_fault", "upload_config"), ONCE),
    **dict.fromkeys(("change_services", "apply_config", "commit_config", "remove_config"), ONCE),
    "restart_services": [True] * 4,  # a restart is a change each time
}
"""What a dry run says, the first run, the second, and a dry run after it."""
OTHERS = {"inject_fault", "start_command"}  # a second fault is refused; a command is its caller's


@pytest.fixture(scope="module")
def said(lab: Lab) -> dict[str, list[bool]]:
    command = [sys.executable, "-m", "tests.support.twice", str(lab.inventory), lab.name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[bool]] = json.loads(done.stdout)
    return found


def test_second_run_has_changed_nothing(said: dict[str, list[bool]]) -> None:
    assert said == EXPECTED


def test_every_task_that_changes_a_host_is_among_them(said: dict[str, list[bool]]) -> None:
    changing = {name for name in tasks.__all__ if not name.startswith(("get_", "render_", "watch_", "wait_for_"))}
    assert changing - OTHERS == {name.partition(" ")[0] for name in said}
