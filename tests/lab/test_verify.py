"""Verify on real hosts: what is broken turns red, nothing else does, and it says why."""

import json
import subprocess
import sys
import time
from pathlib import Path

import html5lib
import pytest
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from rig.lab import EVERYTHING, HOSTS, MASTER, ROOT, RULES, UNITS, Lab, on_all


def test_a_healthy_cluster_passes_and_a_filter_narrows_it(deployed: Lab) -> None:
    everything = deployed.runbook("verify", "--output", "json")
    assert (everything.status, everything.failed_checks()) == (0, {}), everything.stdout
    backups = deployed.runbook("verify", "--filter", "role=backup", "--output", "json")
    assert backups.status == 0, backups.stdout
    assert list(backups.report["hosts"]) == ["lb-2", "lb-3"]
    clusters = {check["id"]: check for check in backups.report["clusters"]["demo"]["checks"]}
    skipped = {"vip.single_holder", "vip.arp", "cluster.clocks", "cluster.versions"}
    skipped |= {"haproxy.reached_by_peers", "haproxy.peers", "haproxy.clients", "endpoint.direct_clients"}
    assert {id_ for id_, check in clusters.items() if check["status"] == "skip"} == skipped
    assert all("not seen: lb-1" in clusters[id_]["seen"] for id_ in skipped)
    assert {check["status"] for id_, check in clusters.items() if id_ not in skipped} == {"pass"}


def test_every_format_of_a_real_run_is_read_by_others(deployed: Lab, tmp_path: Path) -> None:
    deployed.run("lb-2", "systemctl stop haproxy")
    try:
        completed = deployed.runbook("verify", "--output", "nagios", "--report-dir", str(tmp_path / "report"))
    finally:
        deployed.run("lb-2", "systemctl start haproxy")
        deployed.await_healthy()
    assert completed.status == 2
    assert completed.stdout.startswith("KUBE-HA CRITICAL - lb-2 haproxy.active")
    text = {path.suffix: path.read_text(encoding="utf-8") for path in (tmp_path / "report").iterdir()}
    assert set(text) == {".txt", ".json", ".xml", ".nagios", ".prom", ".md", ".html"}
    schema = json.loads((ROOT / "src/nornir_kube_ha/report/schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(text[".json"]))
    suites = {suite.name: suite for suite in JUnitXml.fromstring(text[".xml"].encode())}
    assert [suite.failures > 0 for name, suite in suites.items() if "lb-2" in name] == [True]
    samples = [each for family in text_string_to_metric_families(text[".prom"]) for each in family.samples]
    failing = {each.labels["check"] for each in samples if each.labels.get("status") == "fail" and each.value == 1}
    assert "haproxy.active" in failing
    html5lib.HTMLParser(strict=True).parse(text[".html"])
    assert all("haproxy.active" in page for page in text.values())


# keepalived's own scripts ask haproxy all the time, by `socat -t 1`; a look does by `socat -t 2`.
NOT_OURS = r"grep -vE '^(timeout 0\.[0-9]+ )?socat -t 1 '"
LOOKING = f"ps -eo args | grep -E '^(tcpdump|socat|arping|curl|timeout|sleep|sh -s|sh -c echo)' | {NOT_OURS} || true"


def test_nothing_on_the_hosts_differs_after_a_look(deployed: Lab) -> None:
    etc = "find /etc -type f -exec sha256sum {} + | sort -k 2"
    network = f"ip -details link show eth0; ip address show scope global | grep -v valid_lft; ip maddress\n{RULES}"
    everything = f"{EVERYTHING}\n{etc}\n{UNITS}\n{network}\n{LOOKING}"
    before = on_all(deployed, everything)
    assert deployed.runbook("verify").status == 0
    assert on_all(deployed, everything) == before
    assert "  /etc/haproxy/haproxy.cfg" in before["lb-1"]  # that is, it tells of files


def test_a_look_whose_controller_dies_ends_by_itself(deployed: Lab) -> None:
    command = [sys.executable, str(ROOT / "runbooks/verify.py"), "-i", str(deployed.inventory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as verify:
        deadline = time.monotonic() + 20
        while not deployed.run("lb-1", LOOKING):
            assert time.monotonic() < deadline, "no look was seen"
        verify.kill()
    deadline = time.monotonic() + 10
    while any(left := on_all(deployed, LOOKING).values()):
        assert time.monotonic() < deadline, left


def test_a_haproxy_that_hangs_for_long_is_reported_and_leaves_nothing_waiting(deployed: Lab) -> None:
    """Its socket's backlog is full after some ten seconds: from then on, a connection to it blocks."""
    deployed.run("lb-2", "kill -STOP $(pidof haproxy)")
    try:
        client = "socat -u OPEN:/dev/null UNIX-CONNECT:/run/haproxy-admin.sock >/dev/null 2>&1"
        deployed.run("lb-2", f"for i in $(seq 30); do ({client} &); done")
        completed = deployed.runbook("verify", "--output", "json", "--check", "haproxy.apiservers_up")
        left = deployed.run(
            "lb-2", f"ps -eo args | grep -E '^(tcpdump|arping|curl|timeout|sh -s)' | {NOT_OURS} || true"
        )
    finally:
        deployed.run("lb-2", "kill -CONT $(pidof haproxy); kill $(pidof socat)", check=False)
        deployed.await_healthy()
    assert (completed.status, completed.red_checks()) == (1, {"lb-2": ["haproxy.apiservers_up"]})
    assert left == ""


def test_a_state_that_keepalived_wrote_earlier_is_not_taken_for_its_answer(deployed: Lab) -> None:
    stale = '[{"data":{"iname":"VI-kube-master","state":3,"effective_priority":1}}]'
    for _ in range(4):  # read too early, it was taken in one look of six
        for host in HOSTS:
            deployed.run(host, f"echo '{stale}' >/run/keepalived-kube-ha/keepalived.json")
        completed = deployed.runbook("verify", "--output", "json")
        assert (completed.status, completed.failed_checks()) == (0, {})


def test_a_failed_unit_shows_its_journal_and_what_to_do(deployed: Lab) -> None:
    deployed.run(MASTER, "systemctl stop haproxy")
    completed = deployed.runbook("verify")
    assert completed.status == 1
    assert "lb-1: haproxy.active" in completed.stdout
    assert "seen: inactive (dead)" in completed.stdout
    assert "Stopped haproxy.service" in completed.stdout
    assert "journalctl -u haproxy" in completed.stdout
    assert "FAULT" in completed.stdout


def test_a_host_that_cannot_be_reached_is_unknown_and_the_others_are_checked(deployed: Lab) -> None:
    deployed.run("lb-3", "systemctl stop ssh.socket ssh 2>/dev/null; systemctl stop ssh", check=False)
    try:
        completed = deployed.runbook("verify", "--output", "json")
        refused = deployed.deploy("--output", "json")
    finally:
        for verb in ("off", "on"):
            assert deployed.kube_ha("lab", verb, "--lab", deployed.name, "lb-3").status == 0
        deployed.await_healthy()
    assert completed.status == 4, completed.stdout + completed.stderr
    hosts = completed.report["hosts"]
    assert {name: hosts[name]["status"] for name in HOSTS} == {"lb-1": "passed", "lb-2": "passed", "lb-3": "unknown"}
    assert hosts["lb-3"]["error"]["type"] == "HostUnreachableError"
    assert refused.status == 4
    assert not refused.report["changed"]


def test_a_host_with_another_key_is_refused_by_name(deployed: Lab) -> None:
    groups = deployed.inventory / "groups.yaml"
    known = deployed.inventory / "known_hosts"
    text = groups.read_text()
    path = next(line.split(": ")[1] for line in text.splitlines() if "alt_key_file:" in line)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the path stands in the inventory
        lines = file.read().splitlines()
    keys = [line.split(" ", 1)[1] for line in lines]
    known.write_text(f"192.0.2.11 {keys[1]}\n192.0.2.12 {keys[1]}\n192.0.2.13 {keys[2]}\n")
    groups.write_text(text.replace(path, str(known)))
    completed = deployed.runbook("verify", "--output", "json")
    assert completed.status == 6, completed.stdout
    assert "has changed" in completed.report["hosts"]["lb-1"]["error"]["message"]
    assert completed.report["hosts"]["lb-1"]["error"]["type"] == "HostKeyChangedError"
    assert completed.report["hosts"]["lb-2"]["status"] == "passed"


@pytest.mark.field_report("H4")
def test_stats_password_is_for_haproxy_alone(deployed: Lab) -> None:
    """Whoever has its port gets no word of it, and the check does not pass by a stranger's answer."""
    listener = "socat -u TCP-LISTEN:10080,fork,reuseaddr OPEN:/tmp/heard,creat,append"
    listens = "until ss -Hltn 'sport = :10080' | grep -q .; do sleep 0.05; done"
    try:
        deployed.run("lb-2", "systemctl stop haproxy")
        deployed.run("lb-2", f"systemd-run --quiet --unit stranger --uid nobody {listener}; {listens}")
        completed = deployed.runbook("verify", "--output", "json", "--limit", "lb-2", "--check", "haproxy.stats")
        heard = deployed.run("lb-2", "cat /tmp/heard 2>/dev/null || true")
    finally:
        deployed.run("lb-2", "systemctl stop stranger; rm -f /tmp/heard; systemctl start haproxy")
        deployed.await_healthy()
    [check] = completed.report["hosts"]["lb-2"]["checks"]
    assert check["status"] == "fail"
    assert "of user nobody, not to haproxy.service; the password was not sent" in check["seen"]
    assert "Authorization" not in heard
