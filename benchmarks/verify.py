"""What verify costs beside the least that it could: log in to the same hosts, and run `true`."""

import argparse
import statistics
import subprocess
import sys
import time

from campaigns.record import record
from campaigns.rig import deployed_lab
from tests.lab.rig import ROOT, Lab

BARE = """
import sys
from nornir_kube_ha.runbooks.selection import enter_lab, open_inventory
from nornir_kube_ha.tasks.remote import run_script
from pathlib import Path
inventory = Path(sys.argv[1])
nornir = open_inventory(inventory, forks=32)
enter_lab(nornir, list(nornir.inventory.hosts), inventory)
results = nornir.run(lambda task: run_script(task, "true\\n", timeout=10))
nornir.close_connections()
sys.exit(results.failed)
"""


def timed(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - started


def compare(lab: Lab, pairs: int) -> tuple[list[float], list[float]]:
    """Seconds of each, by turns, so that both meet the same machine."""
    verify, bare = [], []
    for _ in range(pairs):
        verify.append(timed([sys.executable, "runbooks/verify.py", "-i", str(lab.inventory)]))
        bare.append(timed([sys.executable, "-c", BARE, str(lab.inventory)]))
    return verify, bare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    pairs = parser.parse_args().pairs
    with deployed_lab("bench") as lab:
        verify, bare = compare(lab, pairs)
    whole, least = statistics.median(verify), statistics.median(bare)
    words = (
        f"Three hosts, {pairs} pairs by turns, each a process of its own, median of wall time: verify {whole:.2f} s, "
        f"logging in and running `true` {least:.2f} s, **ratio {whole / least:.2f}**; "
        f"without the 1.2 s for which verify listens {(whole - 1.2) / least:.2f}."
    )
    record("Verify beside a bare login", "make bench", [words])
    return 0


if __name__ == "__main__":
    sys.exit(main())
