"""A look at real hosts as a file, and a rehearsal that begins with it: what was changed by hand is seen there."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.lab import ROOT, Completed, Lab, copy_inventory, on_all
from tests.support.labs import PROCESS

from nornir_kube_ha.lab import lifecycle

NAME = f"hsr{PROCESS}"
HAPROXY = "/etc/haproxy/haproxy.cfg"
EDIT = f"""
sed -i 's/^global$/&\\n    # raised by hand/; s/^    timeout client 10m$/    timeout client 7m/' {HAPROXY}
systemctl reload haproxy
"""
PASSWORDS = r"(?m)^ *(?:stats auth|user \S+ insecure-password) '?(?:\w+:)?([^'\n]+)"
OTHERS = "systemd-run --quiet --unit kube-ha-test-port python3 -m http.server --bind 0.0.0.0 9443"


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Path]:
    """A snapshot's place. No rehearsal leaves a lab behind."""
    yield tmp_path / "seen.json"
    assert NAME not in lifecycle.labs()


def snapshot(lab: Lab, path: Path) -> tuple[Completed, dict[str, Any]]:
    done = lab.kube_ha("snapshot", "-i", str(lab.inventory), "-o", str(path), "--output", "json")
    return done, json.loads(path.read_text())


def rehearse(lab: Lab, path: Path, *options: str) -> Completed:
    command = [sys.executable, "-m", "nornir_kube_ha.cli.main", "rehearse", "--lab", NAME, "--output", "json"]
    command += ["-i", str(lab.inventory), "--from-snapshot", str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    return Completed(done.returncode, done.stdout, done.stderr)


def secrets_of(lab: Lab) -> set[str]:
    """Every secret of the hosts and of the inventory: passwords of both daemons, and private keys, line by line."""
    found = set()
    for text in on_all(lab, f"cat {HAPROXY} /etc/ssh/ssh_host_*_key").values():
        found |= set(re.findall(PASSWORDS, text))
        found |= {line for line in text.splitlines() if len(line) > 60 and " " not in line}
    return found


def test_edit_by_hand_is_seen_in_the_rehearsal(deployed: Lab, seen: Path) -> None:
    deployed.run("lb-2", EDIT)
    done, tree = snapshot(deployed, seen)
    assert done.status == 0, done.stderr
    assert {name: host["differs"] for name, host in tree["hosts"].items()} == {
        "lb-1": [],
        "lb-2": [HAPROXY],
        "lb-3": [],
    }
    secrets = secrets_of(deployed)
    assert len(secrets) > 3
    assert [secret for secret in secrets if secret in seen.read_text() + done.stdout + done.stderr] == []

    rehearsed = rehearse(deployed, seen)
    assert rehearsed.status == 0, rehearsed.stdout + rehearsed.stderr
    steps = {step["name"]: step for step in rehearsed.report["steps"]}
    assert f"lb-2 {HAPROXY}" in steps["put production's files on the hosts"]["words"]
    changes = steps["deploy the new state under load"]["changes"]
    assert [*changes] == ["lb-2"]
    assert "-    # raised by hand" in changes["lb-2"]
    assert "-    timeout client 7m" in changes["lb-2"]
    assert [fault["name"] for fault in rehearsed.report["faults"]] == ["deploy", "rollback"]


def test_rehearsal_without_drift_changes_nothing(deployed: Lab, seen: Path) -> None:
    _, tree = snapshot(deployed, seen)
    versions = tree["hosts"]["lb-1"]["packages"]
    tree["hosts"]["lb-1"]["packages"] = {**versions, "haproxy": "2.6.0-1"}
    seen.write_text(json.dumps(tree))
    rehearsed = rehearse(deployed, seen)
    assert rehearsed.status == 0, rehearsed.stdout + rehearsed.stderr
    steps = {step["name"]: step for step in rehearsed.report["steps"]}
    assert steps["deploy the new state under load"]["changes"] == {}
    words = f"haproxy 2.6.0-1 in production, {versions['haproxy']} in the lab (lb-1)"
    assert words in steps["put production's files on the hosts"]["words"]


def test_files_of_a_template_without_our_header_are_taken_for_ours(deployed: Lab, seen: Path) -> None:
    folder, template = deployed.inventory / "templates", ROOT / "templates/haproxy.cfg.j2"
    folder.mkdir(exist_ok=True)
    own = re.sub(r"(?m)^.*Written by nornir-kube-ha.*$", "# Ours.", template.read_text(), count=1)
    (folder / template.name).write_text(own)
    deployed.set("templates", "templates")
    assert deployed.deploy().status == 0
    _, tree = snapshot(deployed, seen)
    assert {file["written_for"] for host in tree["hosts"].values() for file in host["files"]} == {"", "demo"}
    deployed.set("haproxy.balance", "source")
    rehearsed = rehearse(deployed, seen)
    assert rehearsed.status == 0, rehearsed.stdout + rehearsed.stderr


def test_port_of_other_software_is_refused_as_in_production(deployed: Lab, seen: Path) -> None:
    deployed.run("lb-3", f"{OTHERS}; until ss -Hltn sport = :9443 | grep -q .; do sleep 0.1; done")
    try:
        snapshot(deployed, seen)
        deployed.set("haproxy.stats.port", 9443)
        rehearsed = rehearse(deployed, seen)
    finally:
        deployed.run("lb-3", "systemctl stop kube-ha-test-port")
    assert rehearsed.status == 1, rehearsed.stdout + rehearsed.stderr
    [failed] = [step for step in rehearsed.report["steps"] if step["status"] == "failed"]
    assert failed["name"] == "deploy the new state under load"
    assert "port 9443 is used by python3" in rehearsed.stdout


def test_file_that_only_production_has_is_named(deployed: Lab, seen: Path) -> None:
    _, tree = snapshot(deployed, seen)
    [file] = [each for each in tree["hosts"]["lb-2"]["files"] if each["path"] == HAPROXY]
    file["text"] += "\nlisten other\n    bind 127.0.0.1:9000 ssl crt /etc/ssl/only-there.pem\n"
    seen.write_text(json.dumps(tree))
    rehearsed = rehearse(deployed, seen)
    assert rehearsed.status == 1, rehearsed.stdout + rehearsed.stderr
    error = rehearsed.report["error"]["message"]
    assert "lb-2 cannot be made as the snapshot saw it" in error
    assert "/etc/ssl/only-there.pem" in error
    assert [step["status"] for step in rehearsed.report["steps"][:3]] == ["passed", "failed", "unknown"]


def test_host_that_is_off_is_named_and_its_snapshot_refused(tmp_path: Path) -> None:
    lab = copy_inventory(f"hso{PROCESS}", tmp_path / "inventory")
    lab.up("--installed")
    try:
        lifecycle.power_off(lab.name, "lb-3")
        path = tmp_path / "seen.json"
        done, tree = snapshot(lab, path)
        assert done.status == 4, done.stderr
        assert "lb-3: not seen: " in done.stderr
        assert ([*tree["hosts"]], [*tree["not_seen"]]) == (["lb-1", "lb-2"], ["lb-3"])
        refused = rehearse(lab, path)
        assert (refused.status, refused.stdout) == (2, "")
        assert "lacks hosts of its inventory: lb-3" in refused.stderr
    finally:
        lab.down()
