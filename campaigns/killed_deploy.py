"""Kill the controller at every point of a deploy that changes both daemons' configuration on all hosts.

A point lies before, during or after each script that is sent to a host. Written to docs/measured.md.
"""

import argparse
import itertools
import sys

from campaigns.record import record
from campaigns.rig import deployed_lab
from tests.lab.killing import go_to, killed_at, states_of, wrong_after


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    wrong, point, points = 0, 0, set[int]()
    with deployed_lab("dying") as lab:
        states = states_of(lab)
        for number in itertools.count(1):
            go_to(lab, number % 2)
            if killed_at(lab, point):
                points.add(point)
                point += 1
                kills -= 1
            else:
                point = 0  # from the beginning: what happens at the same time on all hosts is not the same each time
            if words := wrong_after(lab, states):
                wrong += 1
                sys.stderr.write(f"point {point}: {words}\n")
            if kills == 0:
                break
            sys.stderr.write(f"{kills} left, point {point}\n")
    lines = [
        f"* {number} deploys, killed at {len(points)} points: before, during and after each script on a host.",
        f"* **{wrong} times** anything was wrong: a live file neither the old one nor the new one, a VIP that does not",
        "  serve, a next deploy that does not converge, one after it that changes anything, a draft left over.",
    ]
    record("The controller killed in the middle of a deploy", "make deploy-killed", lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
