"""Many hosts at once, on one SSH server of the loopback: all are in the report, in order, and nothing is left of it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from nornir import InitNornir
from nornir.core import Nornir
from rig.lab import ROOT

from nornir_kube_ha import verify
from nornir_kube_ha.engine.runner import Runner

pytestmark = pytest.mark.slow

HOSTS = 90


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nornir]:
    folder = tmp_path_factory.mktemp("fleet")
    command = [sys.executable, "-m", "rig.loopback.fleet", str(folder), str(HOSTS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
        files = {f"{kind}_file": str(folder / f"{kind}s.yaml") for kind in ("host", "group")}
        options = {**files, "defaults_file": str(folder / "defaults.yaml")}
        nornir = InitNornir(
            inventory={"plugin": "SimpleInventory", "options": options}, logging={"enabled": False}
        ).with_runner(Runner(32))
        yield nornir
        assert server.stdin
        server.stdin.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_every_host_of_a_fleet_is_in_the_report_and_nothing_is_left(fleet: Nornir) -> None:
    verify(fleet, hosts=["cluster-000-lb-1"])  # what is opened once for all
    before = descriptors(), threading.active_count()
    report = verify(fleet)
    assert [*report.hosts] == [*fleet.inventory.hosts]
    assert [*report.clusters] == [f"cluster-{number:03}" for number in range(HOSTS // 3)]
    assert {name: host.status for name, host in report.hosts.items() if host.status != "passed"} == {}
    assert report.passed
    assert descriptors() <= before[0]
    assert threading.active_count() <= before[1]


def test_each_host_is_asked_for_itself(fleet: Nornir) -> None:
    report = verify(fleet, check=["keepalived.state", "vip.readyz"])
    for number, (name, host) in enumerate(report.hosts.items()):
        state, readyz = host.findings
        assert host.cluster == name.rpartition("-lb-")[0]
        assert state.seen.startswith("MASTER" if number % 3 == 0 else "BACKUP")
        assert f"10.0.{number // 3}.10:8443" in readyz.expected


def test_a_fleet_needs_few_open_files(fleet: Nornir) -> None:
    most = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, descriptors())

    before = descriptors()
    watcher = threading.Thread(target=watch)
    watcher.start()
    verify(fleet)
    over.set()
    watcher.join()
    assert most - before < 32 * 4  # of each host in hand: its socket, and a channel's pipe
