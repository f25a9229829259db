"""Compare the guide's settings with ours, fault by fault, in one run. Ratios are written to docs/failover.md.

A fault lasts 25 s here, longer than the guide's settings need to detect it, if they do at all.
"""

import argparse
import sys

from campaigns.failover import KEPT, kept, make_trials
from campaigns.failover_page import write_page
from campaigns.labs import share_out

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
UNDER = {"guide": "guide", "ours": "beside-guide"}
"""The name that trials are kept under, by the hosts' settings."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="trials of each that shall be there in the end")
    parser.add_argument("--labs", type=int, default=2, help="how many labs work beside each other")
    options = parser.parse_args()
    jobs = [
        (settings, fault)
        for fault in FAULTS
        for _ in range(options.repeat - len(kept("guide", fault)))
        for settings in UNDER
    ]
    share_out(
        "guide",
        options.labs,
        jobs,
        lambda lab, job: make_trials(lab, UNDER[job[0]], job[1], 1, hold=HOLD),
        settings=lambda job: job[0],
    )
    write_page(KEPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
