"""Who reads what a run found: one value, many renderings."""

from nornir_kube_ha.report.machine import to_json
from nornir_kube_ha.report.model import Failure, HostReport, Report

__all__ = ["Failure", "HostReport", "Report", "to_json"]
