"""The guide's settings beside ours: each fault by turns on two labs, in one run, written to docs/failover.md as ratios.

A fault lasts 25 s here, longer than the guide needs to notice any that it notices at all.
"""

import argparse
import sys

from campaigns.failover import KEPT, kept, make_trials
from campaigns.failover_page import write_page
from campaigns.rig import deployed_lab

FAULTS = (
    "haproxy-stop",
    "haproxy-kill",
    "haproxy-hang",
    "keepalived-stop",
    "keepalived-kill",
    "link-down",
    "node-off",
    "apiserver-error",
    "apiserver-hang",
)
HOLD = "25s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="trials of each that shall be there in the end")
    repeat = parser.parse_args().repeat
    with deployed_lab("guide", "guide") as guide, deployed_lab("beside") as ours:
        for fault in FAULTS:
            for _ in range(repeat - len(kept("guide", fault))):
                make_trials(guide, "guide", fault, 1, hold=HOLD)
                make_trials(ours, "beside-guide", fault, 1, hold=HOLD)
    write_page(KEPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
