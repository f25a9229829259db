"""The examples of embedding, on real hosts: an inventory of NetBox's, a cron job, a service."""

import email
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from rig.lab import ROOT, Completed, Lab
from ruamel.yaml import YAML

EXAMPLES = ROOT / "examples"
URL = "http://127.0.0.1:8000/clusters/demo"


def inside(lab: Lab, *command: str) -> list[str]:
    """A command of this machine in the lab's network, where its hosts can be reached and nobody else."""
    return [sys.executable, "-m", "nornir_kube_ha.cli.main", "lab", "exec", "--lab", lab.name, "--", *command]


def run(lab: Lab, *command: str) -> Completed:
    done = subprocess.run(inside(lab, *command), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return Completed(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def config(deployed: Lab, tmp_path: Path) -> Path:
    """A configuration file of somebody's Nornir, with that inventory."""
    files = {"host_file": "hosts.yaml", "group_file": "groups.yaml", "defaults_file": "defaults.yaml"}
    options = {key: str(deployed.inventory / name) for key, name in files.items()}
    runner = {"plugin": "interruptible", "options": {"num_workers": 8}}
    path = tmp_path / "config.yaml"
    YAML().dump({"inventory": {"plugin": "SimpleInventory", "options": options}, "runner": runner}, path)
    return path


def test_an_inventory_of_netboxs_is_verified(deployed: Lab, tmp_path: Path) -> None:
    tree = YAML(typ="safe").load(deployed.inventory / "groups.yaml")["lab"]
    tree["data"] = {}  # NetBox has them
    YAML().dump(tree, tmp_path / "login.yaml")
    command = [sys.executable, str(EXAMPLES / "netbox.py"), str(tmp_path / "login.yaml")]
    completed = run(deployed, sys.executable, "-m", "tests.support.netbox", str(deployed.inventory), *command)
    assert completed.status == 0, completed.stdout + completed.stderr
    assert "verify: passed - hosts: 3 passed" in completed.stdout
    assert "access-1" not in completed.stdout


def cron(lab: Lab, config: Path, folder: Path) -> Completed:
    command = [sys.executable, str(EXAMPLES / "cron.py"), str(config), str(folder / "kube_ha.prom"), "noc@example.com"]
    return run(lab, sys.executable, "-m", "tests.support.mailbox", str(folder), *command)


def test_a_cron_job_prints_nothing_while_every_check_passes(deployed: Lab, config: Path, tmp_path: Path) -> None:
    assert cron(deployed, config, tmp_path) == Completed(0, "", "")
    assert passed(tmp_path / "kube_ha.prom") == 1
    assert [*tmp_path.glob("*.eml")] == []


def test_a_cron_job_mails_what_is_wrong(deployed: Lab, config: Path, tmp_path: Path) -> None:
    deployed.run("lb-3", "systemctl stop keepalived")
    assert cron(deployed, config, tmp_path) == Completed(0, "", "")
    assert passed(tmp_path / "kube_ha.prom") == 0
    [file] = tmp_path.glob("*.eml")
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail["To"] == "noc@example.com"
    assert mail["Subject"].startswith("KUBE-HA CRITICAL")
    body = mail.get_body()
    assert body
    assert "lb-3: keepalived.active" in body.get_content()
    [attachment] = mail.iter_attachments()
    assert JUnitXml.fromstring(attachment.get_content()).failures > 0


def passed(file: Path) -> float:
    families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    [sample] = families["kube_ha_run_passed"].samples
    return sample.value


@pytest.fixture
def service(deployed: Lab, config: Path) -> Iterator[Lab]:
    command = inside(deployed, sys.executable, str(EXAMPLES / "service.py"), str(config), "8000")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 20
        while ask(deployed, URL)[0] == 0:
            assert running.poll() is None, running.stderr and running.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield deployed
        running.terminate()
        running.communicate()


def ask(lab: Lab, url: str, *options: str) -> tuple[int, str]:
    answer = run(lab, "curl", "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}", *options, url).stdout
    body, _, status = answer.rpartition("\n")
    return int(status), body


def test_a_service_looks_when_it_is_asked(service: Lab) -> None:
    assert ask(service, URL)[0] == 404
    status, body = ask(service, f"{URL}/verify", "--request", "POST")
    assert (status, json.loads(body)["passed"], [*json.loads(body)["hosts"]]) == (200, True, ["lb-1", "lb-2", "lb-3"])
    service.run("lb-2", "systemctl stop haproxy")
    status, body = ask(service, f"{URL}/verify", "--request", "POST")
    assert (status, json.loads(body)["hosts"]["lb-2"]["status"]) == (503, "failed")
    assert ask(service, URL)[1] == body
    assert 'kube_ha_run_passed{runbook="verify"} 0' in ask(service, f"{URL}/metrics")[1]
    status, body = ask(service, "http://127.0.0.1:8000/clusters/other/verify", "--request", "POST")
    assert (status, "known clusters: demo" in body) == (404, True)
