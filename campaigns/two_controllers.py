"""Start two deploys of the same hosts at once, many times: one proceeds, the other ends and names the first.

Written to docs/measured.md.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from campaigns.shared.record import ROOT, record
from campaigns.shared.settings import deployed_lab
from rig.killing import go_to
from rig.lab import Lab

HELD = 5  # exit code


@dataclass(frozen=True, slots=True)
class Ended:
    """A deploy that has ended. Times are of this machine's monotonic clock, in seconds.

    Arguments:
        process: process id
        status: exit code
        began: when it was started
        looked: when it began to look at the hosts, with Python and its libraries loaded
        worked: when it reported its first change, with all leases; None: it changed nothing
        ended: when it ended
        report: the deploy's report
    """

    process: int
    status: int
    began: float
    looked: float
    worked: float | None
    ended: float
    report: dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=20)


def run(options: argparse.Namespace) -> int:
    times = options.times
    wrong = 0
    together, later = list[tuple[Ended, Ended]](), list[tuple[Ended, Ended]]()
    with deployed_lab("twice") as lab:
        for number in range(1, 2 * times + 1):
            go_to(lab, number % 2)
            first, second = _two_deploys(lab, at_once=number <= times)
            (together if number <= times else later).append((first, second))
            if words := [*_wrong(first, second), *_unconverged(lab)]:
                wrong += 1
                sys.stderr.write(f"{number}: {'; '.join(words)}\n")
    after_lease = _told(other.ended - (one.worked or 0) for one, other in together)
    whole = _told(other.ended - other.began for _, other in later)
    looks = [_told(other.ended - other.looked for _, other in each) for each in (together, later)]
    lines = [
        f"* Two deploys of a change for all hosts began at the same moment {times} times. {times} times one began",
        "  while another was at work. One must make the change. The other must end with exit code 5, change nothing,",
        f"  and name the first by its process. The next deploy must find nothing to do. **{wrong} times** it was",
        "  otherwise.",
        f"* At the same moment: the second ended {after_lease} after the first had every lease. It ended",
        f"  {looks[0]} after it began to look, and listened for 1.2 s of that.",
        f"* While another is at work: the second ended {looks[1]} after it began to look. It ended",
        f"  {whole} after its own start, including that of Python and its libraries.",
    ]
    record("Two controllers at once", options.command, lines)
    return 1 if wrong else 0


def _told(seconds: Iterable[float]) -> str:
    kept = [*seconds]
    return f"{statistics.median(kept):.2f} s (median; longest {max(kept):.2f} s)"


def _two_deploys(lab: Lab, *, at_once: bool) -> tuple[Ended, Ended]:
    """Return the deploy that made the change, and the other."""
    at_work = threading.Event()
    with ThreadPoolExecutor(2) as both:
        one = both.submit(_deploy, lab, at_work)
        if not at_once:
            at_work.wait()
        other = both.submit(_deploy, lab, threading.Event())
        first, second = sorted((one.result(), other.result()), key=lambda each: each.status)
        return first, second


def _deploy(lab: Lab, at_work: threading.Event) -> Ended:
    command = [sys.executable, "runbooks/deploy.py", "-i", str(lab.inventory), "--output", "json"]
    began, looked, worked = time.monotonic(), 0.0, None
    with (
        tempfile.TemporaryFile() as stdout,
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE) as process,
    ):
        assert process.stderr  # noqa: S101 - it is a pipe
        for line in process.stderr:
            if line.startswith(b"looking"):
                looked = looked or time.monotonic()
            elif line.startswith(b"staging"):
                worked = time.monotonic()
                at_work.set()
        status, ended = process.wait(), time.monotonic()
        at_work.set()
        stdout.seek(0)
        return Ended(process.pid, status, began, looked, worked, ended, json.load(stdout))


def _wrong(first: Ended, second: Ended) -> Iterator[str]:
    if (first.status, second.status) != (0, HELD):
        yield f"exit codes {first.status} and {second.status}"
    if not first.report["changed"] or second.report["changed"]:
        yield "it is not the first that has changed something"
    errors = [host["error"]["message"] for host in second.report["hosts"].values() if host["error"]]
    if not errors or not all(f", process {first.process} holds the lease" in message for message in errors):
        yield f"the second says {errors}"


def _unconverged(lab: Lab) -> Iterator[str]:
    again = lab.deploy("--output", "json")
    if again.status or again.report["changed"]:
        yield f"not converged: {again.stdout}{again.stderr}"
