"""What facts mean: each check compares what should be with what is, and says what to do where they differ.

Pure functions. A host check looks at one host, a cluster check at all hosts of a cluster at once.
"""

from nornir_kube_ha.checks.cluster import CLUSTER_CHECKS, check_cluster
from nornir_kube_ha.checks.host import HOST_CHECKS, check_host, unknown_host
from nornir_kube_ha.checks.model import Check, Finding, HostView, Status, Verdict

__all__ = [
    "CLUSTER_CHECKS",
    "HOST_CHECKS",
    "Check",
    "Finding",
    "HostView",
    "Status",
    "Verdict",
    "check_cluster",
    "check_host",
    "unknown_host",
]
