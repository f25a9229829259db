"""A user's whole way on every release and on mixed clusters: deploy, again, verify, faults, rollback, remove.

Written to docs/matrix.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from campaigns.shared.record import ROOT, record
from rig.lab import HOSTS, copy_inventory
from rig.walking import COUNTED_BY_ALL, FAULTS, Step, use_ipv6, versions, walk

PAGE = ROOT / "docs" / "matrix.md"
INTRODUCTION = """\
# What it runs on

Each section is written by the command below its title, run on lab hosts.
"""

MULTICAST = {"additional_vips": ["192.0.2.20/24"], "keepalived.unicast": False}
APART = {
    "haproxy.port": 6443,
    "control_plane_endpoint": "192.0.2.10:6443",
    "apiservers": [{"name": f"cp-{number}", "address": f"192.0.2.2{number}"} for number in (1, 2, 3)],
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of three hosts.

    Arguments:
        name: description of the cluster
        suites: the hosts' suites
        settings: further settings in the inventory
        ipv6: whether it has IPv6 addresses only
        warned: ids of checks that are expected to warn
    """

    name: str
    suites: tuple[str, str, str]
    settings: Mapping[str, object] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    ipv6: bool = False


CLUSTERS = (
    Cluster("Debian 12", ("bookworm",) * 3),
    Cluster("Debian 11", ("bullseye",) * 3, warned=("cluster.timers",)),
    Cluster("Debian 13", ("trixie",) * 3),
    Cluster(
        "Debian 11, 12 and 13, counting 3 adverts of 0.1 s",
        ("bullseye", "bookworm", "trixie"),
        COUNTED_BY_ALL,
        ("cluster.versions", "cluster.timers"),
    ),
    Cluster("Debian 12 and 13", ("bookworm", "trixie", "bookworm"), warned=("cluster.versions",)),
    Cluster("dnf, made as on Enterprise Linux", ("dnf",) * 3),
    Cluster("IPv6 alone", ("bookworm",) * 3, ipv6=True),
    Cluster("VIPs of both families", ("bookworm",) * 3, {"additional_vips": ["2001:db8::10/64"]}),
    Cluster("two VIPs, multicast", ("bookworm",) * 3, MULTICAST),
    Cluster("load balancers apart from the control plane, on 6443", ("bookworm",) * 3, APART),
)
WORDS = {"again": "second deploy", **{fault: f"{fault}, longest" for fault in FAULTS}}


@dataclass
class Row:
    """The results of one cluster.

    Arguments:
        cluster: the cluster
        versions: the daemons' versions, on each kind of host
        steps: the steps, by name
    """

    cluster: Cluster
    versions: tuple[str, ...]
    steps: dict[str, Step]

    @property
    def passed(self) -> bool:
        """Whether every step did what it should."""
        return all(step.ok for step in self.steps.values())

    @property
    def line(self) -> str:
        """A row of a Markdown table."""
        cells = [f"**{step.words}**" if not step.ok else step.words or "yes" for step in self.steps.values()]
        warned = ", ".join(f"`{each}`" for each in self.cluster.warned) or "-"
        return f"| {' | '.join([self.cluster.name, '; '.join(self.versions), *cells, warned])} |"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=int, default=10, help="number of trials of each fault")
    parser.add_argument("--only", default="*", help="only clusters of this name; writes nothing")


def run(options: argparse.Namespace) -> int:
    rows = [_row(each, options.repeat) for each in CLUSTERS if fnmatch(each.name, options.only)]
    lines = list(_lines(rows, options.repeat))
    if options.only == "*":
        record("The whole way", options.command, lines, PAGE, INTRODUCTION)
    else:
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(row.passed for row in rows) else 1


def _row(cluster: Cluster, repeat: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory("matrix", Path(folder) / "inventory")
        for host, suite in zip(HOSTS, cluster.suites, strict=True):
            lab.set("lab_suite", suite, host=host)
        for key, value in cluster.settings.items():
            lab.set_for_group(key, value)
        if cluster.ipv6:
            use_ipv6(lab, HOSTS)
        row = Row(cluster, (), {})
        lab.up()
        try:
            for step in walk(lab, cluster.warned, repeat=repeat):
                row.steps[step.name] = step
                sys.stderr.write(f"{cluster.name}, {step.name}: {'passed' if step.ok else 'FAILED'}; {step.words}\n")
                if step.name == "deploy":
                    row.versions = tuple(dict.fromkeys(versions(lab, host) for host in HOSTS))
        finally:
            lab.down()
    return row


def _lines(rows: list[Row], repeat: int) -> list[str]:
    names = [WORDS.get(name, name) for name in rows[0].steps]
    return [
        f"* Clusters of three. {repeat} trials of each fault on the VIP holder, with limits of 0.15 s and 1 s.",
        "* `yes`: the step ended with exit code 0, and changed what had to change and nothing else. No check failed,",
        "  and only those in the last column warned.",
        "",
        f"| {' | '.join(['cluster', 'daemons', *names, 'warned, by right'])} |",
        f"|{'---|' * (len(names) + 3)}",
        *(row.line for row in rows),
    ]
