"""Kill the controller at every point of a deploy that changes both daemons' configuration on all hosts.

A point is before, during or after a script on a host. Written to docs/measured.md.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator

from campaigns.shared.labs import share_out
from campaigns.shared.record import record
from rig.killing import States, go_to, killed_at, states_of, wrong_after
from rig.lab import Lab


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--labs", type=int, default=1, help="number of labs that work in parallel")


def run(options: argparse.Namespace) -> int:
    killed = Killed()
    share_out("kd", options.labs, range(options.kills), lambda lab, _: killed.kill(lab), settings=lambda _: "ours")
    points, wrong = len(set(killed.points)), len([words for words in killed.found if words])
    lines = [
        f"* {len(killed.found)} deploys, {len(killed.points)} of them killed, at {points} points: before, during and",
        "  after each script on a host. The others ended before their point.",
        f"* **{wrong} times** anything was wrong. Wrong is a live file that is neither the old nor the new one, a VIP",
        "  that does not serve, or a draft left over. Also wrong: a next deploy that does not converge, and one after",
        "  it that changes anything.",
    ]
    record("The controller killed in the middle of a deploy", options.command, lines)
    return 0 if len(killed.points) == options.kills and not wrong else 1


class Killed:
    """Kills deploys, on any number of labs, each deploy at the point after that of the one before."""

    def __init__(self) -> None:
        self.points: list[int] = []
        """The point of each kill."""
        self.found: list[list[str]] = []
        """What was wrong after each deploy, also after those that ended before their point."""
        self._next = itertools.count()
        self._states: dict[str, tuple[States, Iterator[int]]] = {}

    def kill(self, lab: Lab) -> None:
        """Kill one more deploy."""
        if lab.name not in self._states:
            self._states[lab.name] = states_of(lab), itertools.cycle((1, 0))
        states, turns = self._states[lab.name]
        while True:
            go_to(lab, next(turns))
            point = next(self._next)
            killed = killed_at(lab, point)
            words = wrong_after(lab, states)
            self.found.append(words)
            sys.stderr.write(f"{len(self.found)} on {lab.name}, point {point}: {words or 'nothing wrong'}\n")
            if killed:
                self.points.append(point)
                return
            # From the beginning: hosts work in parallel, so that a point differs from one deploy to the next.
            self._next = itertools.count()
