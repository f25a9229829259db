"""Hosts that a guide set up by hand: adopted, taken over under load, and put back byte for byte."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.breaking import holders_of
from rig.lab import VIP, Lab, copy_inventory, on_all
from rig.load import load_on
from tests.support.adoption import hosts_of
from tests.support.labs import PROCESS

FILES = "sha256sum /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf"
RESTART = "systemctl enable --quiet haproxy keepalived && systemctl restart haproxy keepalived"
PLANNED_MOVE = 0.15  # seconds that a planned move of the VIP may cost
OPTION = "--replace-foreign-files"


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[Lab]:
    """Three hosts as a guide sets them up, with an inventory that says no more than how they are reached."""
    lab = copy_inventory(f"ado{PROCESS}", tmp_path / "inventory")
    lab.up("--installed")
    try:
        on_all(lab, "apt-get --quiet --yes install psmisc 2>&1")  # the guide's `killall`
        for host in hosts_of("guide"):
            for file in (*host.haproxy, *host.keepalived):
                content = file.content.replace(b"    nbproc 1\n", b"")  # which haproxy 2.5 and later refuse
                subprocess.run(lab.inside(host.name, "sh", "-c", f"cat >{file.path}"), input=content, check=True)
        on_all(lab, RESTART)
        lab.run("lb-1", f"timeout 30 sh -c 'until ip -4 -o address show to {VIP} | grep -q .; do sleep 0.2; done'")
        yield lab
    finally:
        lab.down()


def test_set_up_by_hand_is_adopted_taken_over_under_load_and_put_back(by_hand: Lab, tmp_path: Path) -> None:
    theirs = on_all(by_hand, FILES)
    folder = tmp_path / "adopted"
    made = by_hand.kube_ha("adopt", "-i", str(by_hand.inventory), "-o", str(folder))
    assert made.status == 0, made.stdout + made.stderr
    assert "to do: the stats password is a well-known default" in made.stdout
    assert "123456" not in made.stdout
    assert on_all(by_hand, FILES) == theirs

    lab = Lab(by_hand.name, folder)
    seen = tmp_path / "seen.json"
    assert lab.kube_ha("snapshot", "-i", str(folder), "-o", str(seen)).status == 0
    assert "123456" not in seen.read_text()
    rehearsal = ("rehearse", "-i", str(folder), "--from-snapshot", str(seen), "--output", "json")
    rehearsed = lab.kube_ha(*rehearsal, "--lab", f"adr{PROCESS}", OPTION)
    assert rehearsed.status == 0, rehearsed.stdout + rehearsed.stderr
    assert [step["status"] for step in rehearsed.report["steps"]] == ["passed"] * 5
    assert on_all(by_hand, FILES) == theirs

    refused = lab.deploy("--output", "json")
    assert "kube-ha adopt" in refused.report["hosts"]["lb-1"]["error"]["message"]
    dry = lab.deploy("--dry-run", "--diff", OPTION)
    assert (dry.status, "-listen kube-master" in dry.stdout) == (0, True), dry.stdout + dry.stderr
    with holders_of(lab) as holders, load_on(lab) as load:
        load.begin()
        taken = lab.deploy("--output", "json", OPTION)
        lost = load.outage()
    assert taken.status == 0, taken.stdout + taken.stderr
    assert len([each for each in holders if each]) <= 2  # the VIP moved once at most
    assert all(len(each) <= 1 for each in holders)
    assert lost.seconds <= PLANNED_MOVE

    run_id = re.escape(taken.report["run_id"])
    with holders_of(lab) as holders, load_on(lab) as load:
        load.begin()
        back = lab.runbook("rollback", "--to-before", run_id)
        lost = load.outage()
    assert back.status == 0, back.stdout + back.stderr
    assert len([each for each in holders if each]) <= 2
    assert lost.seconds <= PLANNED_MOVE
    assert on_all(lab, FILES) == theirs
