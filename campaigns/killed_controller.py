"""Kill the controller during each fault that a host injects: the host must heal by itself, and verify must pass.

Written to docs/failover.md. A fault lasts eight seconds here; the controller is killed within the first of them.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from campaigns.shared.failover_page import PAGE
from campaigns.shared.labs import share_out
from campaigns.shared.record import ROOT, record
from rig.breaking import left
from rig.lab import HOSTS, Lab

from nornir_kube_ha.failover.faults import FAULTS, Way

HOLD = 8.0  # seconds
PATIENCE = 30.0  # seconds beyond that, until every check must pass
ARMED = "systemctl is-active 'kube-ha-fault-*.timer'"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--labs", type=int, default=1, help="number of labs that work in parallel")


def run(options: argparse.Namespace) -> int:
    names = [fault.name for fault in FAULTS.values() if fault.way is Way.HOST]
    found: dict[str, list[Killed]] = {name: [] for name in names}

    def kill(lab: Lab, name: str) -> None:
        one = _kill(lab, name)
        if one is None:  # the cluster did not pass every check, so no fault was injected
            lab.await_healthy()
            one = _kill(lab, name) or Killed(None, "the fault never came")
        found[name].append(one)
        sys.stderr.write(f"{name} {len(found[name])}/{options.repeat}: {found[name][-1]}\n")

    share_out("kc", options.labs, names * options.repeat, kill, settings=lambda _: "ours")
    record("The controller killed in the middle of a fault", options.command, _table(found), PAGE)
    good = [each for kills in found.values() for each in kills if each.seconds is not None and not each.left]
    return 0 if len(good) == len(names) * options.repeat else 1


def _table(found: Mapping[str, list["Killed"]]) -> Iterator[str]:
    yield "| fault | times | healed by itself, every check green after (longest) | nothing left on a host |"
    yield "|---|---|---|---|"
    for name, kills in found.items():
        healed = [each.seconds for each in kills if each.seconds is not None]
        clean = sum(not each.left for each in kills)
        cells = [
            f"`{name}`",
            str(len(kills)),
            f"{len(healed)}, {max(healed, default=0):.1f} s",
            "all" if clean == len(healed) == len(kills) else f"{clean}",
        ]
        yield f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Killed:
    """The result of one kill."""

    seconds: float | None
    """From the kill until every check passes; None if they never do."""
    left: str
    """What is left on hosts afterwards."""


def _kill(lab: Lab, name: str) -> Killed | None:
    """Kill the controller once a fault shows. Return None if the failover test ended by itself before."""
    command = [sys.executable, "runbooks/failover_test.py", "-i", str(lab.inventory), "--fault", name, "--yes"]
    process = subprocess.Popen(
        [*command, "--hold", f"{HOLD:g}s"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        there = _await_fault(lab, process)
        time.sleep(random.uniform(0, 1))  # noqa: S311 - any moment will do
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    if not there:
        return None
    killed = time.monotonic()
    # Not before the fault's time is over: some faults leave every check green.
    time.sleep(HOLD)
    while lab.runbook("verify").status:
        if time.monotonic() - killed > HOLD + PATIENCE:
            lab.deploy()
            return Killed(None, "")
    return Killed(time.monotonic() - killed, left(lab))


def _await_fault(lab: Lab, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until a host's timer is armed. Return False if that does not happen."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if any("active" in lab.run(host, ARMED, check=False).split() for host in HOSTS):
            return True
    return False
