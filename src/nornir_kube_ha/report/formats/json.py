"""The report as JSON, for programs."""

import json
from dataclasses import asdict
from typing import Any

from nornir_kube_ha.checks import Finding
from nornir_kube_ha.report.formats.json_faults import fault_tree
from nornir_kube_ha.report.model import SCHEMA, ClusterReport, HostReport, Report, Step


def to_json(report: Report) -> str:
    """Return the report as JSON, in the format of docs/report.md. Control characters are escaped."""
    text = json.dumps(_tree(report), indent=2, ensure_ascii=False, allow_nan=False)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def _tree(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "run_id": report.run_id,
        "runbook": report.runbook,
        "dry_run": report.dry_run,
        "origin": asdict(report.origin),
        "started": report.started.isoformat(),
        "finished": report.finished.isoformat(),
        "passed": report.passed,
        "changed": report.changed,
        "error": {"type": report.error.type, "message": report.error.message} if report.error else None,
        "hosts": {name: _host(host) for name, host in report.hosts.items()},
        "clusters": {name: _cluster(cluster) for name, cluster in report.clusters.items()},
        "faults": [fault_tree(fault) for fault in report.faults],
        "steps": [_step(step) for step in report.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {**asdict(step), "seconds": round(step.seconds, 3)}


def _host(host: HostReport) -> dict[str, Any]:
    failure = host.failure
    return {
        "cluster": host.cluster,
        "role": host.role,
        "address": host.address,
        "status": host.status,
        "changed": host.changed,
        "error": {"type": failure.type, "message": failure.message} if failure else None,
        "plan": list(host.plan),
        "state": asdict(host.state) if host.state else None,
        "checks": _checks(host.findings),
    }


def _cluster(cluster: ClusterReport) -> dict[str, Any]:
    return {
        "vip": cluster.vip,
        "port": cluster.port,
        "apiservers": dict(cluster.apiservers),
        "checks": _checks(cluster.findings),
    }


def _checks(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [asdict(finding) for finding in findings]
