"""Look again until a report passes, or the time is over."""

import time
from collections.abc import Callable, Mapping

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.report import Report
from nornir_kube_ha.report.model import KEEPS_FROM_PASSING

WORDS = 3  # findings that a message names


def until_passed(look: Callable[[], Report], *, timeout: float, sleep: float, tell: Callable[[str], object]) -> Report:
    """Look again until a report passes, or the time is over.

    Arguments:
        look: makes one report
        timeout: seconds from now after which no further look begins
        sleep: seconds between two looks
        tell: called with what does not pass yet

    Returns:
        The last report, passed or not
    """
    deadline = time.monotonic() + timeout
    while not (report := look()).passed and time.monotonic() + sleep <= deadline:
        tell(f"not passed yet: {failing(report)}")
        time.sleep(sleep)
    return report


def look_until_passed(
    run: Run,
    *,
    timeout: float,
    sleep: float,
    tell: Callable[[str], object] = lambda _: None,
    credentials: Mapping[str, Kubernetes] | None = None,
) -> Report:
    """Look at all hosts of a run, failed ones too, until every check passes or the time is over.

    Arguments:
        run: the hosts
        timeout: seconds from now after which no further look begins
        sleep: seconds between two looks
        tell: called with what does not pass yet
        credentials: as for `Run.look`

    Returns:
        The last report, passed or not, without the faults that were made before it
    """

    def look() -> Report:
        run.start_over()
        run.look(credentials=credentials)
        return run.report_of_checks()

    return until_passed(look, timeout=timeout, sleep=sleep, tell=tell)


def failing(report: Report) -> str:
    """Return what does not pass in a report, in a few words."""
    names = [f"{where} {each.id}" for where, each in report.findings if each.status in KEEPS_FROM_PASSING]
    names += [f"{name} {host.status}" for name, host in report.hosts.items() if host.failure]
    return ", ".join(names[:WORDS]) + (f" and {len(names) - WORDS} more" if len(names) > WORDS else "")
