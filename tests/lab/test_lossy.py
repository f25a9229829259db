"""A network between us and the hosts that loses packets, or is slow: what is done is right, or said to be unknown."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.killing import SUMS
from rig.lab import Lab, on_all
from rig.lossy import errors, far_away, losing, wrong_in_deploy, wrong_in_verify

SOON = 120  # seconds; a login and each step have times of their own
FAR = 0.2  # seconds each way


@contextmanager
def soon() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SOON


def test_what_is_said_is_true(deployed: Lab) -> None:
    with losing(deployed, 30), soon():
        completed = deployed.runbook("verify", "--output", "json")
    assert [*wrong_in_verify(completed)] == []


def test_what_is_said_to_be_changed_is_and_the_next_run_does_the_rest(deployed: Lab) -> None:
    before = on_all(deployed, SUMS)
    deployed.set("haproxy.balance", "source")
    with losing(deployed, 5):
        completed = deployed.deploy("--output", "json")
    assert [*wrong_in_deploy(completed, before, on_all(deployed, SUMS))] == []
    again = deployed.deploy("--output", "json")
    assert again.status == 0, again.stdout
    assert not deployed.deploy("--output", "json").report["changed"]


def test_hosts_that_are_far_away_are_looked_at_and_changed(deployed: Lab, tmp_path: Path) -> None:
    deployed.set("haproxy.balance", "source")
    before = on_all(deployed, SUMS)
    with far_away(deployed, FAR, tmp_path / "far") as far:
        with soon():
            changed = far.deploy("--output", "json")
        seen = far.runbook("verify", "--output", "json")
    assert [*wrong_in_deploy(changed, before, on_all(deployed, SUMS))] == []
    assert [*wrong_in_verify(seen)] == []
    assert errors(changed) == errors(seen) == {}
