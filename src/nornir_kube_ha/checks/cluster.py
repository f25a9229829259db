"""The checks that look at all hosts of a cluster at once."""

from collections.abc import Mapping, Sequence

from nornir_kube_ha.checks.model import Check, ClusterRule, Finding, Status, Verdict, finding
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster


def _single_holder(cluster: Cluster, facts: Mapping[str, Facts]) -> Verdict:
    holders = [node.name for node in cluster.nodes if node.name in facts and facts[node.name].holds(cluster.vip)]
    return Verdict(
        len(holders) == 1,
        f"exactly one of {', '.join(node.name for node in cluster.nodes)} holds {cluster.vip.ip}",
        ", ".join(holders) or "nobody",
        "two holders: VRRP does not pass between them (protocol 112, firewall, VRID); none: see keepalived.state",
    )


CLUSTER_CHECKS: tuple[Check[ClusterRule], ...] = (
    Check("vip.single_holder", "exactly one node holds the VIP", _single_holder),
)


def check_cluster(cluster: Cluster, facts: Mapping[str, Facts]) -> tuple[Finding, ...]:
    """Every cluster check, on one cluster. One that could not see every host is not passed.

    Arguments:
        cluster: what should be
        facts: what is, by host name, of the hosts that were looked at
    """
    findings = (finding(check.id, check.rule(cluster, facts)) for check in CLUSTER_CHECKS)
    unseen = [node.name for node in cluster.nodes if node.name not in facts]
    return tuple(_skipped(each, unseen) if unseen else each for each in findings)


def _skipped(found: Finding, unseen: Sequence[str]) -> Finding:
    """What a finding is worth when hosts were not seen: only too many holders stay too many."""
    if found.status is Status.FAIL and "," in found.seen:
        return found
    return Finding(found.id, Status.SKIP, found.expected, f"not seen: {', '.join(unseen)}")
