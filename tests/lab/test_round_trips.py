"""What a run costs on the wire: one login a host, and few commands on it. sshd itself counts."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rig.lab import HOSTS, VERBOSE, Completed, Lab, on_all

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


def test_a_quick_deploy_that_changes_nothing_is_one_round_trip_without_listening(deployed: Lab) -> None:
    deployed.set("verify.listen", 30)  # far longer than the kernel remembers
    begun = time.monotonic()
    with counting(deployed) as counts:
        assert deployed.deploy("--quick").status == 0
    assert counts == dict.fromkeys(HOSTS, (1, 1))
    assert time.monotonic() - begun < 15


def looks_in(completed: Completed) -> Counter[str]:
    """How often a run at `-v` has looked at each host."""
    tasks = re.split(r"^(?=\w+\*{9,}$)", completed.stderr, flags=re.MULTILINE)
    looks = "".join(task for task in tasks if task.startswith("get_facts*"))
    return Counter(re.findall(r"^\* (\S+) \*\* changed", looks, re.MULTILINE))


def test_a_changed_file_is_seven_round_trips(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "roundrobin")
    with counting(deployed) as counts:
        completed = deployed.deploy("-v")
    assert completed.status == 0
    looks = looks_in(completed)
    # What there is, the gate, the end; and looks until haproxy has seen all apiservers.
    assert all(3 <= looks[host] <= 3 + 4 for host in HOSTS), looks
    # Beside these: lease, stage, swap and reload, release.
    assert counts == {host: (1, looks[host] + 4) for host in HOSTS}


def test_a_fresh_deploy_is_eight_round_trips(fresh: Lab) -> None:
    with counting(fresh) as counts:
        completed = fresh.deploy("-v")
    assert completed.status == 0
    looks = looks_in(completed)
    # What there is, what was installed, the end; and looks until all is well, on a busy machine.
    assert all(3 <= looks[host] <= 3 + 4 for host in HOSTS), looks
    # Beside these: lease, install, stage, swap and start, release.
    assert counts == {host: (1, looks[host] + 5) for host in HOSTS}
