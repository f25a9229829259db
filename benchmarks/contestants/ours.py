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
    words="`kube-ha deploy --forks N`, with as many hosts at once as answer in time on one machine. It also checks "
    "what it finds, and has the daemons validate new files before any is live. Serving hosts change one at a time, "
    "each behind a gate. In `verify` it is `kube-ha verify`.",
    jobs=DEPLOYS | {Job.VERIFY},
    prepare=lambda _: None,  # it reads the inventory that everything else is made from
    command=_command,
    version=lambda: f"nornir-kube-ha {version('nornir-kube-ha')}, nornir {version('nornir')}",
)
QUICK = Contestant(
    name="ours, --quick",
    words="`kube-ha deploy --quick`. Where nothing differs, it asks only the hosts themselves and does not listen, "
    "like the others. It still checks the daemons. As many hosts at once as the floor.",
    jobs=frozenset({Job.NO_OP}),
    prepare=lambda _: None,
    command=_quick,
    version=OURS.version,
)
