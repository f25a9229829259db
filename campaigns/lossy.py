"""Verify, and deploy a change, over a network with packet loss or latency: each ends right, or with a fitting error.

Written to docs/measured.md.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.shared.record import ROOT, record
from campaigns.shared.settings import deployed_lab
from rig.killing import SUMS, States, go_to, states_of, wrong_after
from rig.lab import Completed, Lab, on_all
from rig.lossy import errors, far_away, losing, wrong_in_deploy, wrong_in_verify

LOSSES = (5, 30, 50)  # percent
FAR = 0.2  # seconds, each way
DEADLINES = {"verify": 120, "deploy": 600}  # seconds


@dataclass
class Seen:
    """Results of one runbook over one network.

    Arguments:
        network: description of the network
        runbook: name of the runbook
    """

    network: str
    runbook: str
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    completed: int = 0
    wrong: int = 0

    @property
    def row(self) -> str:
        """A row of a Markdown table."""
        took = f"{statistics.median(self.seconds):.1f} | {max(self.seconds):.1f}"
        said = ", ".join(f"{count} {name}" for name, count in sorted(self.errors.items())) or "-"
        done = f"{self.completed} of {len(self.seconds)}"
        return f"| {self.network} | {self.runbook} | {done} | {took} | {said} | {self.wrong} |"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=5)


def run(options: argparse.Namespace) -> int:
    times, kept = options.times, list[Seen]()
    with deployed_lab("lossy") as lab:
        states = states_of(lab)
        for percent in LOSSES:
            kept += _over(f"{percent} % lost each way", lab, states, times, percent)
        kept += _over(f"{FAR * 1000:g} ms each way", lab, states, times, None)
    wrong = sum(each.wrong for each in kept)
    lines = [
        f"* Each runbook ran {times} times over each network. A deploy changes both daemons' files on all three nodes.",
        f"* **{wrong} reports were wrong.** Wrong is a check that fails on a healthy host, or an error that the",
        "  network did not cause. A report that passes a host that was not reached is wrong, and one that is wrong",
        "  about what was changed. Also wrong is a live file that is neither the old nor the new one. So is a next",
        "  deploy over a good network that does not converge.",
        "",
        "| network | runbook | completed | median, s | longest, s | hosts with an error | wrong |",
        "|---|---|---|---|---|---|---|",
        *(each.row for each in kept),
    ]
    record("A bad network between controller and hosts", options.command, lines)
    return 1 if wrong else 0


def _over(network: str, lab: Lab, states: States, times: int, percent: int | None) -> Iterable[Seen]:
    verify, deploy = Seen(network, "verify"), Seen(network, "deploy")
    for number in range(1, times + 1):
        with _bad(lab, percent) as bad:
            seen = _run(bad, verify)
        _note(verify, seen, [*wrong_in_verify(seen)])
        go_to(lab, number % 2)
        before = on_all(lab, SUMS)
        with _bad(lab, percent) as bad:
            seen = _run(bad, deploy)
        words = [*wrong_in_deploy(seen, before, on_all(lab, SUMS))]
        _note(deploy, seen, [*words, *wrong_after(lab, states)])
    go_to(lab, 0)
    lab.deploy()
    return verify, deploy


@contextmanager
def _bad(lab: Lab, percent: int | None) -> Iterator[Lab]:
    """Yield the lab over a network that loses so many percent of packets; None: over one with latency."""
    if percent is None:
        with tempfile.TemporaryDirectory() as folder, far_away(lab, FAR, Path(folder)) as far:
            yield far
    else:
        with losing(lab, percent):
            yield lab


def _run(lab: Lab, seen: Seen) -> Completed:
    command = [sys.executable, f"runbooks/{seen.runbook}.py", "-i", str(lab.inventory), "--output", "json"]
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINES[seen.runbook]
    )
    seen.seconds.append(time.monotonic() - begun)
    return Completed(done.returncode, done.stdout, done.stderr)


def _note(seen: Seen, completed: Completed, words: list[str]) -> None:
    seen.completed += not completed.status
    seen.errors.update(errors(completed).values())
    seen.wrong += bool(words)
    told = "; ".join(words) or "nothing wrong"
    sys.stderr.write(f"{seen.network}, {seen.runbook}: {completed.status}, {seen.seconds[-1]:.1f} s: {told}\n")
