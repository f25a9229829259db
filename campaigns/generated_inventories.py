"""Generate inventories, some of them malicious: each must render, or be refused with a message.

The files of accepted inventories are validated by haproxy and keepalived on lab hosts. Written to docs/measured.md.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from campaigns.shared.record import ROOT, record
from campaigns.shared.settings import deployed_lab
from rig.inventories import rendered, taken, write
from rig.judging import refusals, staging, unexplained
from rig.lab import HOSTS
from rig.samples import DATA, debian_12

from nornir_kube_ha.intent import Node

TEST = "tests/unit/inventory/test_generated.py"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--examples", type=int, default=10_000, help="number of inventories")
    parser.add_argument(
        "--judged", type=int, default=1000, help="maximum number of inventories whose files the daemons validate"
    )


def run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = _make_up(options.examples, folder / "taken")
        sys.stderr.write(done.stdout)
        if done.returncode:
            return 1  # hypothesis has printed the smallest inventory that fails
        nodes, sets = _staged(folder, options.judged)
    with deployed_lab("judge") as lab, ThreadPoolExecutor(len(HOSTS)) as pool:
        shares = [{number: sets[number] for number in [*sets][part :: len(HOSTS)]} for part in range(len(HOSTS))]
        refused = {
            number: words
            for found in pool.map(refusals, [lab] * len(HOSTS), HOSTS, shares)
            for number, words in found.items()
        }
    wrong = [bad for number, words in refused.items() if (bad := unexplained(words, nodes[number]))]
    sys.stderr.write("".join(f"{bad}\n" for bad in wrong))
    explained = len(refused) - len(wrong)
    lines = [
        *_shares(options.examples, done.stdout),
        "* **0 tracebacks, 0 packets, 0 commands run.**",
        f"* `haproxy -c` and `keepalived -t` of Debian 12 validated one host's files of {len(sets)} accepted",
        f"  inventories, at their live paths. They accepted {len(sets) - len(refused)}, and refused {explained} for a",
        f"  user, a group or an interface that the host does not have. They refused **{len(wrong)}** for another",
        "  reason.",
    ]
    record("Generated inventories, hostile ones included", options.command, lines)
    return 1 if wrong else 0


def _make_up(examples: int, keep: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", "7200", "--hypothesis-show-statistics", TEST]
    environment = {**os.environ, "KUBE_HA_EXAMPLES": str(examples), "KUBE_HA_TAKEN": str(keep)}
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)


def _staged(folder: Path, most: int) -> tuple[dict[int, Node], dict[int, str]]:
    """Return a node, and the script that has its files validated, for evenly spread accepted inventories."""
    lines = (folder / "taken").read_text(encoding="utf-8").splitlines()
    shutil.copy(DATA / "ca.crt", folder)
    facts, nodes, sets = debian_12(), dict[int, Node](), dict[int, str]()
    for number, line in enumerate(lines[:: -(-len(lines) // most)]):
        write(folder, json.loads(line))
        found = taken(folder)
        assert found, line  # noqa: S101 - it was taken before
        node = nodes[number] = found[1].nodes[number % len(found[1].nodes)]
        sets[number] = staging(number, node, rendered(*found, node.name, facts), facts)
    return nodes, sets


def _shares(examples: int, printed: str) -> list[str]:
    shares = {what: float(share) for share, what in re.findall(r"([\d.]+)%, (taken|refused)", printed)}
    of_all = sum(shares.values())  # less than 100: hypothesis discards some examples
    taken_share, refused_share = (f"{shares.get(what, 0) / of_all:.1%}" for what in ("taken", "refused"))
    return [
        f"* {examples} inventories: half of them good ones with up to six unusual settings, half with up to three",
        f"  defects. {taken_share} were accepted, and rendered to printable lines. {refused_share} were refused with a",
        "  message that names a host or a key.",
    ]
