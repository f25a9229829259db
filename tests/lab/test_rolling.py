"""A change that goes wrong in life, two controllers at once, and the way back: on real hosts."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from rig.killing import LEFTOVERS, go_to, interrupted_at, killed_at, states_of, wrong_after
from rig.lab import BACKUPS, HOSTS, MASTER, ROOT, UNITS, Lab, on_all

from nornir_kube_ha.intent.names import MANAGED_PATHS

FOLDERS = "/etc/haproxy /etc/keepalived /etc/systemd/system /etc/tmpfiles.d"
FILES = f"find {FOLDERS} -type f -printf '%p %s %m %T@ %i\\n' | sort"
TAKEN = 9999
WHY = ": the run was interrupted"
CONTENT = f"""for file in {" ".join(MANAGED_PATHS)}; do
    [ ! -e $file ] || {{ stat -c '%n %a %U:%G' $file; sha256sum $file; }}
done"""


def test_files_that_only_fail_in_life_meet_one_host_which_goes_back(deployed: Lab) -> None:
    content, untouched, units = on_all(deployed, CONTENT), on_all(deployed, FILES), on_all(deployed, UNITS)
    deployed.set("haproxy.listener_lines", ["default-server port 1"])  # valid, and no apiserver answers a check there
    completed = deployed.deploy("--output", "json")
    assert completed.status == 1, completed.stdout + completed.stderr
    assert on_all(deployed, CONTENT) == content
    first, others = BACKUPS[0], [MASTER, *BACKUPS[1:]]
    for host in others:
        assert deployed.run(host, FILES) == untouched[host]
        assert deployed.run(host, UNITS) == units[host]
    error = completed.report["hosts"][first]["error"]
    assert error["type"] == "GateError"
    assert "haproxy.apiservers_up: expected 3 up, seen " in error["message"]
    assert error["message"].endswith("its previous files were restored, and it passes the checks that it passed before")
    assert not any(on_all(deployed, LEFTOVERS).values())


@pytest.fixture
def occupied(deployed: Lab) -> Iterator[Callable[[str], None]]:
    """Has haproxy listen on one more port, which on one host is another program's: it is well on all others."""
    deployed.set("haproxy.listener_lines", [f"bind 0.0.0.0:{TAKEN}"])
    hosts = []

    def take(host: str) -> None:
        deployed.run(host, f"systemd-run --quiet --unit taken socat TCP-LISTEN:{TAKEN} -")
        hosts.append(host)

    yield take
    for host in hosts:
        deployed.run(host, "systemctl stop taken")


def test_hosts_go_in_pairs_and_all_go_back_when_the_last_one_fails(
    deployed: Lab, occupied: Callable[[str], None]
) -> None:
    content = on_all(deployed, CONTENT)
    occupied(MASTER)
    completed = deployed.deploy("--output", "json", "--serial", "2", "--on-failure", "rollback-all")
    assert completed.status == 1, completed.stdout + completed.stderr
    told = completed.stderr.splitlines()
    assert [line for line in told if line.startswith("changing ")] == [
        f"changing {', '.join(BACKUPS)}",
        f"changing {MASTER}",
    ]
    back = "its previous files were restored, and it passes the checks that it passed before"
    assert [line for line in told if line.endswith(back)] == [f"{name}: {back}" for name in reversed(BACKUPS)]
    assert completed.report["hosts"][MASTER]["error"]["message"].endswith(back)
    assert on_all(deployed, CONTENT) == content


def test_a_host_that_may_fail_goes_back_and_the_others_are_changed(
    deployed: Lab, occupied: Callable[[str], None]
) -> None:
    content = on_all(deployed, CONTENT)
    failing = BACKUPS[0]
    occupied(failing)
    completed = deployed.deploy("--output", "json", "--max-fail", "1")
    assert completed.status == 1, completed.stdout + completed.stderr
    after = on_all(deployed, CONTENT)
    assert [name for name in HOSTS if after[name] == content[name]] == [failing]
    assert [name for name, host in completed.report["hosts"].items() if host["error"]] == [failing]


def test_second_run_learns_the_holder_and_writes_nothing(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "roundrobin")
    command = [sys.executable, str(ROOT / "runbooks/deploy.py"), "-i", str(deployed.inventory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr
        told = iter(first.stderr.readline, "")
        assert next(line for line in told if line.startswith("staging"))
        began = time.monotonic()
        second = deployed.deploy("--output", "json")
        took = time.monotonic() - began
        first.communicate()
    assert (first.returncode, second.status) == (0, 5), second.stdout + second.stderr
    assert took < 2
    errors = [host["error"]["message"] for host in second.report["hosts"].values() if host["error"]]
    assert errors
    assert all(f", process {first.pid} holds the lease" in message for message in errors)
    assert not second.report["changed"]
    assert "staging" not in second.stderr


def test_rollback_restores_every_byte_and_is_undone_by_another(deployed: Lab) -> None:
    before = on_all(deployed, CONTENT)
    assert deployed.deploy().status == 0  # nothing to do, but known to be good from its first deploy
    original = deployed.inventory / "defaults.yaml"
    good = original.read_text()
    deployed.set("haproxy.balance", "roundrobin")
    deployed.set("keepalived.garp_master_refresh", 61)
    assert deployed.deploy().status == 0
    after = on_all(deployed, CONTENT)
    assert all(after[host] != before[host] for host in HOSTS)

    listed = deployed.runbook("rollback", "--list")
    assert listed.status == 0
    assert [line for line in listed.stdout.splitlines() if not line.startswith(" ")] == list(HOSTS)
    dry = deployed.runbook("rollback", "--dry-run", "--diff")
    assert "+    balance leastconn" in dry.stdout
    assert on_all(deployed, CONTENT) == after

    back = deployed.runbook("rollback", "--output", "json")
    assert (back.status, back.failed_checks()) == (0, {}), back.stdout + back.stderr
    assert on_all(deployed, CONTENT) == before
    original.write_text(good)
    verified = deployed.runbook("verify", "--output", "json")
    assert (verified.status, verified.failed_checks()) == (0, {})

    again = deployed.runbook("rollback")
    assert again.status == 0, again.stdout + again.stderr
    assert on_all(deployed, CONTENT) == after


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_run_finishes_the_host_in_hand_and_begins_no_other(
    deployed: Lab, sent: signal.Signals, status: int
) -> None:
    before = on_all(deployed, CONTENT)
    deployed.set("haproxy.balance", "roundrobin")
    done, in_hand, waiting = *BACKUPS, MASTER
    ended = interrupted_at(deployed, in_hand, sent)
    assert ended.status == status, ended.report
    assert ended.seconds < 5
    hosts, after = ended.report["hosts"], on_all(deployed, CONTENT)
    swapped = after[in_hand] != before[in_hand]  # or it was told of, and had not begun
    assert {name: {check["seen"] for check in hosts[name]["checks"]} for name in HOSTS} == {
        done: {f"changed, and not verified{WHY}"},
        in_hand: {f"changed, and not at its gate yet{WHY}" if swapped else f"left as it was{WHY}"},
        waiting: {f"left as it was{WHY}"},
    }
    assert [after[name] != before[name] for name in (done, waiting)] == [True, False]
    assert not any(on_all(deployed, f"{LEFTOVERS}; ls /run/kube-ha-pending 2>/dev/null").values())
    resumed = deployed.deploy("--output", "json")
    assert {name: host["changed"] for name, host in resumed.report["hosts"].items()} == {
        done: False,
        in_hand: not swapped,
        waiting: True,
    }


def test_run_that_was_killed_leaves_whole_files_and_the_next_one_converges(deployed: Lab) -> None:
    """A short pass of `python -m campaigns killed-deploy`: among looks, leases, drafts, the first host's change."""
    states = states_of(deployed)
    for number, point in enumerate((28, 40, 61), 1):
        go_to(deployed, number % 2)
        assert killed_at(deployed, point)
        assert wrong_after(deployed, states) == []


def test_first_deploy_has_no_generation_but_can_be_removed_and_repeated(fresh: Lab) -> None:
    assert fresh.deploy().status == 0
    before = on_all(fresh, FILES)
    back = fresh.runbook("rollback", "--output", "json")
    assert back.status == 1
    assert {host["error"]["type"] for host in back.report["hosts"].values()} == {"NothingKeptError"}
    assert on_all(fresh, FILES) == before

    refused = fresh.runbook("remove")
    assert (refused.status, "stdin is not a terminal" in refused.stderr) == (2, True)
    removed = fresh.runbook("remove", "--yes", "--output", "json")
    assert removed.status == 0, removed.stdout + removed.stderr
    assert [line for line in removed.stderr.splitlines() if "removing" in line][-1].endswith(MASTER)
    left = "ip -4 -oneline address show to 192.0.2.10; ls -d /var/lib/kube-ha /run/kube-ha*/ 2>/dev/null"
    for host in HOSTS:
        assert fresh.run(host, CONTENT.replace("sha256sum $file", "true")).split()[0] == "/etc/haproxy/haproxy.cfg"
        assert fresh.run(host, "dpkg --verify haproxy keepalived | grep /etc/ || true") == ""
        states = fresh.run(
            host, "systemctl is-active haproxy keepalived; systemctl is-enabled haproxy keepalived", check=False
        )
        assert states.split() == ["inactive", "inactive", "disabled", "disabled"]
        assert fresh.run(host, left, check=False) == ""
    again = fresh.deploy("--output", "json")
    assert (again.status, again.failed_checks()) == (0, {}), again.stdout
