"""The report in JUnit's XML, for CI systems.

A host is a suite, and a check a test. Checks have no times of their own, since facts are gathered once for all of them.
A suite takes as long as the run, because all hosts are read together. All faults are one suite. Each fault is a test,
and takes as long as its trials.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from datetime import UTC

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report.api_costs import NOT_MEASURED, api_rows, lacks_api, limit_words
from nornir_kube_ha.report.fault_costs import cost_of, problems_of, seconds_of
from nornir_kube_ha.report.model import Failure, Report, Step
from nornir_kube_ha.report.problems import parts, repeats
from nornir_kube_ha.report.words import in_words
from nornir_kube_ha.text import clean, indented, one_line

_COUNTS = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
_FAULTS, _STEPS = "faults", "steps"


def to_junit(report: Report) -> str:
    """Return the report as JUnit's XML: a suite for each host and, for its own checks, each cluster.

    A check that only warns passes, with the warning in its output.
    """
    root = ET.Element("testsuites", name=clean(f"kube-ha {report.runbook}"))
    if report.error:
        _suite(root, "run", "", (), report.error)
    for name, host in report.hosts.items():
        _suite(root, f"{host.cluster}.{name}", name, host.findings, host.failure)
    for name, cluster in report.clusters.items():
        _suite(root, name, "", cluster.findings)
    if report.faults:
        _fault_suite(root, report.faults)
    if report.steps:
        _step_suite(root, report.steps)
    # The schema allows no time zone here, so the time is UTC.
    timestamp = report.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for element in (root, *root):
        for count, tag in _COUNTS.items():
            element.set(count, str(sum(1 for _ in element.iter(tag))))
        element.set("timestamp", timestamp)
        # The run's time, unless the suite has its own.
        element.set("time", element.get("time", f"{report.seconds:.3f}"))
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return f"{xml.decode()}\n"


def _suite(root: ET.Element, name: str, host: str, findings: Iterable[Finding], failure: Failure | None = None) -> None:
    suite = _add(root, "testsuite", name=name)
    if host:
        suite.set("hostname", clean(host))
    if failure and not any(repeats(finding, failure) for finding in findings):
        case = _add(suite, "testcase", classname=name, name="run")
        _add(case, "error", failure.message, message=one_line(failure.message), type=failure.type)
    for finding in findings:
        _judge(_add(suite, "testcase", classname=name, name=finding.id), finding, failure)


def _judge(case: ET.Element, finding: Finding, failure: Failure | None) -> None:
    seen = one_line(finding.seen.partition("\n")[0])
    match finding.status:
        case Status.FAIL:
            _add(case, "failure", _words(finding), message=seen, type=finding.id)
        case Status.UNKNOWN:
            _add(case, "error", _words(finding), message=seen, type=failure.type if failure else finding.id)
        case Status.SKIP:
            _add(case, "skipped", message=one_line(finding.seen))
        case Status.WARN:
            _add(case, "system-out", f"WARNING\n{_words(finding)}")
        case Status.PASS:
            pass


def _words(finding: Finding) -> str:
    return "\n".join(f"{title}: {indented(value)}" for title, value in parts(finding))


def _fault_suite(root: ET.Element, faults: Sequence[FaultReport]) -> None:
    seconds = [sum(map(seconds_of, fault.trials)) for fault in faults]
    suite = _add(root, "testsuite", name=_FAULTS, time=f"{sum(seconds):.3f}")
    for fault, took in zip(faults, seconds, strict=True):
        case = _add(suite, "testcase", classname=_FAULTS, name=fault.name, time=f"{took:.3f}")
        if not fault.passed:
            tag = "failure" if fault.outcome is Outcome.MISSED else "error"
            problems = problems_of(fault)
            words = "\n".join((f"limit: {limit_words(fault) or 'none'}", *map(indented, problems)))
            _add(case, tag, words, message=one_line("".join(problems[:1])), type=fault.outcome)
        _add(case, "system-out", _cost(fault))


def _step_suite(root: ET.Element, steps: Sequence[Step]) -> None:
    suite = _add(root, "testsuite", name=_STEPS)
    for step in steps:
        case = _add(suite, "testcase", classname=_STEPS, name=step.name, time=f"{step.seconds:.3f}")
        if step.status != "passed":
            tag = "failure" if step.status == "failed" else "error"
            _add(case, tag, step.words, message=one_line(step.words), type=step.status)


def _cost(fault: FaultReport) -> str:
    cost = cost_of(fault)
    lines = {
        "broken": fault.meaning,
        "trials": str(len(fault.trials)),
        "outage of new connections": in_words(cost.new),
        "outage of long-lived connections": in_words(cost.reused),
        "outage after the heal": in_words(cost.after),
        "failed new connections": ", ".join(cost.failed) or "no connection was made",
        "took over": ", ".join(cost.ways) or "nobody",
    }
    rows = {
        f"{row.name}, {row.meaning}": "; ".join(filter(None, (in_words(row.figures), row.losses)))
        for row in api_rows(fault)
    }
    told = [f"{title}: {value}" for title, value in (lines | rows).items()]
    return "\n".join([*told, *([NOT_MEASURED] if lacks_api(fault) else [])])


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, {key: clean(value) for key, value in attributes.items()})
    element.text = clean(text) or None
    return element
