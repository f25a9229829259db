"""Deploy many times while a client works through the VIP, and count its losses. Written to docs/measured.md.

Each deploy changes haproxy's and keepalived's files on every node. The client opens fifty connections a second and
keeps twenty, each with a request every 0.2 s.
"""

import argparse
import sys

from campaigns.record import record
from campaigns.settings import deployed_lab
from rig.killing import go_to
from rig.load import CONNECTIONS, load_on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
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
        f"* {times} deploys in a row, each a change of both daemons' files on all three nodes. A client opened",
        f"  {len(new)} connections meanwhile, of which **{lost[0]} failed**, and made {len(lasting)} requests on",
        f"  {CONNECTIONS} that last, of which **{lost[1]} failed**.",
    ]
    record("Deploys under load", "make deploy-loaded", lines)
    return 1 if any(lost) else 0


if __name__ == "__main__":
    sys.exit(main())
