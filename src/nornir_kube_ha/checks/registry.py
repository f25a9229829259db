"""The list of all checks, and functions that run them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from nornir_kube_ha.checks import (
    clients,
    cluster,
    files,
    haproxy,
    keepalived,
    listeners,
    liveness,
    machine,
    timers,
    units,
    vip,
)
from nornir_kube_ha.checks.apiserver import certificates, health
from nornir_kube_ha.checks.bootstrap import with_state
from nornir_kube_ha.checks.kubernetes import endpoint
from nornir_kube_ha.checks.model import (
    Check,
    ClusterRule,
    ClusterView,
    Finding,
    HostRule,
    HostView,
    Severity,
    Status,
)
from nornir_kube_ha.facts import Scope
from nornir_kube_ha.intent import Node
from nornir_kube_ha.planning.diff import masked
from nornir_kube_ha.text import bounded

_WARNING = Severity.WARNING

HOST_CHECKS: tuple[Check[HostRule], ...] = (
    Check("packages.installed", "all required packages are installed", files.packages_installed),
    Check(
        "packages.pinned", "packages that the inventory pins have the pinned version", files.packages_pinned, _WARNING
    ),
    Check("files.intended", "content, mode and owner of the managed files match the inventory", files.files_intended),
    Check("haproxy.active", "haproxy runs", units.active("haproxy")),
    Check("haproxy.enabled", "haproxy starts at boot", units.enabled("haproxy")),
    Check(
        "haproxy.stable", "haproxy has not ended unexpectedly in the last 10 minutes", units.stable("haproxy"), _WARNING
    ),
    Check("haproxy.up_to_date", "haproxy has loaded its current files and program", units.up_to_date("haproxy")),
    Check("haproxy.config_accepted", "haproxy accepts its configuration and would start", units.accepted("haproxy")),
    Check("haproxy.listening", "haproxy listens on the apiserver port and the stats port", haproxy.listening),
    Check("haproxy.apiservers_up", "haproxy sees exactly the inventory's apiservers, all up", haproxy.apiservers_up),
    Check("haproxy.load", "haproxy has room for more connections", haproxy.load, _WARNING),
    Check("haproxy.old_workers", "old workers do not pile up after reloads", haproxy.workers, _WARNING),
    Check(
        "haproxy.stats", "the node's own stats page opens with the inventory's password", haproxy.stats, asks=Scope.GATE
    ),
    Check(
        "haproxy.stats_password",
        "the stats page's password is neither well known nor too short",
        haproxy.stats_password,
    ),
    Check("keepalived.active", "keepalived runs", units.active("keepalived")),
    Check("keepalived.enabled", "keepalived starts at boot", units.enabled("keepalived")),
    Check(
        "keepalived.stable",
        "keepalived has not ended unexpectedly in the last 10 minutes",
        units.stable("keepalived"),
        _WARNING,
    ),
    Check(
        "keepalived.up_to_date", "keepalived has loaded its current files and program", units.up_to_date("keepalived")
    ),
    Check(
        "keepalived.config_accepted",
        "keepalived accepts its configuration and would start",
        units.accepted("keepalived"),
    ),
    Check("keepalived.state", "keepalived's state fits the node's role and the VIPs on the host", keepalived.state),
    Check("keepalived.able", "keepalived has all that it needs to take the VIP over", liveness.able),
    Check(
        "keepalived.tickle",
        "keepalived can notify clients when the VIP moves",
        clients.able,
        _WARNING,
        asks=Scope.ALL,
    ),
    Check("keepalived.moved", "no move of the VIP is in progress or was interrupted", vip.no_move_left, _WARNING),
    Check(
        "vrrp.adverts",
        "exactly one node of the cluster sends adverts",
        keepalived.adverts,
        asks=Scope.GATE,
    ),
    Check(
        "vrrp.no_foreign_router",
        "no router outside the cluster uses its VRID",
        keepalived.no_foreign_router,
        asks=Scope.ALL,
    ),
    Check("vip.ping", "the VIP answers this node's ping", vip.ping, asks=Scope.GATE),
    Check("vip.readyz", "an apiserver is ready behind the VIP, for a client on this node", vip.readyz, asks=Scope.GATE),
    Check("vip.version", "the API answers behind the VIP, for a client on this node", vip.version, asks=Scope.ALL),
    Check("vip.stats", "the stats page at the VIP asks for a password", vip.stats, asks=Scope.GATE),
    Check(
        "endpoint.kubeconfigs",
        "the node's kubeconfigs name the control-plane endpoint",
        endpoint.kubeconfigs,
        _WARNING,
        asks=Scope.ALL,
    ),
    Check("host.interface", "the interface is up and has the node's address", machine.interface),
    Check("host.sources", "none of the node's own connections starts from the VIP", liveness.sources),
    Check("host.firewall", "the host's packet filter accepts VRRP and client connections", machine.packet_filter),
    Check("host.disk", "the file systems that the daemons write to have free space", machine.disk),
    Check("host.denials", "neither SELinux nor AppArmor blocks the daemons", machine.denials, _WARNING),
)

LISTENER_CHECKS: tuple[Check[HostRule], ...] = (
    Check("listener.listening", "haproxy listens on the port of each further listener", listeners.listening),
    Check("listener.servers_up", "haproxy sees all servers of each further listener up", listeners.servers_up),
    Check(
        "listener.at_vip",
        "each further listener keeps a connection open at each VIP, for a client on this node",
        listeners.at_vip,
        asks=Scope.ALL,
    ),
)
"""Checks of each host of a cluster that has `haproxy.listeners`; no report of another cluster has them."""

CLUSTER_CHECKS: tuple[Check[ClusterRule], ...] = (
    Check("vip.single_holder", "exactly one node holds the VIP", cluster.single_holder),
    Check("vip.arp", "only the VIP holder answers ARP for the VIP", cluster.arp, asks=Scope.ALL),
    Check(
        "vip.from_controller",
        "the API answers behind the VIP, for the controller",
        cluster.from_controller,
        asks=Scope.ALL,
    ),
    Check(
        "haproxy.reached_by_peers",
        "each node would serve clients if it held the VIP",
        cluster.reached_by_peers,
        asks=Scope.ALL,
    ),
    Check(
        "haproxy.peers",
        "the nodes' haproxies share their tables of clients",
        clients.peers,
        _WARNING,
        asks=Scope.ALL,
    ),
    Check(
        "haproxy.clients",
        "the other nodes know the clients of the VIP holder",
        clients.known,
        _WARNING,
        asks=Scope.ALL,
    ),
    Check(
        "apiserver.certificates",
        "the apiservers' certificates are trusted, name the endpoint, and do not expire soon",
        certificates.valid,
        asks=Scope.ALL,
    ),
    Check("apiserver.ca_certificate", "the apiservers' CA is valid and does not expire soon", certificates.authority),
    Check(
        "apiserver.health",
        "each apiserver is ready and alive, and its etcd answers; only with a kubeconfig",
        health.healthy,
        asks=Scope.ALL,
    ),
    Check(
        "endpoint.direct_clients",
        "no client is connected to an apiserver past haproxy",
        endpoint.direct_clients,
        _WARNING,
        asks=Scope.ALL,
    ),
    Check("cluster.clocks", "the nodes' clocks agree", cluster.clocks),
    Check(
        "cluster.versions", "haproxy and keepalived have the same version on all nodes", cluster.same_versions, _WARNING
    ),
    Check("cluster.timers", "no setting delays a failover needlessly or makes the VIP flap", timers.fit, _WARNING),
)

CHECKS: Mapping[str, Check[HostRule] | Check[ClusterRule]] = {
    **{check.id: check for check in (*HOST_CHECKS, *LISTENER_CHECKS)},
    **{check.id: check for check in CLUSTER_CHECKS},
}
"""All checks by id."""

ALL = frozenset(CHECKS)
NEED_PASSWORD = frozenset({"files.intended", "haproxy.stats"})
"""Checks that compare the inventory's stats password with the hosts'."""
NEED_CREDENTIAL = frozenset({"apiserver.health"})
"""Checks that need a credential for the Kubernetes API; without one they are not made."""


def check_host(view: HostView, chosen: Collection[str] = ALL) -> tuple[Finding, ...]:
    """Run the chosen host checks on one host.

    Arguments:
        view: the host
        chosen: ids of the checks to run
    """
    found = (check.judge(view, chosen) for check in _host_checks(view.node) if check.id in chosen)
    # A daemon's journal may quote a line of its file, with a password.
    return tuple(_shown(with_state(view, each), view.node) for each in found)


def _host_checks(node: Node | None) -> tuple[Check[HostRule], ...]:
    return (*HOST_CHECKS, *(LISTENER_CHECKS if node and node.haproxy.listeners else ()))


def unknown_host(reason: str, chosen: Collection[str] = ALL, node: Node | None = None) -> tuple[Finding, ...]:
    """Return the chosen host checks as `unknown`, for a host that could not be looked at.

    Arguments:
        reason: why the host could not be looked at
        chosen: ids of the checks to report
        node: the host's node, whose listeners have checks of their own
    """
    made = (check for check in _host_checks(node) if check.id in chosen)
    return tuple(Finding(check.id, Status.UNKNOWN, check.meaning, bounded(reason)) for check in made)


def check_cluster(view: ClusterView, chosen: Collection[str] = ALL) -> tuple[Finding, ...]:
    """Run the chosen cluster checks on one cluster.

    A check that lacks a host is `unknown`, or `skip` if the operator left that host out of the run.

    Arguments:
        view: the cluster
        chosen: ids of the checks to run
    """
    found = (check.judge(view, chosen) for check in CLUSTER_CHECKS if check.id in chosen)
    return tuple(_shown(with_state(view, each), view.cluster.nodes[0]) for each in found)


def _shown(finding: Finding, node: Node) -> Finding:
    """Return the finding with secrets masked and long text shortened."""
    seen = bounded(masked(finding.seen, node))
    return finding if seen == finding.seen else replace(finding, seen=seen)
