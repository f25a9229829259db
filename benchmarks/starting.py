"""The cost of starting, which every run pays before its first packet."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import peers
from benchmarks.contestants.ours import COMMAND
from benchmarks.measuring import Taken, take

MODULES = ("nornir_kube_ha.cli.main", "nornir_kube_ha.cli.command", "nornir_kube_ha.runbooks.deploy")
IMPORTS = f"import {', '.join(MODULES)}, nornir_netmiko"
COMMANDS: Mapping[str, Sequence[str]] = {
    "`python -c pass`": (sys.executable, "-c", "pass"),
    "`kube-ha --help`": (COMMAND, "--help"),
    "nornir, netmiko and jinja2 alone": (sys.executable, "-c", "import nornir, nornir_netmiko, nornir_jinja2, netmiko"),
    "all that a deploy imports": (sys.executable, "-c", IMPORTS),
    "`ansible-playbook --version`": (peers.program("ansible-playbook"), "--version"),
    "`pyinfra --version`": (peers.program("pyinfra"), "--version"),
}
"""The others are compared with the first."""


def starts(repeat: int) -> dict[str, list[Taken]]:
    """Return the measurements of each command, taken in turn, each in a process of its own.

    Arguments:
        repeat: number of measurements of each
    """
    taken: dict[str, list[Taken]] = {words: [] for words in COMMANDS}
    with TemporaryDirectory(prefix="kube-ha-bench-") as folder:
        for _ in range(repeat):
            for words, command in COMMANDS.items():
                taken[words].append(take([*command], Path(folder)))
    return taken
