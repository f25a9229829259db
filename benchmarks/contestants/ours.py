"""kube-ha, as a user calls it."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.contestants.contestant import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site

QUICK_FORKS = 4 * (os.cpu_count() or 1)  # as many hosts at once as the floor
COMMAND = str(Path(sys.executable).with_name("kube-ha"))


def _command(site: Site, job: Job) -> list[str]:
    return [
        COMMAND,
        "verify" if job is Job.VERIFY else "deploy",
        "-i",
        str(site.lab.inventory),
        "--forks",
        str(site.forks),
    ]


def _quick(site: Site, _job: Job) -> list[str]:
    forks = str(max(QUICK_FORKS, site.forks))
    return [COMMAND, "deploy", "--quick", "-i", str(site.lab.inventory), "--forks", forks]


OURS = Contestant(
    name="ours",
    words="`kube-ha deploy --forks N`, as many hosts at once as answer in time on one machine. It also judges what it "
    "finds, has new files judged by the daemons before any is live, and changes hosts that serve one at a time, each "
    "behind a gate. `kube-ha verify` in `verify`.",
    jobs=DEPLOYS | {Job.VERIFY},
    prepare=lambda _: None,  # it reads the inventory that everything else is made from
    command=_command,
    version=lambda: f"nornir-kube-ha {version('nornir-kube-ha')}, nornir {version('nornir')}",
)
QUICK = Contestant(
    name="ours, --quick",
    words="`kube-ha deploy --quick`: where nothing differs it asks nobody but the hosts themselves and listens for "
    "nobody, as little as the others do; it judges the daemons all the same. As many hosts at once as the floor has.",
    jobs=frozenset({Job.NO_OP}),
    prepare=lambda _: None,
    command=_quick,
    version=OURS.version,
)
