"""The report for Prometheus: a file in text format 0.0.4 for node_exporter's textfile collector.

Samples have no timestamps, since that collector rejects them. The end of the run is a metric of its own.
"""

from collections.abc import Iterator

from prometheus_client import Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.facts import VRRP_STATES
from nornir_kube_ha.report.formats.prometheus_faults import Family, Labels, Sample, fault_families
from nornir_kube_ha.report.model import HostState, Report


def to_prometheus(report: Report) -> str:
    """Return the report as Prometheus metrics, all of them gauges."""
    return generate_latest(_ReportCollector(report)).decode()


class _ReportCollector(Collector):
    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """Yield a gauge for each family that has a sample."""
        for name, words, found in (*_families(self._report), *fault_families(self._report)):
            if samples := [*found]:
                gauge = GaugeMetricFamily(name, words, labels=[*samples[0][0]])
                for labels, value in samples:
                    gauge.add_metric([*map(_encodable, labels.values())], value)
                yield gauge


def _encodable(text: str) -> str:
    # Labels may hold any character except lone surrogates, which UTF-8 cannot encode.
    return text.encode(errors="replace").decode()


def _families(report: Report) -> Iterator[Family]:
    run = {"runbook": report.runbook}
    if report.awaiting:
        words = "Whether no apiserver has ever answered: before kubeadm init."
        awaiting = (({"cluster": name}, name in report.awaiting) for name in report.clusters)
        yield "kube_ha_no_apiserver_yet", words, awaiting
    yield "kube_ha_check_status", "Status of a check: 1 for its status, 0 for all others.", _checks(report)
    holders = ((labels, state.holds_vip) for labels, state in _known(report))
    yield "kube_ha_host_vip_holder", "Whether the host holds its cluster's VIP.", holders
    yield "kube_ha_host_vrrp_state", "keepalived's state: 1 at its state, 0 at the others.", _vrrp_states(report)
    yield "kube_ha_apiserver_up", "Whether the host's haproxy sees an apiserver up.", _apiservers(report)
    yield "kube_ha_run_passed", "Whether the last run passed.", [(run, report.passed)]
    finished = round(report.finished.timestamp(), 3)
    yield "kube_ha_run_finished_timestamp_seconds", "When the last run finished.", [(run, finished)]
    yield "kube_ha_run_duration_seconds", "How long the last run took.", [(run, round(report.seconds, 3))]


def _checks(report: Report) -> Iterator[Sample]:
    for name, host in report.hosts.items():
        for finding in host.findings:
            yield from _statuses({"cluster": host.cluster, "host": name}, finding)
    for name, cluster in report.clusters.items():
        for finding in cluster.findings:
            yield from _statuses({"cluster": name, "host": ""}, finding)


def _statuses(labels: Labels, finding: Finding) -> Iterator[Sample]:
    for status in Status:
        yield {**labels, "check": finding.id, "status": status}, finding.status is status


def _known(report: Report) -> Iterator[tuple[Labels, HostState]]:
    for name, host in report.hosts.items():
        if host.state:
            yield {"cluster": host.cluster, "host": name}, host.state


def _vrrp_states(report: Report) -> Iterator[Sample]:
    for labels, state in _known(report):
        if state.vrrp:
            yield from (({**labels, "state": each}, each == state.vrrp) for each in VRRP_STATES)


def _apiservers(report: Report) -> Iterator[Sample]:
    for labels, state in _known(report):
        for apiserver, status in state.apiservers.items():
            yield {**labels, "apiserver": apiserver}, status.startswith("UP")
