"""Looking again until all is well, or for as long as one is willing to wait."""

import time
from collections.abc import Callable

from nornir_kube_ha.report import Report
from nornir_kube_ha.report.model import KEEPS_FROM_PASSING

WORDS = 3  # of what does not pass, as many are named


def until_passed(look: Callable[[], Report], *, timeout: float, sleep: float, tell: Callable[[str], object]) -> Report:
    """Look again until a report passes.

    Arguments:
        look: looks once
        timeout: seconds from now on after which no further look begins
        sleep: seconds between two looks
        tell: is told what does not pass yet

    Returns:
        The last look's report, passed or not
    """
    deadline = time.monotonic() + timeout
    while not (report := look()).passed and time.monotonic() + sleep <= deadline:
        tell(f"not passed yet: {failing(report)}")
        time.sleep(sleep)
    return report


def failing(report: Report) -> str:
    """What does not pass, in a few words.

    Arguments:
        report: of a look
    """
    names = [f"{where} {each.id}" for where, each in report.findings if each.status in KEEPS_FROM_PASSING]
    names += [f"{name} {host.status}" for name, host in report.hosts.items() if host.failure]
    return ", ".join(names[:WORDS]) + (f" and {len(names) - WORDS} more" if len(names) > WORDS else "")
