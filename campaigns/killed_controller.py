"""Kill the controller in the middle of each fault that a host makes: the host heals by itself, and verify is green.

Written to docs/failover.md. A fault lasts eight seconds here; the controller is killed within the first of them.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from campaigns.failover_page import PAGE
from campaigns.record import ROOT, record
from campaigns.rig import deployed_lab
from tests.lab.breaking import left
from tests.lab.rig import HOSTS, Lab

from nornir_kube_ha.faults import FAULTS, Way

HOLD = 8.0  # seconds
PATIENCE = 30.0  # seconds beyond that, until every check must pass
ARMED = "systemctl is-active 'kube-ha-fault-*.timer'"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20)
    repeat = parser.parse_args().repeat
    names = [fault.name for fault in FAULTS.values() if fault.way is Way.HOST]
    with deployed_lab("killed") as lab:
        lines = list(_table(lab, names, repeat))
    record("The controller killed in the middle of a fault", f"make failover-killed REPEAT={repeat}", lines, PAGE)
    return 0 if all(line.endswith("all |") for line in lines[2:]) else 1


def _table(lab: Lab, names: list[str], repeat: int) -> Iterator[str]:
    yield "| fault | times | healed by itself, every check green after (longest) | nothing left on a host |"
    yield "|---|---|---|---|"
    for name in names:
        took, left = zip(*(_kill(lab, name) for _ in range(repeat)), strict=True)
        healed = [seconds for seconds in took if seconds is not None]
        clean = sum(not words for words in left)
        cells = [
            f"`{name}`",
            str(repeat),
            f"{len(healed)}, {max(healed, default=0):.1f} s",
            "all" if clean == len(healed) == repeat else f"{clean}",
        ]
        sys.stderr.write(f"{cells}\n")
        yield f"| {' | '.join(cells)} |"


def _kill(lab: Lab, name: str) -> tuple[float | None, str]:
    """Seconds from the kill until all is well, none if that does not come; what is left then."""
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
        _await_fault(lab, process)
        time.sleep(random.uniform(0, 1))  # noqa: S311 - any moment will do
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    killed = time.monotonic()
    # Not before its time is over: some faults leave every check green.
    time.sleep(HOLD)
    while lab.runbook("verify").status:
        if time.monotonic() - killed > HOLD + PATIENCE:
            lab.deploy()
            return None, ""
    seconds = time.monotonic() - killed
    return seconds, left(lab)


def _await_fault(lab: Lab, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a host's timer is armed."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if any("active" in lab.run(host, ARMED, check=False).split() for host in HOSTS):
            return


if __name__ == "__main__":
    sys.exit(main())
