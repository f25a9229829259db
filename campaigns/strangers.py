"""Verify and deploy beside a foreign router with the cluster's VRID and an advert every three seconds."""

import argparse
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from campaigns.shared.record import record
from rig.lab import copy_inventory
from rig.strangers import ADVERT_INT, beside_a_stranger, notice, speaking


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=50)


def run(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as folder:
        lab = copy_inventory("strange", Path(folder) / "inventory")
        with beside_a_stranger(lab), speaking(lab):
            lab.set("haproxy.balance", "source")
            noticed = notice(lab, options.times)
    median, longest = statistics.median(noticed.seconds), max(noticed.seconds)
    lines = [
        f"* A keepalived outside the cluster uses its VRID, with `advert_int {ADVERT_INT}`. Of {options.times} runs of",
        f"  verify, **{noticed.verified}** named it on each node. Of {options.times} deploys, **{noticed.refused}**",
        "  were refused because of it, and changed nothing.",
        f"* A verify took {median:.2f} s (median; longest {longest:.2f} s).",
    ]
    record("A router with the cluster's VRID", options.command, lines)
    return 0 if noticed.always else 1
