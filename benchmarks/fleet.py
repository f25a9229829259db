"""Measure what many hosts cost the controller: an SSH server on the loopback answers for all of them.

Written to docs/performance.md. The server is paramiko's, in a process of its own that is not counted. Its answers were
recorded on real hosts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.table import PAGE
from campaigns.shared.record import ROOT, record

KUBE_HA = Path(sys.executable).with_name("kube-ha")
RUNS = {"verify": ("verify",), "deploy": ("deploy",), "deploy --quick": ("deploy", "--quick")}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took.

    Arguments:
        seconds: wall time
        cpu: seconds of processor time
        memory: the largest, in MB
    """

    seconds: float
    cpu: float
    memory: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[30, 100, 300, 999])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    rows = []
    for hosts in options.hosts:
        with tempfile.TemporaryDirectory() as folder:
            rows += _of_fleet(Path(folder), hosts // 3 * 3, options.repeat)
    lines = [
        f"Medians of {options.repeat}. Clusters of three in one inventory, all on one SSH server of the loopback;",
        "every host gets all checks. The difference between two rows is the cost of the added hosts.",
        "",
        "| run | hosts | wall, s | controller's CPU, s | CPU a host, ms | memory, MB |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    hosts = " ".join(map(str, options.hosts))
    command = f"python -m benchmarks.fleet --hosts {hosts} --repeat {options.repeat}"
    record("A fleet", command, lines, PAGE)
    return 0


def _of_fleet(folder: Path, hosts: int, repeat: int) -> list[str]:
    command = [sys.executable, "-m", "rig.loopback.fleet", str(folder), str(hosts)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout  # noqa: S101 - both are pipes
        assert server.stdin  # noqa: S101
        server.stdout.readline()
        costs: dict[str, list[Cost]] = {name: [] for name in RUNS}
        for _ in range(repeat):
            for name, words in RUNS.items():
                costs[name].append(_cost([str(KUBE_HA), *words, "-i", str(folder)]))
                sys.stderr.write(f"{name}, {hosts} hosts: {costs[name][-1]}\n")
        server.stdin.close()
    return [_row(name, hosts, taken) for name, taken in costs.items()]


def _cost(command: Sequence[str]) -> Cost:
    """Run a command and return its cost. `wait4` has the memory of this child, not the largest of all children."""
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = status
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return Cost(time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _row(name: str, hosts: int, taken: Sequence[Cost]) -> str:
    seconds, cpu, memory = (median(getattr(cost, each) for cost in taken) for each in ("seconds", "cpu", "memory"))
    return f"| {name} | {hosts} | {seconds:.1f} | {cpu:.1f} | {cpu / hosts * 1000:.0f} | {memory:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
