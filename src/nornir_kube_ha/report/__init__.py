"""Renderings of a run's report. Each is imported on first use."""

from typing import TYPE_CHECKING

from nornir_kube_ha.lazy import exports
from nornir_kube_ha.report.model import ClusterReport, Failure, HostReport, HostState, Origin, Report, Step

if TYPE_CHECKING:
    from nornir_kube_ha.report.formats.json import to_json
    from nornir_kube_ha.report.formats.junit import to_junit
    from nornir_kube_ha.report.formats.markdown import to_markdown
    from nornir_kube_ha.report.formats.nagios import nagios_status, to_nagios
    from nornir_kube_ha.report.formats.prometheus import to_prometheus
    from nornir_kube_ha.report.formats.terminal import to_text
    from nornir_kube_ha.report.html.page import to_html

RENDERINGS = {
    "nagios_status": "nornir_kube_ha.report.formats.nagios:nagios_status",
    "to_html": "nornir_kube_ha.report.html.page:to_html",
    "to_json": "nornir_kube_ha.report.formats.json:to_json",
    "to_junit": "nornir_kube_ha.report.formats.junit:to_junit",
    "to_markdown": "nornir_kube_ha.report.formats.markdown:to_markdown",
    "to_nagios": "nornir_kube_ha.report.formats.nagios:to_nagios",
    "to_prometheus": "nornir_kube_ha.report.formats.prometheus:to_prometheus",
    "to_text": "nornir_kube_ha.report.formats.terminal:to_text",
}
"""Module and function of each rendering."""

if not TYPE_CHECKING:  # a module `__getattr__` makes every name valid for type checkers
    __getattr__ = exports(__name__, RENDERINGS)

__all__ = [
    "ClusterReport",
    "Failure",
    "HostReport",
    "HostState",
    "Origin",
    "Report",
    "Step",
    "nagios_status",
    "to_html",
    "to_json",
    "to_junit",
    "to_markdown",
    "to_nagios",
    "to_prometheus",
    "to_text",
]
