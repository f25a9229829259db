"""What a run costs on the wire: one login a host, and few commands on it. sshd itself counts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.lab.rig import HOSTS, Lab, on_all

VERBOSE = "echo 'LogLevel VERBOSE' >/etc/ssh/sshd_config.d/count.conf && systemctl reload ssh"
QUIET = "rm -f /etc/ssh/sshd_config.d/count.conf && systemctl reload ssh"
CURSOR = "journalctl --unit ssh --lines 1 --show-cursor --quiet | sed -n 's/^-- cursor: //p'"


@contextmanager
def counting(lab: Lab) -> Iterator[dict[str, tuple[int, int]]]:
    """Logins and commands on each host, from here to the end of the block; filled in then."""
    counts: dict[str, tuple[int, int]] = {}
    for host in HOSTS:
        lab.run(host, VERBOSE)
    cursors = on_all(lab, CURSOR)
    try:
        yield counts
        for host, cursor in cursors.items():
            journal = lab.run(
                host, f"journalctl --unit ssh --output cat --after-cursor '{cursor.strip()}'"
            ).splitlines()
            logins = sum(line.startswith("Accepted publickey for ") for line in journal)
            commands = sum(line.startswith("Starting session: command") for line in journal)
            counts[host] = (logins, commands)
    finally:
        for host in HOSTS:
            lab.run(host, QUIET)


@pytest.mark.parametrize("runbook", ["deploy", "verify"])
def test_a_run_that_changes_nothing_is_one_login_and_one_round_trip(deployed: Lab, runbook: str) -> None:
    with counting(deployed) as counts:
        assert deployed.runbook(runbook).status == 0
    assert counts == dict.fromkeys(HOSTS, (1, 1))


def test_a_quick_deploy_that_changes_nothing_is_one_round_trip_and_listens_for_nobody(deployed: Lab) -> None:
    deployed.set("verify.listen", 20)
    begun = time.monotonic()
    with counting(deployed) as counts:
        assert deployed.deploy("--quick").status == 0
    assert counts == dict.fromkeys(HOSTS, (1, 1))
    assert time.monotonic() - begun < 15


def test_a_changed_file_is_one_login_and_a_handful_of_round_trips(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "roundrobin")
    with counting(deployed) as counts:
        assert deployed.deploy().status == 0
    assert {logins for logins, _ in counts.values()} == {1}
    # Look, lease, stage, commit, reload, gate, look, release; and looks until haproxy has seen all apiservers.
    assert all(8 <= commands <= 8 + 4 for _, commands in counts.values()), counts


def test_a_fresh_deploy_is_one_login(fresh: Lab) -> None:
    with counting(fresh) as counts:
        assert fresh.deploy().status == 0
    assert {logins for logins, _ in counts.values()} == {1}
    # Look, lease, install, look, stage, commit, start, look, release; and looks until an election has been held.
    assert all(9 <= commands <= 9 + 20 for _, commands in counts.values()), counts
