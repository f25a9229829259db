"""Start two deploys of the same hosts at once, again and again: one proceeds, the other leaves and names the first.

Written to docs/measured.md.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from campaigns.record import ROOT, record
from campaigns.rig import deployed_lab
from tests.lab.killing import go_to
from tests.lab.rig import Lab

HELD = 5  # exit code


@dataclass(frozen=True, slots=True)
class Ended:
    """A deploy that has ended.

    Arguments:
        process: its id
        status: its exit code
        seconds: from its first word, that it looks at the hosts, to its end
        report: its report
    """

    process: int
    status: int
    seconds: float
    report: dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    wrong, left = 0, []
    with deployed_lab("twice") as lab:
        for number in range(1, times + 1):
            go_to(lab, number % 2)
            with ThreadPoolExecutor(2) as both:
                first, second = sorted(both.map(_deploy, [lab, lab]), key=lambda each: each.status)
            if words := [*_wrong(first, second), *_unconverged(lab)]:
                wrong += 1
                sys.stderr.write(f"{number}: {'; '.join(words)}\n")
            left.append(second.seconds)
    lines = [
        f"* {times} times two deploys began at the same moment, with a change for all hosts. **{wrong} times** it was",
        "  otherwise than: one makes the change, the other leaves with exit code 5, has changed nothing, names the",
        "  first by its process, and the next deploy finds nothing to do.",
        f"* From its first look to its end the second took {statistics.median(left):.2f} s (median), {max(left):.2f} s",
        "  (longest); 1.2 s of it are spent listening.",
    ]
    record("Two controllers at once", "make deploy-twice", lines)
    return 1 if wrong else 0


def _deploy(lab: Lab) -> Ended:
    command = [sys.executable, "runbooks/deploy.py", "-i", str(lab.inventory), "--output", "json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr  # noqa: S101 - it is a pipe
        process.stderr.readline()
        began = time.monotonic()
        stdout, _ = process.communicate()
        return Ended(process.pid, process.returncode, time.monotonic() - began, json.loads(stdout))


def _wrong(first: Ended, second: Ended) -> Iterator[str]:
    if (first.status, second.status) != (0, HELD):
        yield f"exit codes {first.status} and {second.status}"
    if not first.report["changed"] or second.report["changed"]:
        yield "it is not the first that has changed something"
    errors = [host["error"]["message"] for host in second.report["hosts"].values() if host["error"]]
    if not errors or not all(f", process {first.process}, for " in message for message in errors):
        yield f"the second says {errors}"


def _unconverged(lab: Lab) -> Iterator[str]:
    again = lab.deploy("--output", "json")
    if again.status or again.report["changed"]:
        yield f"not converged: {again.stdout}{again.stderr}"


if __name__ == "__main__":
    sys.exit(main())
