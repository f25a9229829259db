"""The faults in the JUnit report: one suite, with a test for each fault."""

from dataclasses import dataclass

from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report.api_costs import NOT_MEASURED, api_rows, lacks_api, limit_words
from nornir_kube_ha.report.fault_costs import cost_of, problems_of, seconds_of
from nornir_kube_ha.report.words import in_words
from nornir_kube_ha.text import indented

SUITE = "faults"


@dataclass(frozen=True, slots=True)
class Case:
    """The test of a fault.

    Arguments:
        name: name of the fault
        seconds: duration of its trials
        tag: `failure` if it exceeds its limit, `error` if it was not measured properly; "" if it passed
        outcome: outcome of the fault
        message: the first problem
        words: limit and problems
        output: cost
    """

    name: str
    seconds: float
    tag: str
    outcome: str
    message: str
    words: str
    output: str


def case_of(fault: FaultReport) -> Case:
    """Return the test of a fault."""
    problems = [] if fault.passed else problems_of(fault)
    tag = {Outcome.PASSED: "", Outcome.MISSED: "failure"}.get(fault.outcome, "error")
    words = "\n".join((f"limit: {limit_words(fault) or 'none'}", *map(indented, problems)))
    seconds = sum(map(seconds_of, fault.trials))
    return Case(fault.name, seconds, tag, fault.outcome, next(iter(problems), ""), words, _output(fault))


def _output(fault: FaultReport) -> str:
    cost = cost_of(fault)
    lines = {
        "broken": fault.meaning,
        "trials": str(len(fault.trials)),
        "outage of new connections": in_words(cost.new),
        "outage of long-lived connections": in_words(cost.reused),
        "outage after the heal": in_words(cost.after),
        "failed new connections": ", ".join(cost.failed) or "none was made",
        "took over": ", ".join(cost.ways) or "nobody",
    }
    rows = {
        f"{row.name}, {row.meaning}": "; ".join(filter(None, (in_words(row.figures), row.losses)))
        for row in api_rows(fault)
    }
    told = [f"{title}: {value}" for title, value in (lines | rows).items()]
    return "\n".join([*told, *([NOT_MEASURED] if lacks_api(fault) else [])])
