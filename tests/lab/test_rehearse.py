"""Rehearsals of inventory/example under its own addresses: what is good passes, what is bad fails, nothing gets out."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig.lab import ROOT, Lab
from tests.support.labs import PROCESS

from nornir_kube_ha.lab import lifecycle
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.images.image import ensure_image

NAME = f"re{PROCESS}"
PRODUCTION = "172.27.129.105"
# A network namespace whose only way out leads to a device that counts packets, and on to nobody.
CLOSED = """
set -e
ip link set lo up
ip link add out type veth peer name nobody
for each in out nobody; do
    echo 1 >/proc/sys/net/ipv6/conf/$each/disable_ipv6
    ip link set $each up
done
ip address add 203.0.113.2/24 dev out
ip neighbour add 203.0.113.1 lladdr 02:00:00:00:00:01 dev out
ip route add default via 203.0.113.1
sent() { awk '$1 == "out:" { print $11 }' /proc/net/dev; }
status=0
"$@" || status=$?
sent >&3
python3 -c 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("PRODUCTION", 9))'
sent >&3
exit $status
""".replace("PRODUCTION", PRODUCTION)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal that has ended, and how many packets left it: by itself, and with one that was sent on purpose."""

    status: int
    report: dict[str, Any]
    stderr: str
    packets: tuple[int, ...]

    @property
    def steps(self) -> dict[str, str]:
        return {step["name"]: step["status"] for step in self.report["steps"]}


@dataclass(frozen=True, slots=True)
class Production:
    """The inventory that production has, and the one that it is to have."""

    old: Lab
    new: Lab

    def rehearse(self, *options: str) -> Rehearsed:
        command = [sys.executable, "-m", "nornir_kube_ha.cli.main", "rehearse", "--lab", NAME, "--output", "json"]
        command += ["-i", str(self.new.inventory), "--from", str(self.old.inventory), *options]
        counts = self.new.inventory / "counts"
        with counts.open("w") as file:
            closed = ["unshare", "--net", "bash", "-c", f"exec 3>{counts}; {CLOSED}", "bash", *command]
            done = subprocess.run(closed, capture_output=True, text=True, check=False, cwd=ROOT, stdin=file)
        packets = tuple(map(int, counts.read_text().split()))
        assert done.stdout, done.stderr
        return Rehearsed(done.returncode, json.loads(done.stdout), done.stderr, packets)


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    ensure_image("bookworm", print)  # a closed network has no mirror to build it from
    folder = Path(shutil.copytree(ROOT / "inventory" / "example", tmp_path / "old"))
    for name in ("ca", "other"):
        pki.ensure_ca(tmp_path / name)
        shutil.copy(tmp_path / name / "ca.crt", folder / f"{name}.crt")
    old = Lab(NAME, folder)
    old.set("apiserver_ca", "ca.crt")
    old.set("verify.listen", 0.4)  # seconds, rather than the time of 24 adverts
    yield Production(old, old.copy_to(tmp_path / "new"))
    assert NAME not in lifecycle.labs()


def test_change_of_balance_passes_and_nothing_gets_out(production: Production) -> None:
    production.new.set("haproxy.balance", "source")
    done = production.rehearse()
    assert done.status == 0, done.stderr
    assert set(done.steps.values()) == {"passed"}
    assert done.packets == (0, 1)
    assert {name: host["address"] for name, host in done.report["hosts"].items()} == {
        f"lb-{number}": f"172.27.129.{last}" for number, last in ((1, 105), (2, 111), (3, 112))
    }
    [changed] = (step for step in done.report["steps"] if step["name"] == "deploy the new state under load")
    assert all("+    balance source" in changed["changes"][f"lb-{number}"] for number in (1, 2, 3))
    for fault in done.report["faults"]:
        [trial] = fault["trials"]
        assert (trial["new"]["failed"], trial["reused"]["failed"], trial["moves"]) == (0, 0, [])
        assert trial["new"]["total"] > 50
    assert [fault["name"] for fault in done.report["faults"]] == ["deploy", "rollback"]


def test_wrong_ca_is_refused_before_anything_changes(production: Production) -> None:
    production.new.set("apiserver_ca", "other.crt")
    done = production.rehearse()
    assert done.status == 1
    assert list(done.steps.values())[:3] == ["passed", "passed", "failed"]
    [failed] = (step for step in done.report["steps"] if step["status"] == "failed")
    assert "PreflightError" in failed["words"]
    for host in done.report["hosts"].values():
        words = "apiserver_ca (CN=kubernetes) does not verify the certificate of apiserver kube-apiserver-105 (172.27."
        assert host["error"]["message"].startswith(words)
        assert "issued by another CA called CN=kubernetes" in host["error"]["message"]
        assert not host["changed"]
    assert done.report["faults"][0]["trials"][0]["new"]["failed"] == 0
    assert done.packets == (0, 1)


def test_another_vrid_passes_with_its_outage_accepted(production: Production) -> None:
    groups = production.new.inventory / "groups.yaml"
    groups.write_text(groups.read_text().replace("virtual_router_id: 68", "virtual_router_id: 70"))
    refused = production.rehearse()
    assert refused.status == 1
    assert "--accept-outage" in refused.stderr, refused.stderr
    done = production.rehearse("--accept-outage")
    assert done.status == 0, done.stderr


def test_node_that_is_added_comes_and_goes_under_load(production: Production) -> None:
    hosts = production.new.inventory / "hosts.yaml"
    role = "  data:\n    role: backup\n    keepalived: {router_id: lb-backup-113}\n"
    hosts.write_text(f"{hosts.read_text()}\nlb-4:\n  hostname: 172.27.129.113\n  groups: [kube]\n{role}")
    done = production.rehearse()
    assert done.status == 0, done.stderr
    assert "lb-4" in done.report["hosts"]
    assert [fault["name"] for fault in done.report["faults"]] == ["deploy", "remove", "rollback"]
