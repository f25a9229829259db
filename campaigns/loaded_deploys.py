"""Deploy many times while a client works through the VIP, and count its losses. Written to docs/measured.md.

Each deploy changes haproxy's and keepalived's files on every node. The client opens fifty connections a second and
keeps twenty, each with a request every 0.2 s.
"""

import argparse

from campaigns.shared.record import record
from campaigns.shared.settings import deployed_lab
from rig.killing import go_to
from rig.load import CONNECTIONS, load_on


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=20)


def run(options: argparse.Namespace) -> int:
    times = options.times
    with deployed_lab("loaded") as lab, load_on(lab) as load:
        load.begin()
        for number in range(1, times + 1):
            go_to(lab, number % 2)
            completed = lab.deploy("--output", "json")
            if completed.status or not all(host["changed"] for host in completed.report["hosts"].values()):
                raise SystemExit(completed.stdout + completed.stderr)
        seen = load.seen()
    new, lasting = ([each for each in seen if each.is_new is kind] for kind in (True, False))
    lost = [sum(each.failed for each in kind) for kind in (new, lasting)]
    lines = [
        f"* {times} deploys in a row, each a change of both daemons' files on all three nodes. Meanwhile a client",
        f"  opened {len(new)} connections, of which **{lost[0]} failed**. It made {len(lasting)} requests on",
        f"  {CONNECTIONS} long-lived connections, of which **{lost[1]} failed**.",
    ]
    record("Deploys under load", options.command, lines)
    return 1 if any(lost) else 0
