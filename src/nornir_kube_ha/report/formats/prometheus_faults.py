"""The faults in the Prometheus report."""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Statistics
from nornir_kube_ha.report.api_costs import api_statistics
from nornir_kube_ha.report.fault_costs import FIGURES, by_cluster, two_holders
from nornir_kube_ha.report.model import Report

Sample = tuple[Mapping[str, str], str]


def fault_families(report: Report) -> Iterator[tuple[str, str, list[Sample]]]:
    """Yield name, meaning and samples of each metric; a fault that was never measured has no outage."""
    faults = [*_labelled(report)]
    passed = [(labels, str(int(fault.passed))) for labels, fault in faults]
    yield "kube_ha_fault_passed", "Whether each trial of the fault passed.", passed
    trials = [sample for labels, fault in faults for sample in _trials(labels, fault)]
    yield "kube_ha_fault_trials", "How many trials of the fault have each outcome.", trials
    outages = [sample for labels, fault in faults for sample in _outages(labels, fault)]
    words = "Outage over the trials of the fault; +Inf if it never ended."
    yield "kube_ha_fault_outage_seconds", words, outages
    after = [sample for labels, fault in faults for sample in _statistics(labels, fault, "after")]
    words = "Outage of new connections once the fault was being healed."
    yield "kube_ha_fault_outage_after_heal_seconds", words, after
    words = "For how long two hosts held the VIP at once, in the worst trial."
    both = [(labels, _number(most)) for labels, fault in faults if (most := two_holders(fault)) is not None]
    yield "kube_ha_fault_two_holders_seconds", words, both
    words = "The longest that clients of the Kubernetes API waited for an answer, and watches for an event."
    yield "kube_ha_fault_api_wait_seconds", words, [each for one in faults for each in _api(*one)]
    words = "What clients of the Kubernetes API lost, over the trials of the fault."
    yield "kube_ha_fault_api_losses", words, [each for one in faults for each in _api_counts(*one)]


def _api(labels: Mapping[str, str], fault: FaultReport) -> Iterator[Sample]:
    for client, found in api_statistics(fault).items():
        yield from _values({**labels, "client": client}, found)


def _api_counts(labels: Mapping[str, str], fault: FaultReport) -> Iterator[Sample]:
    if costs := fault.api_costs:
        yield {**labels, "what": "acknowledged_writes_lost"}, str(sum(cost.lost for cost in costs))
        yield {**labels, "what": "events_missed"}, str(sum(cost.missed for cost in costs))
        yield {**labels, "what": "watches_ended"}, str(sum(cost.watch.cuts for cost in costs))


def _labelled(report: Report) -> Iterator[tuple[Mapping[str, str], FaultReport]]:
    for (cluster, name), fault in by_cluster(report).items():
        yield {"cluster": cluster, "fault": name}, fault


def _trials(labels: Mapping[str, str], fault: FaultReport) -> Iterator[Sample]:
    outcomes = [trial.outcome for trial in fault.trials]
    yield from (({**labels, "outcome": outcome}, str(outcomes.count(outcome))) for outcome in Outcome)


def _outages(labels: Mapping[str, str], fault: FaultReport) -> Iterator[Sample]:
    for connections in ("new", "reused"):
        yield from _statistics({**labels, "connections": connections}, fault, connections)


def _statistics(labels: Mapping[str, str], fault: FaultReport, figure: str) -> Iterator[Sample]:
    if fault.measured:
        yield from _values(labels, fault.statistics(FIGURES[figure]))


def _values(labels: Mapping[str, str], found: Statistics) -> Iterator[Sample]:
    values = {"median": found.median, "p99": found.p99, "max": found.maximum}
    yield from (({**labels, "statistic": name}, _number(value)) for name, value in values.items())


def _number(value: float) -> str:
    return "+Inf" if value == FOREVER else f"{value:.6g}"
