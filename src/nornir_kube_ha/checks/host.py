"""The checks that look at one host."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nornir_kube_ha.checks.model import Check, Finding, HostRule, HostView, Status, Verdict
from nornir_kube_ha.config import RUN_FOLDER, masked
from nornir_kube_ha.plan import required_packages


def _packages_installed(view: HostView) -> Verdict:
    missing = view.plan.install
    versions = ", ".join(
        f"{name} {package.installed}" for name, package in view.facts.packages.items() if package.installed
    )
    return Verdict(
        not missing,
        ", ".join(required_packages(view.node)),
        f"missing: {', '.join(missing)}" if missing else versions,
        "run deploy, which installs them",
    )


def _files_intended(view: HostView) -> Verdict:
    wrong = [*_files_that_differ(view), *_files_not_read(view)]
    return Verdict(
        not wrong,
        "content, mode and owner of every file as the inventory says, and each read by its daemon",
        "; ".join(wrong) or "all as intended",
        "see `deploy --dry-run --diff`, then deploy, or put the change into the inventory",
    )


def _files_that_differ(view: HostView) -> Iterator[str]:
    yield from (f"{change.file.path} differs" for change in view.plan.write)
    yield from (f"{path} should not be there" for path in view.plan.remove)
    if view.node.keepalived.events and not view.facts.has_run_folder:
        yield f"{RUN_FOLDER} is missing"


def _files_not_read(view: HostView) -> Iterator[str]:
    for name, unit in view.facts.units.items():
        if unit.needs_daemon_reload:
            yield f"systemd has not read {name}'s unit files again"
    yield from (f"{name} has not been told of its new files" for name in view.facts.pending)


def _unit_active(name: str) -> HostRule:
    def rule(view: HostView) -> Verdict:
        unit = view.facts.units[name]
        words = "\n".join((str(unit), *unit.journal))
        return Verdict(unit.is_active, "active (running)", words, f"read `journalctl -u {name}`, mend it, then deploy")

    return rule


def _unit_enabled(name: str) -> HostRule:
    def rule(view: HostView) -> Verdict:
        unit = view.facts.units[name]
        seen = "enabled" if unit.enabled else "not enabled"
        return Verdict(unit.enabled, "enabled at boot", seen, f"run deploy, or `systemctl enable {name}`")

    return rule


def _haproxy_listening(view: HostView) -> Verdict:
    haproxy = view.node.haproxy
    wanted = [f"{haproxy.bind}:{haproxy.port}", f"{haproxy.stats.bind}:{haproxy.stats.port}"]
    owners = {f"{listener.address}:{listener.port}": listener.process for listener in view.facts.listeners}
    return Verdict(
        all(owners.get(socket) == "haproxy" for socket in wanted),
        ", ".join(f"{socket}: haproxy" for socket in wanted),
        ", ".join(_seen_on(socket, owners) for socket in wanted),
        "free the port if another process has it; else read `journalctl -u haproxy`",
    )


def _seen_on(socket: str, owners: Mapping[str, str]) -> str:
    """Who listens there; if nobody does, who listens on that port elsewhere."""
    if socket not in owners:
        port = socket.rpartition(":")[2]
        elsewhere = [other for other in owners if other.rpartition(":")[2] == port]
        socket = elsewhere[0] if elsewhere else socket
    return f"{socket}: {owners.get(socket, 'nobody') or 'unknown'}"


def _apiservers_up(view: HostView) -> Verdict:
    wanted = {apiserver.name for apiserver in view.node.apiservers}
    servers = {server.name: server for server in view.facts.servers or ()}
    down = [f"{name} {servers[name].status} ({servers[name].check})" for name in servers if not servers[name].is_up]
    missing = [f"{name} missing" for name in sorted(wanted - set(servers))]
    extra = [f"{name} is not in the inventory" for name in sorted(set(servers) - wanted)]
    seen = "; ".join([*down, *missing, *extra]) or f"{len(servers)} up"
    return Verdict(
        seen == f"{len(wanted)} up",
        f"{len(wanted)} up",
        seen if view.facts.servers is not None else f"haproxy does not answer on {view.node.haproxy.socket}",
        "if haproxy does not answer, see haproxy.active; "
        "else ask the apiserver itself: `curl --cacert CA https://ADDRESS:PORT/readyz?verbose`",
    )


def _keepalived_state(view: HostView) -> Verdict:
    node, holds = view.node, view.facts.holds(view.node.vip)
    state = view.facts.vrrp[0].state if view.facts.vrrp else None
    expected = {"MASTER"} if node.role == "master" else {"BACKUP"}
    if not node.keepalived.preempt:
        expected = {"MASTER", "BACKUP"}
    address = "holds the VIP" if holds else "does not hold the VIP"
    return Verdict(
        state in expected and (state == "MASTER") == holds,
        " or ".join(sorted(expected)) + ", holding the VIP only as MASTER",
        f"{state}, {address}" if state else f"keepalived does not answer, {address}",
        "look at the master's other checks first: a node in FAULT (haproxy or its interface down) lets the VIP go; "
        "`journalctl -u keepalived` says when",
    )


def _vip_answers_ping(view: HostView) -> Verdict:
    answers = view.facts.vip_answers_ping
    return Verdict(
        answers,
        f"{view.node.vip.ip} answers",
        f"{view.node.vip.ip} {'answers' if answers else 'does not answer'}",
        "look for the holder with `ip address` on each node; check cabling, VLAN and firewall between them",
    )


def _apiserver_readyz(view: HostView) -> Verdict:
    probe, node = view.facts.readyz, view.node
    through = "verified by the CA" if node.apiserver_ca else "not verified: no apiserver_ca is given"
    return Verdict(
        probe.status == 200,
        f"HTTP 200 from {node.readyz_url}, {through}",
        str(probe),
        "if the certificate is refused, the apiservers' certificate must name the VIP; else see haproxy.apiservers_up",
    )


def _stats_password(view: HostView) -> Verdict:
    opened, login = view.facts.stats_open, view.facts.stats_login
    return Verdict(
        opened.status == 401 and login.status == 200,
        f"{view.node.stats_url}: HTTP 401 without the password, HTTP 200 with it",
        f"{opened} without, {login} with",
        "run deploy; a holder that runs on another password answers here too",
    )


HOST_CHECKS: tuple[Check[HostRule], ...] = (
    Check("packages.installed", "all packages are there", _packages_installed),
    Check("files.intended", "content, mode and owner of our files are as the inventory says", _files_intended),
    Check("haproxy.active", "haproxy runs", _unit_active("haproxy")),
    Check("haproxy.enabled", "haproxy starts at boot", _unit_enabled("haproxy")),
    Check("haproxy.listening", "haproxy owns the apiserver port and the stats port", _haproxy_listening),
    Check("haproxy.apiservers_up", "haproxy sees every apiserver of the inventory up, and no other", _apiservers_up),
    Check("keepalived.active", "keepalived runs", _unit_active("keepalived")),
    Check("keepalived.enabled", "keepalived starts at boot", _unit_enabled("keepalived")),
    Check("keepalived.state", "keepalived's state fits the node's role and its addresses", _keepalived_state),
    Check("vip.ping", "the VIP answers this node's ping", _vip_answers_ping),
    Check("vip.readyz", "an apiserver is ready behind the VIP, for a client on this node", _apiserver_readyz),
    Check("vip.stats", "the stats page answers at the VIP, and only with its password", _stats_password),
)


def check_host(view: HostView) -> tuple[Finding, ...]:
    """Every host check, on one host.

    Arguments:
        view: all that is known of it
    """
    found = (check.finding(check.rule(view)) for check in HOST_CHECKS)
    # A daemon's own words, as its journal has them, may quote a line of its file.
    return tuple(replace(each, seen=masked(each.seen, view.node)) for each in found)


def unknown_host(reason: str) -> tuple[Finding, ...]:
    """Every host check, of a host that could not be looked at.

    Arguments:
        reason: why
    """
    return tuple(Finding(check.id, Status.UNKNOWN, check.meaning, reason) for check in HOST_CHECKS)
