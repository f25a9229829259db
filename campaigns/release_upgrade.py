"""Upgrade a cluster's packages to the next Debian release's under load: its pool replaces their package source.

Written to docs/matrix.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from campaigns.matrix import INTRODUCTION, PAGE
from campaigns.shared.record import record
from campaigns.shared.settings import deployed_lab
from rig.lab import HOSTS, Lab
from rig.load import load_on
from rig.walking import versions

from nornir_kube_ha.lab.images.image import ensure_image

PLANNED_MOVE = 0.15  # seconds that a planned move of the VIP may cost
OTHER_POOL = """
mkdir -p /srv/newer
tar -x -C /srv/newer
echo 'deb [trusted=yes] file:/srv/newer ./' >/etc/apt/sources.list
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add none."""


def run(options: argparse.Namespace) -> int:
    pool = ensure_image("whole-trixie", _tell).pool
    with deployed_lab("release") as lab:
        before = versions(lab, HOSTS[0])
        for host in HOSTS:
            _give(lab, host, pool)
        with load_on(lab) as load:
            load.begin()
            upgraded = lab.runbook("upgrade", "--output", "json")
            attempts = load.seen()
            lost = load.outage()
        after = {versions(lab, host) for host in HOSTS}
        again = lab.runbook("upgrade", "--output", "json")
        red = lab.runbook("verify", "--output", "json").red_checks()
    failed = sum(each.failed for each in attempts)
    lines = [
        "* `kube-ha upgrade` upgraded three hosts of Debian 12 one by one, with Debian 13's packages as their only",
        f"  source. Before: {before}. After: {', '.join(sorted(after))}. systemd, OpenSSH and glibc were upgraded with",
        "  them.",
        f"* Meanwhile a client made {len(attempts)} requests, on new and on long-lived connections. {failed} failed.",
        f"  The outage was **{lost.seconds:.2f} s**; a planned move may cost {PLANNED_MOVE} s.",
        f"* A second upgrade changes nothing. verify: {red or 'every check is green'}.",
    ]
    record("Debian 12's packages to Debian 13's, under load", options.command, lines, PAGE, INTRODUCTION)
    well = not upgraded.status and not again.report["changed"] and not red and len(after) == 1
    return 0 if well and lost.seconds <= PLANNED_MOVE else 1


def _give(lab: Lab, host: str, pool: Path) -> None:
    with subprocess.Popen(["tar", "-C", str(pool), "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(lab.inside(host, "sh", "-ec", OTHER_POOL), stdin=packed.stdout, check=True)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
