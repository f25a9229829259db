"""Deploy and verify twenty clusters of three in one inventory, break one, and deploy a change while it is broken.

Written to docs/measured.md.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaigns.shared.record import ROOT, record
from rig.clusters import BREAK, FEW, MEND, QUIET, add_clusters, names_of, red_clusters
from rig.lab import Completed, Lab, copy_inventory

NODES = 3
BROKEN, ILL = "c7", "lb-24"  # the last backup of c7


@dataclass(frozen=True, slots=True)
class Seen:
    """One runbook over all hosts.

    Arguments:
        completed: the command
        seconds: wall time, Python's start included
        cpu: seconds of the controller's processor time
        memory: the controller's largest so far, in MB
    """

    completed: Completed
    seconds: float
    cpu: float
    memory: float

    @property
    def row(self) -> str:
        """A row of a Markdown table."""
        report = self.completed.report
        clusters, red = len(report["clusters"]), red_clusters(self.completed)
        changed = sum(host["changed"] for host in report["hosts"].values())
        counts = f"{clusters - len(red)} | {', '.join(sorted(red)) or '-'} | {self.completed.status} | {changed}"
        return f"{counts} | {self.seconds:.1f} | {self.cpu:.1f} | {self.memory:.0f} |"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clusters", type=int, default=20)


def run(options: argparse.Namespace) -> int:
    clusters = options.clusters
    with _lab(clusters) as lab:
        rows = {"deploy, packages installed": _run(lab, "deploy"), "verify": _run(lab, "verify")}
        lab.run(ILL, "systemctl stop haproxy")
        rows["verify, haproxy stopped on one host"] = _run(lab, "verify")
        lab.run(ILL, f"systemctl start haproxy; {BREAK}")
        lab.set("haproxy.balance", "source")
        rows["deploy of a change, which one host cannot reload"] = _run(lab, "deploy")
        lab.run(ILL, MEND)
        rows["deploy again, that mended"] = _run(lab, "deploy")
        rows["deploy again"] = _run(lab, "deploy")
    first, verify, stopped, change, rest, nothing = (seen.completed for seen in rows.values())
    green = all((each.status, red_clusters(each)) == (0, set()) for each in (first, verify, rest, nothing))
    one_red = all((each.status, red_clusters(each)) == (1, {BROKEN}) for each in (stopped, change))
    lines = [
        f"* {clusters} clusters of {NODES}: {clusters * NODES} hosts on one machine, whose own work is part of the",
        f"  wall time. `{' '.join(FEW)}` limits how many work at once. A cluster is red if one of its hosts or checks",
        "  did not pass.",
        "",
        "| run | green | red | exit code | hosts changed | wall, s | controller's CPU, s | and memory, MB |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {words} | {seen.row}" for words, seen in rows.items()),
    ]
    record("Many clusters in one inventory", options.command, lines)
    return 0 if green and one_red and not nothing.report["changed"] else 1


@contextmanager
def _lab(clusters: int) -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory("fleet", Path(folder) / "inventory")
        add_clusters(lab, names_of(clusters, NODES), NODES)
        for key, value in QUIET.items():
            lab.set(key, value)
        lab.up("--installed")
        try:
            yield lab
        finally:
            lab.down()


def _run(lab: Lab, runbook: str) -> Seen:
    command = [sys.executable, f"runbooks/{runbook}.py", "-i", str(lab.inventory), "--output", "json", *FEW]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seen = Seen(
        Completed(done.returncode, done.stdout, done.stderr), time.monotonic() - begun, cpu, after.ru_maxrss / 1024
    )
    sys.stderr.write(f"{runbook}: {seen.row}\n{done.stderr[-2000:] if done.returncode else ''}")
    return seen
