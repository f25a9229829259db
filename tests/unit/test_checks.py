"""Each check passes on a healthy host, and is the only one to fail where the one thing that it is about is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest
from nornir.core import Nornir

from nornir_kube_ha.checks import (
    CLUSTER_CHECKS,
    HOST_CHECKS,
    Finding,
    HostView,
    Status,
    check_cluster,
    check_host,
    unknown_host,
)
from nornir_kube_ha.config import HAPROXY_CA, HAPROXY_CFG, ConfigFile
from nornir_kube_ha.facts import NOT_PROBED, Facts, Listener, Package, Probe, Server, VRRPInstance
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.plan import plan

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
Change = Callable[[Facts], Facts]
Findings = Callable[..., tuple[Finding, ...]]

VIP = IPv4Interface("192.0.2.10/24")
UP = tuple(Server(f"lb-{number}", "UP", "L7OK") for number in (1, 2, 3))
SOCKETS = (Listener("0.0.0.0", 8443, "haproxy"), Listener("0.0.0.0", 10080, "haproxy"))  # noqa: S104 - the guide's


@pytest.fixture
def findings_of(nornir_of: NornirOf, render: Render, healthy: Mapping[str, Facts]) -> Findings:
    """What the checks find on a healthy host after a change of its facts."""

    def findings(host: str, change: Change, **overrides: Any) -> tuple[Finding, ...]:  # noqa: ANN401 - nornir_of's own
        nornir = nornir_of(**overrides)
        node, files = load_intent(nornir).node(host), tuple(render(nornir)[host].values())
        as_intended = {
            file.path: replace(healthy[host].files[file.path], content=file.content.encode()) for file in files
        }
        facts = change(replace(healthy[host], files=as_intended))
        return check_host(HostView(node, facts, plan(node, files, facts)))

    return findings


def unit(name: str, **changes: Any) -> Change:  # noqa: ANN401 - fields of Unit
    return lambda facts: replace(facts, units={**facts.units, name: replace(facts.units[name], **changes)})


def package(name: str, found: Package | None) -> Change:
    return lambda facts: replace(
        facts,
        packages={key: value for key, value in facts.packages.items() if key != name}
        | ({name: found} if found else {}),
    )


def file(path: str, **changes: Any) -> Change:  # noqa: ANN401 - fields of FileFact
    return lambda facts: replace(facts, files={**facts.files, path: replace(facts.files[path], **changes)})


def without_file(path: str) -> Change:
    return lambda facts: replace(facts, files={key: value for key, value in facts.files.items() if key != path})


def facts(**changes: Any) -> Change:  # noqa: ANN401 - fields of Facts
    return lambda found: replace(found, **changes)


def vrrp(state: str, *, holds: bool) -> Change:
    def change(found: Facts) -> Facts:
        vip = [pair for pair in found.addresses if str(pair[1].ip) == "192.0.2.10"]
        others = [pair for pair in found.addresses if pair not in vip]
        return replace(
            found,
            vrrp=(VRRPInstance("VI-kube-master", state, 120),),
            addresses=(*others, *(vip or [("eth0", VIP)])) if holds else tuple(others),
        )

    return change


def unchanged(found: Facts) -> Facts:
    return found


FAILURES: dict[str, tuple[str, str, Change, str]] = {
    "curl missing": ("packages.installed", "lb-1", package("curl", None), "missing: curl"),
    "socat missing": ("packages.installed", "lb-1", package("socat", Package(None, "1.7.4.4-2")), "missing: socat"),
    "file by hand": ("files.intended", "lb-1", file(HAPROXY_CFG, content=b"# by hand\n"), f"{HAPROXY_CFG} differs"),
    "file mode": ("files.intended", "lb-1", file(HAPROXY_CFG, mode="0644"), f"{HAPROXY_CFG} differs"),
    "file owner": ("files.intended", "lb-1", file(HAPROXY_CFG, owner="haproxy"), f"{HAPROXY_CFG} differs"),
    "file gone": ("files.intended", "lb-1", without_file(HAPROXY_CA), f"{HAPROXY_CA} differs"),
    "haproxy stopped": (
        "haproxy.active",
        "lb-1",
        unit("haproxy", active_state="inactive", sub_state="dead"),
        "inactive (dead)",
    ),
    "haproxy failed": (
        "haproxy.active",
        "lb-1",
        unit("haproxy", active_state="failed", journal=("a", "b")),
        "failed (running)\na\nb",
    ),
    "haproxy not there": (
        "haproxy.active",
        "lb-1",
        unit("haproxy", exists=False, active_state="inactive"),
        "not installed",
    ),
    "haproxy not enabled": ("haproxy.enabled", "lb-1", unit("haproxy", enabled=False), "not enabled"),
    "nobody listens": ("haproxy.listening", "lb-1", facts(listeners=()), "0.0.0.0:8443: nobody, 0.0.0.0:10080: nobody"),
    "no stats page": (
        "haproxy.listening",
        "lb-1",
        facts(listeners=SOCKETS[:1]),
        "0.0.0.0:8443: haproxy, 0.0.0.0:10080: nobody",
    ),
    "port taken": (
        "haproxy.listening",
        "lb-1",
        facts(listeners=(replace(SOCKETS[0], process="nginx"), SOCKETS[1])),
        "0.0.0.0:8443: nginx, 0.0.0.0:10080: haproxy",
    ),
    "port taken by we know not whom": (
        "haproxy.listening",
        "lb-1",
        facts(listeners=(replace(SOCKETS[0], process=""), SOCKETS[1])),
        "0.0.0.0:8443: unknown, 0.0.0.0:10080: haproxy",
    ),
    "on the loopback only": (
        "haproxy.listening",
        "lb-1",
        facts(listeners=(replace(SOCKETS[0], address="127.0.0.1"), SOCKETS[1])),
        "127.0.0.1",
    ),
    "apiserver down": (
        "haproxy.apiservers_up",
        "lb-1",
        facts(servers=(UP[0], Server("lb-2", "DOWN", "L4CON Connection refused"), UP[2])),
        "lb-2 DOWN (L4CON Connection refused)",
    ),
    "server missing": ("haproxy.apiservers_up", "lb-1", facts(servers=UP[:2]), "lb-3 missing"),
    "server too many": (
        "haproxy.apiservers_up",
        "lb-1",
        facts(servers=(*UP, Server("lb-4", "UP", "L7OK"))),
        "lb-4 is not in the inventory",
    ),
    "no server at all": (
        "haproxy.apiservers_up",
        "lb-1",
        facts(servers=()),
        "lb-1 missing; lb-2 missing; lb-3 missing",
    ),
    "haproxy silent": (
        "haproxy.apiservers_up",
        "lb-1",
        facts(servers=None),
        "does not answer on /run/haproxy-admin.sock",
    ),
    "keepalived failed": (
        "keepalived.active",
        "lb-2",
        unit("keepalived", active_state="failed", sub_state="failed"),
        "failed (failed)",
    ),
    "keepalived not enabled": ("keepalived.enabled", "lb-2", unit("keepalived", enabled=False), "not enabled"),
    "master is backup": ("keepalived.state", "lb-1", vrrp("BACKUP", holds=False), "BACKUP, does not hold the VIP"),
    "master without VIP": ("keepalived.state", "lb-1", vrrp("MASTER", holds=False), "MASTER, does not hold the VIP"),
    "master in fault": ("keepalived.state", "lb-1", vrrp("FAULT", holds=False), "FAULT, does not hold the VIP"),
    "backup is master": ("keepalived.state", "lb-2", vrrp("MASTER", holds=True), "MASTER, holds the VIP"),
    "backup with VIP": ("keepalived.state", "lb-2", vrrp("BACKUP", holds=True), "BACKUP, holds the VIP"),
    "keepalived silent": ("keepalived.state", "lb-2", facts(vrrp=None), "keepalived does not answer"),
    "keepalived without instance": ("keepalived.state", "lb-2", facts(vrrp=()), "keepalived does not answer"),
    "no ping": ("vip.ping", "lb-2", facts(vip_answers_ping=False), "192.0.2.10 does not answer"),
    "apiserver 500": ("vip.readyz", "lb-2", facts(readyz=Probe(500, "")), "HTTP 500"),
    "certificate": ("vip.readyz", "lb-2", facts(readyz=Probe(0, "curl: (60) self-signed")), "curl: (60) self-signed"),
    "no curl": ("vip.readyz", "lb-2", facts(readyz=NOT_PROBED), "curl is not installed"),
    "stats open": ("vip.stats", "lb-2", facts(stats_open=Probe(200, "")), "HTTP 200 without, HTTP 200 with"),
    "stats closed": ("vip.stats", "lb-2", facts(stats_login=Probe(401, "")), "HTTP 401 without, HTTP 401 with"),
    "stats gone": ("vip.stats", "lb-2", facts(stats_open=Probe(0, "curl: (7) no")), "curl: (7) no without"),
}


@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_healthy_host_passes_every_check(findings_of: Findings, host: str) -> None:
    findings = findings_of(host, unchanged)
    assert [finding.id for finding in findings] == [check.id for check in HOST_CHECKS]
    assert {finding.status for finding in findings} == {Status.PASS}
    assert all(finding.expected and finding.seen and not finding.next for finding in findings)


@pytest.mark.parametrize(("check", "host", "change", "seen"), FAILURES.values(), ids=FAILURES)
def test_exactly_the_check_that_it_is_about_fails(
    findings_of: Findings, check: str, host: str, change: Change, seen: str
) -> None:
    failed = [finding for finding in findings_of(host, change) if finding.status is not Status.PASS]
    assert [(finding.id, finding.status) for finding in failed] == [(check, Status.FAIL)]
    assert seen in failed[0].seen
    assert failed[0].expected
    assert failed[0].next


def test_every_check_of_a_host_fails_somewhere_above() -> None:
    assert {check for check, *_ in FAILURES.values()} == {check.id for check in HOST_CHECKS}


def test_file_that_should_not_be_there_is_named(findings_of: Findings, healthy: Mapping[str, Facts]) -> None:
    surplus = facts(files=healthy["lb-1"].files)
    findings = findings_of("lb-1", surplus, group={"keepalived": {"events": False}})
    seen = next(finding.seen for finding in findings if finding.id == "files.intended")
    assert "/etc/systemd/system/haproxy.service.d/kube-ha.conf should not be there" in seen


def test_listener_of_the_other_family_is_no_false_alarm(findings_of: Findings) -> None:
    both = (*SOCKETS, Listener("[::]", 8443, "nginx"))
    assert {finding.status for finding in findings_of("lb-1", facts(listeners=both))} == {Status.PASS}


@pytest.mark.parametrize(("state", "holds"), [("MASTER", True), ("BACKUP", False)])
@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_without_preemption_any_node_may_hold_the_vip(
    findings_of: Findings, host: str, state: str, *, holds: bool
) -> None:
    findings = findings_of(host, vrrp(state, holds=holds), group={"keepalived": {"preempt": False}})
    assert next(finding.status for finding in findings if finding.id == "keepalived.state") is Status.PASS


def test_server_that_failed_once_is_up_still(findings_of: Findings) -> None:
    findings = findings_of("lb-1", facts(servers=(replace(UP[0], status="UP 1/2"), *UP[1:])))
    assert {finding.status for finding in findings} == {Status.PASS}


def test_what_was_not_verified_is_said(findings_of: Findings) -> None:
    def expected(**overrides: Any) -> str:  # noqa: ANN401 - nornir_of's own
        findings = findings_of("lb-1", unchanged, **overrides)
        return next(finding.expected for finding in findings if finding.id == "vip.readyz")

    assert "verified by the CA" in expected()
    assert "not verified" in expected(without=["apiserver_ca"])


def test_no_finding_shows_the_password(findings_of: Findings) -> None:
    everything_wrong = facts(
        files={}, stats_login=Probe(401, ""), listeners=(), servers=None, vrrp=None, vip_answers_ping=False
    )
    assert "only-for-the-lab" not in repr(findings_of("lb-1", everything_wrong))


def cluster_of(intent: Intent) -> Cluster:
    return intent.clusters[0]


def test_one_holder_passes(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    findings = check_cluster(cluster_of(intent), healthy)
    assert [(finding.id, finding.status, finding.seen) for finding in findings] == [
        ("vip.single_holder", Status.PASS, "lb-1")
    ]
    assert [finding.id for finding in findings] == [check.id for check in CLUSTER_CHECKS]


@pytest.mark.parametrize(
    ("holders", "seen"),
    [([], "nobody"), (["lb-1", "lb-3"], "lb-1, lb-3"), (["lb-1", "lb-2", "lb-3"], "lb-1, lb-2, lb-3")],
)
def test_no_holder_and_several_fail(
    intent: Intent, healthy: Mapping[str, Facts], holders: list[str], seen: str
) -> None:
    found = {host: vrrp("MASTER", holds=host in holders)(facts) for host, facts in healthy.items()}
    (finding,) = check_cluster(cluster_of(intent), found)
    assert (finding.status, finding.seen) == (Status.FAIL, seen)
    assert "192.0.2.10" in finding.expected
    assert "VRRP" in finding.next


@pytest.mark.parametrize("unseen", [["lb-1"], ["lb-2"], ["lb-1", "lb-2", "lb-3"]])
def test_cluster_that_was_not_seen_whole_is_skipped_with_the_reason(
    intent: Intent, healthy: Mapping[str, Facts], unseen: list[str]
) -> None:
    found = {host: facts for host, facts in healthy.items() if host not in unseen}
    (finding,) = check_cluster(cluster_of(intent), found)
    assert (finding.status, finding.seen) == (Status.SKIP, f"not seen: {', '.join(unseen)}")
    assert finding.expected


def test_two_holders_are_a_failure_whoever_was_not_seen(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    found = {host: vrrp("MASTER", holds=True)(healthy[host]) for host in ("lb-1", "lb-2")}
    (finding,) = check_cluster(cluster_of(intent), found)
    assert finding.status is Status.FAIL


def test_host_that_was_not_reached_passes_nothing() -> None:
    findings = unknown_host("no SSH server answers on 192.0.2.11:22")
    assert [(finding.id, finding.status) for finding in findings] == [
        (check.id, Status.UNKNOWN) for check in HOST_CHECKS
    ]
    assert {finding.seen for finding in findings} == {"no SSH server answers on 192.0.2.11:22"}
    assert all(finding.expected for finding in findings)


def test_ids_are_unlike_each_other_and_named_after_their_noun() -> None:
    ids = [*(check.id for check in HOST_CHECKS), *(check.id for check in CLUSTER_CHECKS)]
    assert len(ids) == len(set(ids))
    assert {each.partition(".")[0] for each in ids} == {"packages", "files", "haproxy", "keepalived", "vip"}
    meanings = [*(check.meaning for check in HOST_CHECKS), *(check.meaning for check in CLUSTER_CHECKS)]
    assert all(meaning and "\n" not in meaning for meaning in meanings)
