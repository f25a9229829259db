"""Verify and deploy beside a foreign router with the cluster's VRID and an advert every three seconds."""

import argparse
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from campaigns.record import record
from rig.lab import copy_inventory
from rig.strangers import ADVERT_INT, beside_a_stranger, notice, speaking


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    times = parser.parse_args().times
    with TemporaryDirectory() as folder:
        lab = copy_inventory("strange", Path(folder) / "inventory")
        with beside_a_stranger(lab), speaking(lab):
            lab.set("haproxy.balance", "source")
            noticed = notice(lab, times)
    median, longest = statistics.median(noticed.seconds), max(noticed.seconds)
    lines = [
        f"* A keepalived speaks the cluster's VRID with `advert_int {ADVERT_INT}`. **{noticed.verified} of {times}**",
        f"  runs of verify named it on each node; **{noticed.refused} of {times}** deploys were refused for it and",
        "  changed nothing.",
        f"* A verify took {median:.2f} s (median; longest {longest:.2f} s).",
    ]
    record("A router with the cluster's VRID", "make strangers", lines)
    return 0 if noticed.always else 1


if __name__ == "__main__":
    sys.exit(main())
