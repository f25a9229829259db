"""Who reads what a run found: one value, many renderings."""

from nornir_kube_ha.report.html import to_html
from nornir_kube_ha.report.junit import to_junit
from nornir_kube_ha.report.machine import to_json
from nornir_kube_ha.report.markdown import to_markdown
from nornir_kube_ha.report.model import ClusterReport, Failure, HostReport, HostState, Report
from nornir_kube_ha.report.nagios import nagios_status, to_nagios
from nornir_kube_ha.report.prometheus import to_prometheus

__all__ = [
    "ClusterReport",
    "Failure",
    "HostReport",
    "HostState",
    "Report",
    "nagios_status",
    "to_html",
    "to_json",
    "to_junit",
    "to_markdown",
    "to_nagios",
    "to_prometheus",
]
