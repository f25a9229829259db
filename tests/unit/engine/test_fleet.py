"""Many hosts at once, on one SSH server of the loopback: all are in the report, in order, and nothing is left of it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nornir import InitNornir
from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir.core.task import MultiResult, Task
from rig.lab import ROOT

from nornir_kube_ha import deploy, verify
from nornir_kube_ha.engine.processor import Processor
from nornir_kube_ha.engine.runner import Runner
from nornir_kube_ha.engine.session import LOGINS

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


class CountThreads(Processor):
    """Counts threads whenever a task is done on a host."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:  # noqa: ARG002 - Nornir's
        self.counts.append(threading.active_count())


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


def most_descriptors(run: Callable[[], object]) -> int:
    """Run something; return the most descriptors that it had open at once."""
    most = before = descriptors()
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, descriptors())

    watcher = threading.Thread(target=watch)
    watcher.start()
    run()
    over.set()
    watcher.join()
    return most - before


def test_a_fleet_needs_few_open_files(fleet: Nornir) -> None:
    # Of each host in hand: its socket, and a channel's pipe.
    assert most_descriptors(lambda: verify(fleet)) < 32 * 4


def test_a_fleet_s_deploy_keeps_few_logins(fleet: Nornir) -> None:
    threads: list[int] = []
    before = threading.active_count()
    assert HOSTS > LOGINS
    watching = fleet.with_processors([CountThreads(threads)])
    assert deploy(watching, quick=True).passed
    assert max(threads) - before < LOGINS + 32 * 3  # of each host in hand: a worker, its login, a script's time limit
    over = time.monotonic() + 10  # a login's thread ends a moment after the login
    while threading.active_count() > before and time.monotonic() < over:
        time.sleep(0.01)
    assert threading.active_count() <= before
