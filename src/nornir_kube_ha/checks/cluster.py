"""The checks that look at all hosts of a cluster at once."""

from collections.abc import Mapping

from nornir_kube_ha.checks.model import Check, ClusterRule, Finding, Verdict
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster


def _single_holder(cluster: Cluster, facts: Mapping[str, Facts]) -> Verdict:
    holders = [node.name for node in cluster.nodes if node.name in facts and facts[node.name].holds(cluster.vip)]
    unseen = [node.name for node in cluster.nodes if node.name not in facts]
    # Who was not seen may be the holder, or a second one; but two are too many whoever else was not seen.
    undecided = unseen and len(holders) < 2
    return Verdict(
        None if undecided else len(holders) == 1,
        f"exactly one of {', '.join(node.name for node in cluster.nodes)} holds {cluster.vip.ip}",
        f"not seen: {', '.join(unseen)}" if undecided else ", ".join(holders) or "nobody",
        "two holders: VRRP does not pass between them (protocol 112, firewall, VRID); none: see keepalived.state",
    )


CLUSTER_CHECKS: tuple[Check[ClusterRule], ...] = (
    Check("vip.single_holder", "exactly one node holds the VIP", _single_holder),
)


def check_cluster(cluster: Cluster, facts: Mapping[str, Facts]) -> tuple[Finding, ...]:
    """Every cluster check, on one cluster. One that could not see every host that it needs is skipped, not passed.

    Arguments:
        cluster: what should be
        facts: what is, by host name, of the hosts that were looked at
    """
    return tuple(check.finding(check.rule(cluster, facts)) for check in CLUSTER_CHECKS)
