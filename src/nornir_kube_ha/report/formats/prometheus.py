"""The report for Prometheus: a file in text format 0.0.4 for node_exporter's textfile collector.

Samples have no timestamps, since that collector rejects them. The end of the run is a metric of its own.
"""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.report.formats.prometheus_faults import Sample, fault_families
from nornir_kube_ha.report.model import HostState, Report

Family = tuple[str, str, list[Sample]]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def to_prometheus(report: Report) -> str:
    """Return the report as Prometheus metrics, all of them gauges."""
    return "".join(f"{line}\n" for family in _families(report) for line in _lines(*family))


def _families(report: Report) -> Iterator[Family]:
    run = {"runbook": report.runbook}
    if report.awaiting:
        yield (
            "kube_ha_no_apiserver_yet",
            "Whether no apiserver has ever answered: before kubeadm init.",
            [*_awaiting(report)],
        )
    yield "kube_ha_check_status", "What became of a check: 1 at its status, 0 at the others.", [*_checks(report)]
    yield "kube_ha_host_vip_holder", "Whether the host holds its cluster's VIP.", [*_holders(report)]
    yield "kube_ha_apiserver_up", "Whether the host's haproxy sees an apiserver up.", [*_apiservers(report)]
    yield "kube_ha_run_passed", "Whether the last run passed.", [(run, _flag(value=report.passed))]
    finished = f"{report.finished.timestamp():.3f}"
    yield "kube_ha_run_finished_timestamp_seconds", "When the last run finished.", [(run, finished)]
    yield "kube_ha_run_duration_seconds", "How long the last run took.", [(run, f"{report.seconds:.3f}")]
    yield from fault_families(report)


def _awaiting(report: Report) -> Iterator[Sample]:
    for name in report.clusters:
        yield {"cluster": name}, _flag(value=name in report.awaiting)


def _checks(report: Report) -> Iterator[Sample]:
    for name, host in report.hosts.items():
        for finding in host.findings:
            yield from _states({"cluster": host.cluster, "host": name}, finding)
    for name, cluster in report.clusters.items():
        for finding in cluster.findings:
            yield from _states({"cluster": name, "host": ""}, finding)


def _states(labels: Mapping[str, str], finding: Finding) -> Iterator[Sample]:
    for status in Status:
        yield {**labels, "check": finding.id, "status": status}, _flag(value=finding.status is status)


def _known(report: Report) -> Iterator[tuple[Mapping[str, str], HostState]]:
    for name, host in report.hosts.items():
        if host.state:
            yield {"cluster": host.cluster, "host": name}, host.state


def _holders(report: Report) -> Iterator[Sample]:
    for labels, state in _known(report):
        yield labels, _flag(value=state.holds_vip)


def _apiservers(report: Report) -> Iterator[Sample]:
    for labels, state in _known(report):
        for apiserver, status in state.apiservers.items():
            yield {**labels, "apiserver": apiserver}, _flag(value=status.startswith("UP"))


def _flag(*, value: bool) -> str:
    return "1" if value else "0"


def _lines(name: str, words: str, samples: list[Sample]) -> Iterator[str]:
    if samples:
        yield f"# HELP {name} {words}"
        yield f"# TYPE {name} gauge"
    for labels, value in samples:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{pairs}}} {value}"


def _escaped(text: str) -> str:
    # Labels may hold any character except lone surrogates, which UTF-8 cannot encode.
    return text.translate(_ESCAPES).encode(errors="replace").decode()
