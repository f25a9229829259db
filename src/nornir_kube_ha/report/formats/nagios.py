"""The report as output and exit code of a plugin for Nagios, Icinga and compatible systems.

It follows the Monitoring Plugins' development guidelines: a first line short enough for a pager, performance data after
a bar, then long output. Nagios keeps only the first few kilobytes, so the worst comes first.
"""

import re
from collections.abc import Iterator

from nornir_kube_ha.checks import NO_APISERVER_YET, Status
from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report.api_costs import api_statistics
from nornir_kube_ha.report.fault_costs import FIGURES, by_cluster, counts_of
from nornir_kube_ha.report.model import Report
from nornir_kube_ha.report.problems import Problem, problems
from nornir_kube_ha.text import one_line

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_DECIDES = {Status.FAIL: CRITICAL, Status.UNKNOWN: UNKNOWN, Status.WARN: WARNING}
_NO_LABEL = re.compile(r"[^\w.-]+")
_NAMED = 3  # problems named on the first line; the others are counted

# Status, label, and the ranges for warning and critical: alert on more than 0.
_FIGURES = (
    (Status.PASS, "passed", ";"),
    (Status.WARN, "warned", "0;"),
    (Status.FAIL, "failed", ";0"),
    (Status.SKIP, "skipped", ";"),
    (Status.UNKNOWN, "unknown", ";"),
)


def to_nagios(report: Report) -> str:
    """Return the report as the output of a plugin."""
    found = problems(report)
    name = _NAMES[nagios_status(report)]
    first = f"KUBE-HA {name} - {_in_short(report, found)} | {' '.join(_figures(report))}"
    return "".join(f"{line}\n" for line in (first, *map(_line, found)))


def nagios_status(report: Report) -> int:
    """Return the plugin's exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. It is never OK if nothing was checked."""
    worst = next(iter(problems(report)), None)
    if worst and worst.status in _DECIDES:
        return _DECIDES[worst.status]
    return OK if report.counts[Status.PASS] or report.faults else UNKNOWN


def _in_short(report: Report, found: list[Problem]) -> str:
    checks = sum(report.counts.values())
    if not checks and not report.faults and not any(host.failure for host in report.hosts.values()):
        return "no check was made"
    deciding = [each for each in found if each.status is found[0].status and each.status in _DECIDES]
    if not deciding:
        survived = counts_of(report).get(Outcome.PASSED, 0)
        faults = f", {survived} of {len(report.faults)} faults within their limits" if report.faults else ""
        return f"{report.counts[Status.PASS]} of {checks} checks passed{faults}"
    names = [_text(f"{problem.where} {problem.what}") for problem in deciding]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    yet = f"{NO_APISERVER_YET} ({', '.join(report.awaiting)}): " if report.awaiting else ""
    return yet + ", ".join(names[:_NAMED]) + more


def _figures(report: Report) -> Iterator[str]:
    checks = sum(report.counts.values())
    for status, label, ranges in _FIGURES:
        yield f"'{label}'={report.counts[status]};{ranges};0;{checks}"
    yield f"'duration'={report.seconds:.3f}s;;;0"
    for (cluster, name), fault in by_cluster(report).items():
        yield from _outages(".".join(filter(None, (cluster, name))), fault)


def _outages(name: str, fault: FaultReport) -> Iterator[str]:
    """Yield the longest outage of each kind; "U" is the plugin guidelines' value for an unknown figure."""
    limits = {"new": fault.limit.seconds, "reused": None, "after": fault.limit.after}
    for figure, of in FIGURES.items():
        seconds = fault.statistics(of).maximum if fault.measured else FOREVER
        most = "" if limits[figure] is None else f"{limits[figure]:g}"
        value = "U" if seconds == FOREVER else f"{seconds:.3f}s"
        yield f"'{_NO_LABEL.sub('_', name)}.{figure}'={value};;{most};0"
    for client, found in api_statistics(fault).items():
        limit = getattr(fault.limit.api, client, None)
        most = "" if limit is None else f"{limit:g}"
        value = "U" if found.maximum == FOREVER else f"{found.maximum:.3f}s"
        yield f"'{_NO_LABEL.sub('_', name)}.{client}'={value};;{most};0"


def _line(problem: Problem) -> str:
    todo = f" -> {problem.next}" if problem.next else ""
    why = f" (follows from {problem.cause})" if problem.cause else ""
    return _text(f"{problem.status.upper()} {problem.where}: {problem.what}: {problem.seen}{why}{todo}")


def _text(value: str) -> str:
    # Nagios takes everything after any bar as performance data.
    return one_line(value).replace("|", "/")
