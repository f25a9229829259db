"""Renderings of a run's report. Each is imported on first use."""

from typing import TYPE_CHECKING

from nornir_kube_ha.lazy import exports
from nornir_kube_ha.report.model import ClusterReport, Failure, HostReport, HostState, Report

if TYPE_CHECKING:
    from nornir_kube_ha.report.html import to_html
    from nornir_kube_ha.report.junit import to_junit
    from nornir_kube_ha.report.machine import to_json
    from nornir_kube_ha.report.markdown import to_markdown
    from nornir_kube_ha.report.nagios import nagios_status, to_nagios
    from nornir_kube_ha.report.prometheus import to_prometheus
    from nornir_kube_ha.report.terminal import to_text

RENDERINGS = {
    "nagios_status": "nornir_kube_ha.report.nagios:nagios_status",
    "to_html": "nornir_kube_ha.report.html:to_html",
    "to_json": "nornir_kube_ha.report.machine:to_json",
    "to_junit": "nornir_kube_ha.report.junit:to_junit",
    "to_markdown": "nornir_kube_ha.report.markdown:to_markdown",
    "to_nagios": "nornir_kube_ha.report.nagios:to_nagios",
    "to_prometheus": "nornir_kube_ha.report.prometheus:to_prometheus",
    "to_text": "nornir_kube_ha.report.terminal:to_text",
}
"""Module and function of each rendering."""

if not TYPE_CHECKING:  # a module `__getattr__` makes every name valid for type checkers
    __getattr__ = exports(__name__, RENDERINGS)

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
    "to_text",
]
