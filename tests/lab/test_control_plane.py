"""A real control plane behind the VIP, as kubectl and clients with a credential see it."""

import json
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rig.breaking import begin, failover_test
from rig.lab import BACKUPS, HOSTS, MASTER, ROOT, Completed, Lab

from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.hosts import read_layout
from nornir_kube_ha.lab.state import LabFiles

COUNTER = "counter"
PROBE = "kube-ha-probe"
HEALTH = "curl -sk -o /dev/null -w '%{{http_code}}' --max-time 2 https://{}:6443/readyz || true"
PATIENCE = 30  # seconds; an etcd that comes back hears the leader first, a namespace is emptied before it goes
TRIES = 3  # a machine that runs all tests at once may keep a host from its processors for longer than a limit
JUDGED = {
    "haproxy-kill": ("read", "write", "watch"),
    "vip-move": ("read", "write"),  # test_told_clients.py holds what idle connections see of a move
    "node-off": (),  # where it had etcd's leader, all wait for the election of another
    "etcd-leader-kill": ("read", "write"),
    "apiservers-gone": (),  # they end and come back while watches are open
}
"""Faults of the short pass, and what is held to its limit there; all must be answered and heard in the end."""


def kubectl(lab: Lab, *arguments: str) -> Completed:
    return lab.kube_ha("lab", "kubectl", "--lab", lab.name, *arguments)


def said(completed: Completed) -> str:
    assert completed.status == 0, completed.stderr
    return completed.stdout


def namespaces(lab: Lab) -> set[str]:
    found = json.loads(said(kubectl(lab, "get", "namespaces", "-o", "json")))
    return {each["metadata"]["name"] for each in found["items"]}


@pytest.fixture(autouse=True)
def nothing_left(real: Lab) -> None:
    """A test begins when nothing is left of an earlier one's client: an emptied namespace takes seconds to go."""
    await_gone(real)


def await_gone(lab: Lab) -> None:
    """Until nothing is left of the client."""
    deadline = time.monotonic() + PATIENCE
    while PROBE in namespaces(lab):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def await_answer(lab: Lab, host: str, answers: set[str]) -> None:
    """Of a host's apiserver to /readyz, asked by another host, without a load balancer."""
    command = HEALTH.format(read_layout(lab.name).host(host).address.ip)
    deadline = time.monotonic() + PATIENCE
    while (seen := lab.run(MASTER, command)) not in answers:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)


def test_kubectl_works_through_the_vip_and_verify_passes(real: Lab) -> None:
    assert "kube-system" in namespaces(real)
    assert "No resources found" in kubectl(real, "get", "nodes").stderr
    verified = real.runbook("verify", "--output", "json")
    verified.must_be_green()
    [version] = {host.plane.version for host in read_layout(real.name).hosts if host.plane}
    assert f"v{said(kubectl(real, 'version', '-o', 'yaml')).split('gitVersion: v')[2].split()[0]}" == version


KUBECTL = 0.5  # seconds until it connects, on a busy machine
TAKEN = 1.0  # seconds until another node has the VIP, beside what the command takes that kills haproxy


def test_kubectl_sees_no_error_while_the_vip_moves_and_haproxy_dies(real: Lab) -> None:
    """But for who connects while haproxy is dead and the VIP has not moved yet: the kernel refuses that at once."""
    said(kubectl(real, "create", "configmap", COUNTER, "--from-literal=count=0"))
    ended, wrong, counts = threading.Event(), list[tuple[float, str]](), [0]

    def count() -> None:
        while not ended.is_set():
            number = counts[-1] + 1
            patch = json.dumps({"data": {"count": str(number)}})
            applied = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{COUNTER}-{number}"}})
            path = real.inventory.parent / "applied.json"
            path.write_text(applied)
            for words in (
                ("patch", "configmap", COUNTER, "--patch", patch),
                ("get", "configmap", COUNTER),
                ("apply", "--filename", str(path)),
                ("get", "configmap", COUNTER, "--watch", "--request-timeout", "1s"),
            ):
                began, done = time.monotonic(), kubectl(real, *words)
                if done.status or done.stderr:
                    wrong.append((began, f"{words}: {done.stderr}"))
            counts.append(number)

    counting = threading.Thread(target=count)
    counting.start()
    try:
        moved = real.kube_ha("vip", "move", "--to", BACKUPS[0], "-i", str(real.inventory))
        assert moved.status == 0, moved.stderr
        killed = time.monotonic()
        real.run(BACKUPS[0], "systemctl kill --signal KILL haproxy")
        real.runbook("verify", "--retry-timeout", "20")
    finally:
        ended.set()
        counting.join()
    real.bring_vip_home()
    refused = [words for began, words in wrong if "was refused" in words and -KUBECTL < began - killed < TAKEN]
    assert [words for _, words in wrong] == refused[:1]  # one after the other: there is time for one, in 0.1 s
    assert len(counts) > 2
    stored = json.loads(said(kubectl(real, "get", "configmap", COUNTER, "-o", "json")))
    assert stored["data"]["count"] == str(counts[-1])


@pytest.mark.parametrize(
    ("mode", "answers"),
    [("gone", {"000"}), ("hang", {"000"}), ("error", {"000", "500"})],  # without etcd it may not answer within 2 s
)
def test_apiserver_breaks_as_requested_and_the_api_stays(real: Lab, mode: str, answers: set[str]) -> None:
    host = HOSTS[2]
    assert real.kube_ha("lab", "apiserver", "--lab", real.name, host, mode).status == 0
    try:
        await_answer(real, host, answers)
        said(kubectl(real, "get", "namespaces"))
        found = real.runbook("verify", "--check", "apiserver.health", "--output", "json")
        assert (found.status, found.red_checks()) == (1, {"demo": ["apiserver.health"]})
        [check] = found.report["clusters"]["demo"]["checks"]
        assert host in check["seen"]
        assert (check["status"] == "fail") is (mode == "error")  # one that is not reached at all does not tell
    finally:
        assert real.kube_ha("lab", "apiserver", "--lab", real.name, host, "ok").status == 0
    await_answer(real, host, {"200"})


@pytest.mark.timeout(600)  # the first one makes all faults
@pytest.mark.parametrize("name", JUDGED)
def test_clients_of_the_api_lose_nothing_and_wait_no_longer_than_they_may(
    real: Lab, short_pass: dict[str, Any], name: str
) -> None:
    faults = [short_pass[name]]
    while over(name, faults[-1]) and len(faults) < TRIES:
        [again] = failover_test(real, "--fault", name).report["faults"]
        faults.append(again)
    assert not over(name, faults[-1]), faults
    for fault in faults:
        [trial] = fault["trials"]
        assert trial["outcome"] in {"passed", "missed"}, trial["words"]
        assert (trial["api"]["lost"], trial["api"]["missed"]) == (0, 0)
        assert trial["api"]["read"]["total"] > 20
        assert trial["api"]["write"]["total"] > 20
        assert trial["api"]["watch"]["heard"] > 20
        # Every write was heard of in the end; no end would be null.
        assert all(trial["api"][kind]["gap"] is not None for kind in ("address", "read", "write"))
        assert trial["api"]["watch"]["silence"] is not None


@pytest.fixture(scope="module")
def short_pass(real: Lab) -> dict[str, Any]:
    """A trial of each fault of the short pass, all made in one run, by name."""
    process = begin(real, *(word for name in JUDGED for word in ("--fault", name)))
    stdout, stderr = process.communicate(timeout=550)
    completed = Completed(process.returncode, stdout, stderr)
    assert completed.stdout, completed.stderr
    await_gone(real)
    return {fault["name"]: fault for fault in completed.report["faults"]}


def over(name: str, fault: dict[str, Any]) -> dict[str, float]:
    """What is over its limit, of what is held to it."""
    api, limit = fault["trials"][0]["api"], fault["limit"]["api"]
    waited = {kind: api[kind]["silence" if kind == "watch" else "gap"] for kind in JUDGED[name]}
    return {kind: seconds for kind, seconds in waited.items() if seconds is None or seconds > limit[kind]}


def test_documented_rights_are_enough_and_without_them_nothing_is_broken(real: Lab, tmp_path: Path) -> None:
    authority = LabFiles(real.name).pki
    pki.ensure_client_certificate(authority, "prober", "prober")
    config = json.loads(LabFiles(real.name).kubeconfig.read_text())
    config["users"][0]["user"] = {
        "client-certificate": str(authority / "prober.crt"),
        "client-key": str(authority / "prober.key"),
    }
    (tmp_path / "prober.conf").write_text(json.dumps(config))
    options = "--fault", "haproxy-stop", "--kubeconfig", str(tmp_path / "prober.conf")
    refused = failover_test(real, *options)
    assert refused.status != 0
    assert "the credential may not create namespaces, get namespaces kube-ha-probe" in refused.stderr
    assert (refused.report["faults"], PROBE in namespaces(real)) == ([], False)

    [role] = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", (ROOT / "docs/failover-test.md").read_text(), re.DOTALL)
    (tmp_path / "role.yaml").write_text(role)
    said(kubectl(real, "apply", "--filename", str(tmp_path / "role.yaml")))
    said(kubectl(real, "create", "clusterrolebinding", PROBE, f"--clusterrole={PROBE}", "--user=prober"))
    [fault] = failover_test(real, *options).report["faults"]
    assert fault["trials"][0]["api"]["write"]["total"] > 20
    await_gone(real)


def test_nothing_is_left_of_a_test_whose_controller_is_killed(real: Lab) -> None:
    process = begin(real, "--fault", "haproxy-stop", "--hold", "60s")
    try:
        deadline = time.monotonic() + PATIENCE
        while PROBE not in namespaces(real):
            assert time.monotonic() < deadline
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    await_gone(real)
    real.await_healthy()


ENOUGH = 20  # writes, before which there is hardly one to lose


def acknowledged(lab: Lab) -> int:
    """How many writes of the probe's client stand in its object."""
    found = kubectl(lab, "get", "configmap", COUNTER, "--namespace", PROBE, "-o", "json")
    data = json.loads(found.stdout).get("data") or {} if found.status == 0 else {}
    return sum(value != "0" for value in data.values())


def test_write_that_is_lost_on_purpose_is_reported(real: Lab) -> None:
    """Somebody writes an older number over those that were acknowledged, as an etcd that forgets would."""
    process = begin(real, "--fault", "vip-move", "--fault", "haproxy-stop", "--hold", "8s")
    patch = json.dumps({"data": {str(place): "0" for place in range(400)}})
    lost = False
    while process.poll() is None:
        if not lost and acknowledged(real) > ENOUGH:
            lost = kubectl(real, "patch", "configmap", COUNTER, "--namespace", PROBE, "--patch", patch).status == 0
    stdout, stderr = process.communicate()
    assert lost, stderr
    found = Completed(process.returncode, stdout, stderr)
    assert found.status == 1, stderr
    trials = [fault["trials"][0] for fault in found.report["faults"]]
    assert sum(trial["api"]["lost"] for trial in trials) > 0
    assert any("acknowledged writes lost" in words for trial in trials for words in trial["exceeded"])
