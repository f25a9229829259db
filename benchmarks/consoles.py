"""Run commands on hosts without a login, so that none is counted."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from rig.lab import Lab


def at_consoles(lab: Lab, names: Iterable[str], command: str) -> dict[str, str]:
    """Run the same shell command on each host, and return the outputs by name."""
    return at_each_console(lab, dict.fromkeys(names, command))


def at_each_console(lab: Lab, commands: dict[str, str]) -> dict[str, str]:
    """Run each host's own shell command, and return the outputs by name.

    Arguments:
        lab: with the hosts
        commands: sh, by the name of the host
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(commands, pool.map(lab.run, commands, commands.values()), strict=True))
