"""Verify a healthy cluster many times: each alarm is false. Written to docs/measured.md."""

import argparse
import statistics
import sys
import time
from collections import Counter

from campaigns.shared.record import record
from campaigns.shared.settings import deployed_lab


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=200)


def run(options: argparse.Namespace) -> int:
    runs = options.runs
    seconds, statuses, alarms = [], Counter[str](), 0
    with deployed_lab("clean") as lab:
        for number in range(runs):
            started = time.monotonic()
            seen = lab.runbook("verify", "--output", "json")
            seconds.append(time.monotonic() - started)
            parts = [*seen.report["hosts"].values(), *seen.report["clusters"].values()]
            statuses.update(check["status"] for part in parts for check in part["checks"])
            if seen.status or seen.red_checks():
                alarms += 1
                sys.stderr.write(f"run {number}: {seen.red_checks()}\n{seen.stdout}\n")
    counts = ", ".join(f"{count} {status}" for status, count in statuses.items())
    took = f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s"
    lines = [
        f"* {runs} runs on three healthy hosts: **{alarms} false alarms**. Checks: {counts}.",
        f"* A run with its logins, but without Python's start: {took}.",
    ]
    record("False alarms of verify", options.command, lines)
    return 1 if alarms or set(statuses) != {"pass"} else 0
