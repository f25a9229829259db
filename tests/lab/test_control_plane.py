"""A real control plane behind the VIP, as kubectl sees it."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
from tests.lab.conftest import PROCESS
from tests.lab.rig import BACKUPS, HOSTS, MASTER, Completed, Lab, copy_inventory

from nornir_kube_ha.lab.hosts import read_layout
from nornir_kube_ha.lab.state import LabFiles

COUNTER = "counter"
HEALTH = "curl -sk -o /dev/null -w '%{{http_code}}' --max-time 2 https://{}:6443/readyz || true"
PATIENCE = 30  # seconds; an etcd that comes back hears the leader first


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts, each with etcd and kube-apiserver, and the VIP in front of them."""
    lab = copy_inventory(f"real{PROCESS}", tmp_path_factory.mktemp("real") / "inventory")
    lab.up("--installed", "--control-plane", "real")
    try:
        completed = lab.deploy("--output", "json")
        assert completed.status == 0, completed.stdout + completed.stderr
        yield lab
    finally:
        lab.down()


def kubectl(lab: Lab, *arguments: str) -> Completed:
    return lab.kube_ha("lab", "kubectl", "--lab", lab.name, *arguments)


def await_answer(lab: Lab, host: str, answer: str) -> None:
    """Of a host's apiserver to /readyz, asked by another host, without a load balancer."""
    command = HEALTH.format(read_layout(lab.name).host(host).address.ip)
    deadline = time.monotonic() + PATIENCE
    while (seen := lab.run(MASTER, command)) != answer:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)


def said(completed: Completed) -> str:
    assert completed.status == 0, completed.stderr
    return completed.stdout


def test_kubectl_works_through_the_vip_and_verify_passes(real: Lab) -> None:
    names = json.loads(said(kubectl(real, "get", "namespaces", "-o", "json")))
    assert "kube-system" in {each["metadata"]["name"] for each in names["items"]}
    assert "No resources found" in kubectl(real, "get", "nodes").stderr
    verified = real.runbook("verify", "--output", "json")
    assert (verified.status, verified.red_checks()) == (0, {}), verified.stdout
    [version] = {host.plane.version for host in read_layout(real.name).hosts if host.plane}
    assert f"v{said(kubectl(real, 'version', '-o', 'yaml')).split('gitVersion: v')[2].split()[0]}" == version


def test_reads_and_writes_go_on_while_the_vip_moves_and_haproxy_dies(real: Lab) -> None:
    said(kubectl(real, "create", "configmap", COUNTER, "--from-literal=count=0"))
    ended, wrong, counts = threading.Event(), list[str](), [0]

    def count() -> None:
        while not ended.is_set():
            number = counts[-1] + 1
            patch = json.dumps({"data": {"count": str(number)}})
            for words in (("patch", "configmap", COUNTER, "--patch", patch), ("get", "configmap", COUNTER)):
                done = kubectl(real, *words)
                if done.status or done.stderr:
                    wrong.append(f"{words[0]}: {done.stderr}")
            counts.append(number)

    counting = threading.Thread(target=count)
    counting.start()
    try:
        moved = real.runbook("vip", "move", "--to", BACKUPS[0])
        assert moved.status == 0, moved.stderr
        real.run(BACKUPS[0], "systemctl kill --signal KILL haproxy")
        real.runbook("verify", "--retry-timeout", "20")
    finally:
        ended.set()
        counting.join()
    real.bring_vip_home()
    assert not wrong
    assert len(counts) > 3
    stored = json.loads(said(kubectl(real, "get", "configmap", COUNTER, "-o", "json")))
    assert stored["data"]["count"] == str(counts[-1])


@pytest.mark.parametrize(("mode", "answer"), [("gone", "000"), ("hang", "000"), ("error", "500")])
def test_apiserver_breaks_as_it_is_told_and_the_api_stays(real: Lab, mode: str, answer: str) -> None:
    host = HOSTS[2]
    assert real.kube_ha("lab", "apiserver", "--lab", real.name, host, mode).status == 0
    try:
        await_answer(real, host, answer)
        said(kubectl(real, "get", "namespaces"))
    finally:
        assert real.kube_ha("lab", "apiserver", "--lab", real.name, host, "ok").status == 0
    await_answer(real, host, "200")


def test_kubectl_of_a_lab_with_a_stand_in_says_how_to_get_a_real_one(deployed: Lab) -> None:
    assert not LabFiles(deployed.name).kubeconfig.exists()
    refused = kubectl(deployed, "get", "nodes")
    assert refused.status == 1
    assert "has no real control plane: kube-ha lab up --control-plane real" in refused.stderr
