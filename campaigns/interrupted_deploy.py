"""Interrupt a deploy while 30 hosts wait for their turn: hosts in hand are made safe, and no other is begun.

Written to docs/measured.md.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaigns.shared.record import record
from campaigns.shared.settings import set_up
from rig.clusters import FEW, QUIET, add_clusters, names_of
from rig.killing import SUMS, Interrupted, interrupted_at
from rig.lab import Lab, copy_inventory

INTERRUPTED = 128 + signal.SIGINT
CLUSTER = 3  # nodes of each: every node looks at its peers, so that one cluster of thirty would take nine hundred looks


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--hosts", type=int, default=30)


def run(options: argparse.Namespace) -> int:
    names = names_of(options.hosts // CLUSTER, CLUSTER)
    ended, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory("many", Path(folder) / "inventory")
        add_clusters(lab, names, CLUSTER)
        for key, value in QUIET.items():
            lab.set(key, value)
        with set_up(lab, *FEW):
            for number in range(1, options.times + 1):
                lab.set("keepalived.garp_master_refresh", 60 + number)  # a change for every host
                before = _sums(lab, names)
                host = random.choice(names)  # noqa: S311 - any moment will do
                one = interrupted_at(lab, host, signal.SIGINT, *FEW)
                ended.append(one)
                after = _sums(lab, names)
                words = [*_wrong(one, {name for name in names if before[name] != after[name]}, host)]
                wrong += bool(words)
                sys.stderr.write(f"{number}: at {host}, {one.seconds:.2f} s: {'; '.join(words) or 'nothing wrong'}\n")
    slowest = max(each.seconds for each in ended)
    lines = [
        f"* {len(ended)} deploys that change {options.hosts} serving hosts of {options.hosts // CLUSTER} clusters: the",
        "  clusters in parallel, the hosts of each in order. Each deploy was interrupted while one host changed. It",
        "  must end within 5 s with exit code 130 and begin no other host. Its report must say which hosts are",
        f"  changed, which are in hand, and which are as they were. **{wrong} times** it was otherwise.",
        f"* The longest time from Ctrl-C to the end was {slowest:.2f} s.",
    ]
    record("Ctrl-C while hosts wait for their turn", options.command, lines)
    return 1 if wrong else 0


def _sums(lab: Lab, names: list[str]) -> dict[str, str]:
    return {name: lab.run(name, SUMS) for name in names}


def _wrong(one: Interrupted, changed: set[str], in_hand: str) -> Iterator[str]:
    """Yield what differs from the expected outcome."""
    if one.status != INTERRUPTED:
        yield f"exit code {one.status}"
    if one.seconds > 5:
        yield f"took {one.seconds:.1f} s"
    hosts = one.report["hosts"]
    told = {name for name, host in hosts.items() if host["changed"]}
    if told != changed:
        yield f"changed are {sorted(changed)}, the report says {sorted(told)}"
    words = {name: {check["seen"] for check in host["checks"]} for name, host in hosts.items()}
    if in_hand in changed and not any("not at its gate" in seen for seen in words[in_hand]):
        yield f"{in_hand}: {words[in_hand]}"
    for name in hosts.keys() - changed:
        if not any("left as it was" in seen for seen in words[name]):
            yield f"{name}: {words[name]}"
