"""Checks: each compares the intended with the observed state, and says what to do about a difference.

A host check judges one host, a cluster check all hosts of a cluster together. No I/O.
"""

from nornir_kube_ha.checks.bootstrap import NO_APISERVER_YET, waits
from nornir_kube_ha.checks.keepalived import foreign_routers, former_speakers
from nornir_kube_ha.checks.model import Check, ClusterView, Finding, HostView, Severity, Since, Status, Verdict
from nornir_kube_ha.checks.registry import (
    ALL,
    CHECKS,
    CLUSTER_CHECKS,
    HOST_CHECKS,
    LISTENER_CHECKS,
    NEED_CREDENTIAL,
    NEED_PASSWORD,
    check_cluster,
    check_host,
    unknown_host,
)

__all__ = [
    "ALL",
    "CHECKS",
    "CLUSTER_CHECKS",
    "HOST_CHECKS",
    "LISTENER_CHECKS",
    "NEED_CREDENTIAL",
    "NEED_PASSWORD",
    "NO_APISERVER_YET",
    "Check",
    "ClusterView",
    "Finding",
    "HostView",
    "Severity",
    "Since",
    "Status",
    "Verdict",
    "check_cluster",
    "check_host",
    "foreign_routers",
    "former_speakers",
    "unknown_host",
    "waits",
]
