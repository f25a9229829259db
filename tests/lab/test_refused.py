"""What cannot be, stops before any live file of any host has changed."""

from pathlib import Path

import pytest
from rig.killing import SUMS as CONTENT
from rig.lab import HOSTS, Lab, copy_inventory, on_all

LIVE = "find /etc/haproxy /etc/keepalived /etc/systemd/system -not -type d -printf '%p %s %m %T@ %i\\n' | sort"
LOGINS = "journalctl --unit ssh --output cat | grep -c Accepted"


@pytest.mark.parametrize(
    ("key", "line", "daemon", "path", "words"),
    [
        ("haproxy.global_lines", "nonsense 1", "haproxy", "/etc/haproxy/haproxy.cfg:", "unknown keyword 'nonsense'"),
        ("haproxy.listener_lines", "bind 0.0.0.0:nowhere", "haproxy", "/etc/haproxy/haproxy.cfg:", "nowhere"),
        ("keepalived.global_lines", "nonsense 1", "keepalived", "/etc/keepalived/keepalived.conf", "Line 11"),
        (
            "keepalived.instance_lines",
            "garp_master_delay x",
            "keepalived",
            "/etc/keepalived/keepalived.conf",
            "'x'",
        ),
    ],
)
def test_a_configuration_that_a_daemon_refuses_changes_nothing_anywhere(
    deployed: Lab, key: str, line: str, daemon: str, path: str, words: str
) -> None:
    before = on_all(deployed, LIVE)
    deployed.set("haproxy.balance", "source")  # good by itself: it must not arrive either
    section, name = key.split(".")
    deployed.set(f"{section}.{name}", [line])
    completed = deployed.deploy("--output", "json")
    assert completed.status == 1, completed.stdout + completed.stderr
    for host in HOSTS:
        error = completed.report["hosts"][host]["error"]
        assert error["type"] == "RefusedConfigError"
        assert f"{daemon} rejects" in error["message"]
        assert path in error["message"]
        assert words in error["message"]
        assert not completed.report["hosts"][host]["changed"]
    assert on_all(deployed, LIVE) == before
    assert not any(deployed.run(host, "find /etc -name '*kube-ha-new*'") for host in HOSTS)


def test_one_host_that_refuses_stops_all(deployed: Lab) -> None:
    before = on_all(deployed, LIVE)
    # One host's haproxy cannot take what the others' can: a file that it names is not there.
    deployed.set("haproxy.listener_lines", ["errorfile 503 /etc/haproxy/errors/503.http"])
    deployed.run("lb-3", "mv /etc/haproxy/errors/503.http /etc/haproxy/elsewhere")
    try:
        completed = deployed.deploy("--output", "json")
    finally:
        deployed.run("lb-3", "mv /etc/haproxy/elsewhere /etc/haproxy/errors/503.http")
    assert completed.status == 1, completed.stdout + completed.stderr
    hosts = completed.report["hosts"]
    assert hosts["lb-3"]["error"]["type"] == "RefusedConfigError"
    assert "503.http" in hosts["lb-3"]["error"]["message"]
    assert [hosts[host]["changed"] for host in HOSTS] == [False, False, False]
    assert "lb-3 failed" in hosts["lb-1"]["checks"][0]["seen"]
    assert on_all(deployed, LIVE) == before


def test_a_refusal_takes_no_file_away_that_would_have_gone(deployed: Lab) -> None:
    before = on_all(deployed, LIVE)
    deployed.set("keepalived.events", value=False)  # by itself it takes the drop-ins away
    deployed.set("haproxy.global_lines", ["nonsense 1"])
    assert deployed.deploy().status == 1
    assert on_all(deployed, LIVE) == before


def test_a_draft_that_an_earlier_run_left_is_not_judged_and_goes(deployed: Lab) -> None:
    deployed.run("lb-2", "echo nonsense >/etc/keepalived/.keepalived.conf.kube-ha-new")
    deployed.set("haproxy.balance", "roundrobin")
    completed = deployed.deploy()
    assert completed.status == 0, completed.stdout + completed.stderr
    assert not deployed.run("lb-2", "find /etc -name '*kube-ha-new*'")


def test_a_file_that_only_fails_in_life_meets_one_host_and_the_service_goes_on(deployed: Lab) -> None:
    before, content = (on_all(deployed, script) for script in (LIVE, CONTENT))
    deployed.set("haproxy.listener_lines", ["bind 0.0.0.0:22"])  # `haproxy -c` binds nothing, so it cannot know
    completed = deployed.deploy("--output", "json")
    assert completed.status == 1, completed.stdout + completed.stderr
    hosts = completed.report["hosts"]
    assert "haproxy did not load its new files" in hosts["lb-2"]["error"]["message"]
    assert "cannot bind socket" in hosts["lb-2"]["error"]["message"]
    assert [hosts[host]["changed"] for host in HOSTS] == [False, True, False]
    assert [deployed.run(host, LIVE) == before[host] for host in HOSTS] == [True, False, True]
    probe = "curl -sS --cacert /etc/haproxy/kube-apiserver-ca.crt https://192.0.2.10:8443/readyz"
    assert deployed.run("lb-3", probe) == "ok"
    assert "its previous files were restored" in hosts["lb-2"]["error"]["message"]
    assert on_all(deployed, CONTENT) == content


def test_an_error_in_the_inventory_is_reported_before_any_host_is_contacted(deployed: Lab) -> None:
    logins = on_all(deployed, LOGINS)
    deployed.set("haproxy.balanse", "source")
    deployed.set("keepalived.priority", 200, host="lb-2")
    completed = deployed.deploy()
    assert completed.status == 2
    assert "haproxy.balanse: is unknown; did you mean balance?" in completed.stderr
    assert completed.stdout == ""
    assert on_all(deployed, LOGINS) == logins


def test_while_the_lab_is_down_nothing_is_sent_and_the_command_that_starts_it_is_named(tmp_path: Path) -> None:
    down = copy_inventory("down", tmp_path / "inventory")
    for runbook in ("deploy", "verify"):
        completed = down.runbook(runbook)
        assert completed.status != 0
        assert "kube-ha lab up" in completed.stderr
        assert completed.stdout == ""
