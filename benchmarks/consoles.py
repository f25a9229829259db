"""Hosts at their consoles: without a login, so that none is counted."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from rig.lab import Lab


def at_consoles(lab: Lab, names: Iterable[str], command: str) -> dict[str, str]:
    """Have each host's shell do the same.

    Arguments:
        lab: whose hosts they are
        names: the hosts
        command: sh

    Returns:
        What each said
    """
    return at_each_console(lab, dict.fromkeys(names, command))


def at_each_console(lab: Lab, commands: dict[str, str]) -> dict[str, str]:
    """Have each host's shell do something of its own.

    Arguments:
        lab: whose hosts they are
        commands: sh, by the name of the host

    Returns:
        What each said
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(commands, pool.map(lab.run, commands, commands.values()), strict=True))
