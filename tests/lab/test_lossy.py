"""A network that loses packets between us and the hosts: what is done is done right, or is said to be unknown."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.killing import SUMS
from tests.lab.rig import Completed, Lab, on_all

SOON = 120  # seconds; a login and each step have times of their own
LOST = {"HostUnreachableError", "RemoteTimeoutError", "GateError"}  # the gate was not seen in time
LOSS = """table inet lossy {
    chain in { type filter hook input priority 0; tcp dport 22 numgen random mod 100 < %d drop; }
    chain out { type filter hook output priority 0; tcp sport 22 numgen random mod 100 < %d drop; }
}"""


@contextmanager
def losing(lab: Lab, percent: int) -> Iterator[None]:
    """So much is lost of what goes between us and any host, each way."""
    on_all(lab, f"nft '{LOSS % (percent, percent)}'")
    try:
        yield
    finally:
        on_all(lab, "nft delete table inet lossy")


def errors(completed: Completed) -> dict[str, str]:
    """Types of what went wrong, by host; nothing but what a lost connection is called."""
    found = {name: host["error"]["type"] for name, host in completed.report["hosts"].items() if host["error"]}
    assert set(found.values()) <= LOST, completed.report["hosts"]
    return found


def test_what_is_said_is_true(deployed: Lab) -> None:
    begun = time.monotonic()
    with losing(deployed, 30):
        completed = deployed.runbook("verify", "--output", "json")
    assert time.monotonic() - begun < SOON
    lost = errors(completed)
    assert completed.status == (4 if lost else 0), completed.stdout
    red = completed.report["hosts"]
    assert not [check for host in red.values() for check in host["checks"] if check["status"] == "fail"]
    assert {name for name, host in red.items() if host["status"] != "passed"} == set(lost)


def test_what_is_said_to_be_changed_is_and_the_next_run_does_the_rest(deployed: Lab) -> None:
    before = on_all(deployed, SUMS)
    deployed.set("haproxy.balance", "source")
    with losing(deployed, 5):
        completed = deployed.deploy("--output", "json")
    assert bool(completed.status) == bool(errors(completed)), completed.stdout
    after = on_all(deployed, SUMS)
    for name, host in completed.report["hosts"].items():
        assert host["changed"] or after[name] == before[name]
    again = deployed.deploy("--output", "json")
    assert again.status == 0, again.stdout
    assert not deployed.deploy("--output", "json").report["changed"]
