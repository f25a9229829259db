"""Failover tests of a lab, run as a user runs them: to their end, or interrupted."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nornir_kube_ha.tasks.faults import FOLDER
from rig.lab import HOSTS, ROOT, VIP, Completed, Lab, on_all

HOLDER = f'ip -4 -oneline address show to "{VIP}/32"'
PATIENCE = 30  # seconds: TCP backs off, so that a host whose link was down notices late that the controller is gone
LEFT = "systemctl list-units --plain --no-legend 'kube-ha-fault-*'; pgrep -f '[o]neline monitor' || true"


def failover_test(lab: Lab, *options: str) -> Completed:
    return lab.runbook("failover_test", "--yes", "--output", "json", *options)


def the_trial(completed: Completed) -> dict[str, Any]:
    [fault] = completed.report["faults"]
    [trial] = fault["trials"]
    found: dict[str, Any] = trial
    return found


def holders(lab: Lab) -> list[str]:
    return [host for host in HOSTS if lab.run(host, HOLDER)]


@contextmanager
def holders_of(lab: Lab) -> Iterator[list[tuple[str, ...]]]:
    """Yield the hosts that hold the VIP, in a new entry each time that this changes."""
    seen: list[tuple[str, ...]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            now = tuple(holders(lab))
            if seen[-1:] != [now]:
                seen.append(now)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def holder(lab: Lab) -> str:
    [name] = holders(lab)
    return name


def left(lab: Lab) -> str:
    """Return what a failover test has left on hosts, once they have had time to notice that the controller is gone."""
    deadline = time.monotonic() + PATIENCE
    while (words := "".join(on_all(lab, LEFT).values())) and time.monotonic() < deadline:
        time.sleep(0.5)
    return words


def begin(lab: Lab, *options: str) -> "subprocess.Popen[str]":
    """Start a failover test that goes on in the background."""
    for host in HOSTS:
        lab.run(host, f"rm -rf {FOLDER}")  # left by a killed controller: the next fault would sweep it
    command = [sys.executable, str(ROOT / "runbooks/failover_test.py"), "-i", str(lab.inventory), "--yes"]
    return subprocess.Popen(
        [*command, "--output", "json", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_fault(lab: Lab, process: "subprocess.Popen[str]") -> str:
    """Wait for the fault, and return the host that it was injected on."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for host in HOSTS:
            if "\nmade " in lab.run(host, f"cat {FOLDER}/story 2>/dev/null", check=False):
                return host
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no host tells of the fault"
