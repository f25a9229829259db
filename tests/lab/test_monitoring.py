"""A real Prometheus that scrapes the hosts, with the configuration and the rules of docs/monitoring."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rig.lab import HOSTS, ROOT, VIP, Lab
from rig.samples import PASSWORD
from tests.support.prometheus import program

from nornir_kube_ha.lab.network import NETNS, control_namespace

INTERVAL = 1  # seconds between two scrapes
SLACK = 3  # seconds for a busy machine
MONITORING = ROOT / "docs/monitoring"


class Prometheus:
    """A Prometheus beside the lab's controller, and a node_exporter with the reports of verify."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder, self.reports = lab, folder, folder / "reports"
        self.inside = ["nsenter", f"--net={NETNS / control_namespace(lab.name)}"]
        shutil.copytree(MONITORING, folder, dirs_exist_ok=True)
        self.reports.mkdir()
        config = (MONITORING / "prometheus.yml").read_text()
        assert config.count("interval: 15s") == 2
        (folder / "prometheus.yml").write_text(config.replace("interval: 15s", f"interval: {INTERVAL}s"))
        (folder / "haproxy-password").write_text(PASSWORD)

    def start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([*self.inside, program(name), *options], cwd=self.folder, stdout=log, stderr=log)

    def get(self, url: str, *options: str) -> str:
        command = [*self.inside, "curl", "--silent", "--max-time", "5", *options, url]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout

    def ask(self, what: str) -> Any:  # noqa: ANN401 - JSON
        said = self.get(f"http://127.0.0.1:9090/api/v1/{what}")
        return json.loads(said)["data"] if said.startswith("{") else {}

    def targets(self) -> dict[str, str]:
        return {each["scrapeUrl"]: each["health"] for each in self.ask("targets").get("activeTargets", ())}

    def firing(self) -> set[str]:
        found = self.ask("alerts").get("alerts", ())
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}

    def verify(self) -> None:
        self.lab.runbook("verify", "--report-dir", str(self.reports))


@pytest.fixture
def prometheus(deployed: Lab, tmp_path: Path) -> Iterator[Prometheus]:
    """Prometheus, once all of its targets are scraped and nothing fires."""
    found = Prometheus(deployed, tmp_path / "prometheus")
    found.verify()
    textfile = (
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={found.reports}",
    )
    with ExitStack() as running:
        for command in (
            ("prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100", *textfile),
            ("prometheus", "--config.file=prometheus.yml", "--web.listen-address=127.0.0.1:9090"),
        ):
            process = running.enter_context(found.start(*command))
            running.callback(process.terminate)
        until(lambda: list(found.targets().values()) == ["up"] * 4, within=30)
        yield found


def until(holds: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_alerts_fire_within_two_scrapes_and_resolve(prometheus: Prometheus) -> None:
    lab, two_scrapes = prometheus.lab, 2 * INTERVAL + SLACK
    assert prometheus.firing() == set()
    lab.run("lb-2", "systemctl stop haproxy")
    until(lambda: prometheus.firing() == {"KubeHAHaproxyDown"}, two_scrapes)
    lab.run("lb-2", "systemctl start haproxy")
    until(lambda: prometheus.firing() == set(), two_scrapes)
    for host in HOSTS:
        lab.run(host, "systemctl stop keepalived")
    prometheus.verify()
    until(lambda: {"KubeHAVipNotHeld", "KubeHACheckFailed"} <= prometheus.firing(), two_scrapes)
    for host in HOSTS:
        lab.run(host, "systemctl start keepalived")
    lab.await_healthy()
    prometheus.verify()
    until(lambda: not prometheus.firing() & {"KubeHAVipNotHeld", "KubeHAVipHeldTwice"}, two_scrapes)


@pytest.mark.parametrize("address", ["192.0.2.12", VIP])
def test_metrics_need_the_password(deployed: Lab, tmp_path: Path, address: str) -> None:
    prometheus = Prometheus(deployed, tmp_path / "prometheus")  # not started: only its place in the network
    url, status = f"http://{address}:10080/metrics", ("--output", "/dev/null", "--write-out", "%{http_code}")
    assert prometheus.get(url, *status) == "401"
    assert prometheus.get(url, *status, "--user", "admin:wrong") == "401"
    assert "haproxy_process_nbproc" not in prometheus.get(url)
    assert 'haproxy_backend_active_servers{proxy="kube-apiserver"} 3' in prometheus.get(
        url, "--user", f"admin:{PASSWORD}"
    )
