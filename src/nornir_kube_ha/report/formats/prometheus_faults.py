"""The faults in the Prometheus report."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from nornir_kube_ha.failover.statistics import Statistics
from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report.api_costs import api_statistics
from nornir_kube_ha.report.fault_costs import FIGURES, by_cluster, two_holders
from nornir_kube_ha.report.model import Report

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Family = tuple[str, str, Iterable[Sample]]


def fault_families(report: Report) -> Iterator[Family]:
    """Yield name, meaning and samples of each metric; a fault that was never measured has no outage."""
    faults = [({"cluster": cluster, "fault": name}, fault) for (cluster, name), fault in by_cluster(report).items()]
    for name, (words, samples) in _FAMILIES.items():
        found = [({**labels, **more}, value) for labels, fault in faults for more, value in samples(fault)]
        yield f"kube_ha_fault_{name}", words, found


def _passed(fault: FaultReport) -> Iterator[Sample]:
    yield {}, fault.passed


def _trials(fault: FaultReport) -> Iterator[Sample]:
    outcomes = [trial.outcome for trial in fault.trials]
    yield from (({"outcome": outcome}, outcomes.count(outcome)) for outcome in Outcome)


def _outages(fault: FaultReport) -> Iterator[Sample]:
    for connections in ("new", "reused") if fault.measured else ():
        yield from _statistics({"connections": connections}, fault.statistics(FIGURES[connections]))


def _after(fault: FaultReport) -> Iterator[Sample]:
    if fault.measured:
        yield from _statistics({}, fault.statistics(FIGURES["after"]))


def _two_holders(fault: FaultReport) -> Iterator[Sample]:
    if (most := two_holders(fault)) is not None:
        yield {}, _short(most)


def _api_waits(fault: FaultReport) -> Iterator[Sample]:
    for client, found in api_statistics(fault).items():
        yield from _statistics({"client": client}, found)


def _api_losses(fault: FaultReport) -> Iterator[Sample]:
    if costs := fault.api_costs:
        yield {"what": "acknowledged_writes_lost"}, sum(cost.lost for cost in costs)
        yield {"what": "events_missed"}, sum(cost.missed for cost in costs)
        yield {"what": "watches_ended"}, sum(cost.watch.cuts for cost in costs)


def _statistics(labels: Labels, found: Statistics) -> Iterator[Sample]:
    values = {"median": found.median, "p99": found.p99, "max": found.maximum}
    yield from (({**labels, "statistic": name}, _short(value)) for name, value in values.items())


def _short(seconds: float) -> float:
    """Return seconds with six digits, since further ones are not measured."""
    return float(f"{seconds:.6g}")


_FAMILIES: Mapping[str, tuple[str, Callable[[FaultReport], Iterator[Sample]]]] = {
    "passed": ("Whether each trial of the fault passed.", _passed),
    "trials": ("Number of trials of the fault with each outcome.", _trials),
    "outage_seconds": ("Outage over the trials of the fault; +Inf if it never ended.", _outages),
    "outage_after_heal_seconds": ("Outage of new connections after the heal began.", _after),
    "two_holders_seconds": ("Longest time in which two hosts held the VIP at once, over the trials.", _two_holders),
    "api_wait_seconds": (
        "Longest time that clients of the Kubernetes API waited for an answer, and watches for an event.",
        _api_waits,
    ),
    "api_losses": ("Losses of Kubernetes API clients, over the trials of the fault.", _api_losses),
}
