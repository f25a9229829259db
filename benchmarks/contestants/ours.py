"""Ours, as a user calls it."""

import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.contestants.contestant import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site

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


OURS = Contestant(
    name="ours",
    words="`kube-ha deploy --forks N`, as many hosts at once as answer in time on one machine. It also judges what it "
    "finds, has new files judged by the daemons before any is live, and changes hosts that serve one at a time, each "
    "behind a gate. `kube-ha verify` in `verify`.",
    jobs=DEPLOYS | {Job.VERIFY},
    prepare=lambda _: None,  # its inventory is what everything else is made from
    command=_command,
    version=lambda: f"nornir-kube-ha {version('nornir-kube-ha')}, nornir {version('nornir')}",
)
