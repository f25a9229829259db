"""Made-up reports to be shown as a page, each as a run could have left it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.support.reports import MISSED, NEVER_MADE, NOT_HEALED, NOT_INJECTED, SURVIVED, UNENDED

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report

CHECKS = {
    "packages.installed": ("haproxy, keepalived", "haproxy 2.6.12-1+deb12u2, keepalived 1:2.2.7-1+b2"),
    "files.intended": ("content, mode and owner of every file match the inventory", "all match"),
    "haproxy.active": ("active (running)", "active (running)"),
    "haproxy.enabled": ("enabled at boot", "enabled"),
    "haproxy.listening": ("0.0.0.0:8443: haproxy", "0.0.0.0:8443: haproxy"),
    "haproxy.apiservers_up": ("3 up", "3 up"),
    "keepalived.active": ("active (running)", "active (running)"),
    "keepalived.enabled": ("enabled at boot", "enabled"),
    "keepalived.state": ("MASTER or BACKUP, holding the VIP only as MASTER", "as it should be"),
    "vip.ping": ("192.0.2.10 answers", "192.0.2.10 answers"),
    "vip.readyz": ("HTTP 200 from https://192.0.2.10:8443/readyz, verified by the CA", "HTTP 200, ok"),
    "vip.stats": ("HTTP 401 without the password, HTTP 200 with it", "HTTP 401 without, HTTP 200 with it"),
}
"""Checks of a host: what should be, and what is where all is well."""

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
UNREACHABLE = Failure(
    "HostUnreachableError",
    "expected an SSH server on 192.0.2.13:22, seen: connection timed out after 10 s; "
    "see whether the host runs, and whether a firewall is between",
    4,
)
NEXT = "read `journalctl -u haproxy`, fix the cause, then run deploy"
STOPPED = Finding(
    "haproxy.active",
    Status.FAIL,
    "active (running)",
    "failed (failed)\n"
    "[ALERT]    (532) : config : parsing [/etc/haproxy/haproxy.cfg:35] : unknown keyword 'nonsense' in 'defaults'\n"
    "[ALERT]    (532) : config : Fatal errors found in configuration.\n"
    "haproxy.service: Main process exited, code=exited, status=1/FAILURE",
    NEXT,
)
DIFFERS = Finding(
    "files.intended",
    Status.FAIL,
    "content, mode and owner of every file match the inventory, and each was read by its daemon",
    "/etc/haproxy/haproxy.cfg differs\n"
    "--- /etc/haproxy/haproxy.cfg\n"
    "+++ /etc/haproxy/haproxy.cfg\n"
    "@@ -33,5 +33,4 @@\n"
    " defaults\n"
    "     mode tcp\n"
    "-    nonsense\n"
    "-    balance source\n"
    "+    balance leastconn",
    "see `deploy --dry-run --diff`, then run deploy, or put the change into the inventory",
)
EXPIRES = Finding(
    "apiserver.certificate",
    Status.WARN,
    "valid for 30 days or more",
    "kube-2: valid until 2026-03-22, 18 days from now",
    "renew it: `kubeadm certs renew apiserver` on kube-2, then restart its apiserver",
)
APISERVER_DOWN = Finding(
    "haproxy.apiservers_up",
    Status.FAIL,
    "3 up",
    "kube-3 DOWN (L4CON Connection refused)",
    "if haproxy does not answer, see haproxy.active; "
    "else ask the apiserver itself: `curl --cacert CA https://ADDRESS:PORT/readyz?verbose`",
)
TWO_HOLDERS = Finding(
    "vip.single_holder",
    Status.FAIL,
    "exactly one of lb-1, lb-2, lb-3 holds 192.0.2.10",
    "lb-1, lb-2",
    (
        "two holders: the nodes do not receive each other's VRRP (protocol 112, firewall, VRID); none: "
        "see keepalived.state"
    ),
)
ONE_HOLDER = Finding("vip.single_holder", Status.PASS, "exactly one of lb-1, lb-2, lb-3 holds 192.0.2.10", "lb-1")
APISERVERS = {f"kube-{number}": f"192.0.2.{20 + number}:6443" for number in (1, 2, 3)}
UP = dict.fromkeys(APISERVERS, "UP")


def findings(*others: Finding) -> tuple[Finding, ...]:
    """Every check of a host passed, but those given."""
    by_id = {each.id: each for each in others}
    passed = {check: Finding(check, Status.PASS, *words) for check, words in CHECKS.items()}
    return tuple({**passed, **by_id}.values())


def host(
    number: int,
    *others: Finding,
    vrrp: str | None = "",
    holds: bool | None = None,
    sees: Mapping[str, str] = UP,
    cluster: str = "demo",
) -> HostReport:
    """A node that was looked at: the first is the master and holds the VIP, unless told otherwise."""
    state = HostState(
        ("MASTER" if number == 1 else "BACKUP") if vrrp == "" else vrrp, number == 1 if holds is None else holds, sees
    )
    role = "master" if number == 1 else "backup"
    return HostReport(
        cluster, role, changed=False, findings=findings(*others), address=f"192.0.2.{10 + number}", state=state
    )


def lost(number: int, failure: Failure = UNREACHABLE, cluster: str = "demo") -> HostReport:
    """A node that could not be looked at."""
    return HostReport(
        cluster,
        "backup",
        changed=False,
        findings=tuple(Finding(check, Status.UNKNOWN, words[0], failure.message) for check, words in CHECKS.items()),
        failure=failure,
        address=f"192.0.2.{10 + number}",
    )


def cluster(*found: Finding, apiservers: Mapping[str, str] = APISERVERS, vip: str = "192.0.2.10") -> ClusterReport:
    """A cluster of which its VIP, its apiservers and these findings are known."""
    return ClusterReport(found or (ONE_HOLDER,), vip, 8443 if vip else 0, apiservers)


def report(
    hosts: Mapping[str, HostReport],
    clusters: Mapping[str, ClusterReport] | None = None,
    runbook: str = "verify",
    *,
    dry_run: bool = False,
) -> Report:
    """A run that took twelve seconds."""
    return Report(
        "0123456789ab",
        runbook,
        STARTED,
        STARTED + timedelta(seconds=12.3),
        hosts,
        {"demo": cluster()} if clusters is None else clusters,
        dry_run,
    )


def green() -> Report:
    """Nothing is wrong."""
    return report({f"lb-{number}": host(number) for number in (1, 2, 3)})


def red() -> Report:
    """A node's haproxy is down, an apiserver is for another, a certificate expires, and a node does not answer."""
    sees = {**UP, "kube-3": "DOWN"}
    undecided = Finding("vip.single_holder", Status.SKIP, ONE_HOLDER.expected, "not seen: lb-3")
    return report(
        {
            "lb-1": host(1, APISERVER_DOWN, EXPIRES, sees=sees),
            "lb-2": host(2, STOPPED, DIFFERS, vrrp="FAULT", sees={}),
            "lb-3": lost(3),
        },
        {"demo": cluster(undecided)},
    )


def split() -> Report:
    """Two nodes hold the VIP at once."""
    hosts = {"lb-1": host(1), "lb-2": host(2, vrrp="MASTER", holds=True), "lb-3": host(3)}
    return report(hosts, {"demo": cluster(TWO_HOLDERS)})


def large() -> Report:
    """As many nodes and apiservers as one would have, with the long names that one would give them."""
    names = [f"control-plane-{number}.frankfurt.production.example.net" for number in range(1, 10)]
    sees = {**dict.fromkeys(names, "UP"), names[4]: "DOWN", names[7]: "MAINT"}
    down = replace(
        APISERVER_DOWN, expected="9 up", seen=f"{names[4]} DOWN (L4CON Connection refused); {names[7]} MAINT ()"
    )
    silent = Finding("keepalived.state", Status.FAIL, "BACKUP", "keepalived does not answer, does not hold the VIP")
    nodes = {
        1: host(1, down, sees=sees),
        2: host(2, down, sees=sees),
        3: host(3, down, silent, vrrp=None, sees=sees),
        4: host(4, sees=dict.fromkeys(names, "UP")),
        5: host(5, down, sees=sees),
    }
    hosts = {f"load-balancer-{number}.frankfurt.production.example.net": node for number, node in nodes.items()}
    addresses = {name: f"198.51.100.{110 + number}:6443" for number, name in enumerate(names)}
    return report(hosts, {"demo": cluster(apiservers=addresses)})


def two_clusters() -> Report:
    """One is well, of the other nobody holds the VIP."""
    nobody = replace(TWO_HOLDERS, expected="exactly one of edge-1, edge-2 holds 192.0.2.90", seen="nobody")
    hosts = {
        **green().hosts,
        "edge-1": host(1, vrrp="FAULT", holds=False, cluster="edge"),
        "edge-2": host(2, STOPPED, vrrp="FAULT", sees={}, cluster="edge"),
    }
    return report(hosts, {"demo": cluster(), "edge": cluster(nobody, vip="192.0.2.90")})


def many() -> Report:
    """Fifty nodes of one cluster, three of them unwell."""
    hosts = {f"lb-{number}": host(number) for number in range(1, 48)}
    return report({**hosts, "lb-48": host(48, STOPPED), "lb-49": host(49, STOPPED), "lb-50": lost(50)})


def planned() -> Report:
    """A dry run: nothing was checked."""
    steps = ("write /etc/haproxy/haproxy.cfg", "reload haproxy")
    diff = DIFFERS.seen.partition("\n")[2]
    hosts = {
        "lb-1": HostReport("demo", "master", changed=False, findings=(), address="192.0.2.11"),
        "lb-2": HostReport("demo", "backup", changed=True, findings=(), address="192.0.2.12", plan=steps, diff=diff),
    }
    return report(hosts, {"demo": ClusterReport((), "192.0.2.10", 8443, APISERVERS)}, "deploy", dry_run=True)


def survived() -> Report:
    """A fault was made, and cost no more than it may."""
    return replace(green(), runbook="failover_test", faults=(SURVIVED,))


def broken() -> Report:
    """Many faults were made; one was survived."""
    faults = (SURVIVED, MISSED, UNENDED, NOT_INJECTED, NOT_HEALED, NEVER_MADE)
    return replace(green(), runbook="failover_test", faults=faults)


def nothing() -> Report:
    """A run without any host."""
    return report({}, {})


REPORTS: Mapping[str, Callable[[], Report]] = {
    "green": green,
    "red": red,
    "split": split,
    "large": large,
    "two-clusters": two_clusters,
    "many": many,
    "planned": planned,
    "survived": survived,
    "broken": broken,
    "nothing": nothing,
}
"""Each kind of report, by name."""
