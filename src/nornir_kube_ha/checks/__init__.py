"""What facts mean: each check compares what should be with what is, and says what to do where they differ.

Pure functions. A host check looks at one host, a cluster check at all hosts of a cluster at once.
"""

from collections.abc import Mapping

from nornir_kube_ha.checks.cluster import CLUSTER_CHECKS, check_cluster
from nornir_kube_ha.checks.host import HOST_CHECKS, check_host, unknown_host
from nornir_kube_ha.checks.model import Check, ClusterRule, Finding, HostRule, HostView, Severity, Status, Verdict

CHECKS: Mapping[str, Check[HostRule] | Check[ClusterRule]] = {
    **{check.id: check for check in HOST_CHECKS},
    **{check.id: check for check in CLUSTER_CHECKS},
}
"""Every check there is, by its id."""

__all__ = [
    "CHECKS",
    "CLUSTER_CHECKS",
    "HOST_CHECKS",
    "Check",
    "Finding",
    "HostView",
    "Severity",
    "Status",
    "Verdict",
    "check_cluster",
    "check_host",
    "unknown_host",
]
