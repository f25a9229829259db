"""The checks together: a healthy cluster passes all of them, and each is known by an id that stays."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.changes import Clusters, Hosts, facts, file, findings_of, package, reachable, together, unit

from nornir_kube_ha.checks import (
    ALL,
    CHECKS,
    CLUSTER_CHECKS,
    HOST_CHECKS,
    LISTENER_CHECKS,
    Status,
    check_cluster,
    check_host,
    registry,
    unknown_host,
)
from nornir_kube_ha.checks.model import Check, Rule, Verdict
from nornir_kube_ha.facts import ConfigCheck, Facts, Probe
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.planning.diff import MASK
from nornir_kube_ha.text import MOST_READ

PASSWORD = "only-for-the-lab"
HOSTS = ["lb-1", "lb-2", "lb-3"]
EVERY = tuple(check.id for checks in (HOST_CHECKS, LISTENER_CHECKS, CLUSTER_CHECKS) for check in checks)


@pytest.mark.parametrize("host", HOSTS)
def test_healthy_host_passes_every_check_and_skips_none(host_view: Hosts, host: str) -> None:
    findings = findings_of(host_view(host))
    assert list(findings) == [check.id for check in HOST_CHECKS]
    assert {id_: each.status for id_, each in findings.items() if each.status is not Status.PASS} == {}
    assert all(finding.expected and finding.seen and not finding.next for finding in findings.values())


def test_healthy_cluster_passes_every_check_and_skips_none(cluster_view: Clusters) -> None:
    findings = findings_of(cluster_view())
    assert list(findings) == [check.id for check in CLUSTER_CHECKS]
    assert {id_: each.status for id_, each in findings.items() if each.status is not Status.PASS} == {}
    assert all(finding.expected and finding.seen and not finding.next for finding in findings.values())


def test_unseen_cluster_passes_no_check(cluster_view: Clusters) -> None:
    findings = findings_of(cluster_view(unseen=HOSTS, endpoint=None))
    assert {finding.status for finding in findings.values()} == {Status.UNKNOWN, Status.WARN}
    assert all(finding.expected and finding.seen for finding in findings.values())


def test_bare_host_passes_only_what_needs_no_daemon(host_view: Hosts, facts_from: Callable[[str], Facts]) -> None:
    findings = findings_of(host_view("lb-1", lambda _: facts_from("facts-bare")))
    passed = {id_ for id_, finding in findings.items() if finding.status is Status.PASS}
    assert passed == {"packages.pinned", "endpoint.kubeconfigs", "host.interface", "host.disk", "host.denials"}
    assert {"packages.installed", "files.intended", "haproxy.active", "keepalived.active", "haproxy.listening"} <= {
        id_ for id_, finding in findings.items() if finding.status is Status.FAIL
    }


def test_host_that_was_not_reached_passes_nothing() -> None:
    findings = unknown_host("no SSH server answers on 192.0.2.11:22")
    assert [(finding.id, finding.status) for finding in findings] == [
        (check.id, Status.UNKNOWN) for check in HOST_CHECKS
    ]
    assert {finding.seen for finding in findings} == {"no SSH server answers on 192.0.2.11:22"}
    assert all(finding.expected for finding in findings)


def test_checks_that_are_chosen_are_run_in_their_usual_order_and_no_other(
    host_view: Hosts, cluster_view: Clusters
) -> None:
    chosen = {"vip.ping", "haproxy.active", "vip.single_holder", "no.such_check"}
    assert [each.id for each in check_host(host_view(), chosen)] == ["haproxy.active", "vip.ping"]
    assert [each.id for each in unknown_host("gone", chosen)] == ["haproxy.active", "vip.ping"]
    assert [each.id for each in check_cluster(cluster_view(), chosen)] == ["vip.single_holder"]
    assert check_host(host_view(), ()) == ()


def test_no_finding_shows_the_password(host_view: Hosts) -> None:
    everything_wrong = together(
        file(HAPROXY_CFG, content=f"stats auth 'admin:{PASSWORD}'\nstats auth eve:123456\n".encode(), mode="0644"),
        facts(listeners=(), servers=None, vrrp=None, pending=("haproxy",)),
        facts(judgements={"haproxy": ConfigCheck("haproxy", 1, f"[haproxy.cfg:30] 'stats auth' : 'admin:{PASSWORD}'")}),
        unit("haproxy", active_state="failed", journal=(f"unknown word admin:{PASSWORD}",)),
        unit("keepalived", active_state="failed", journal=(f"unknown word {PASSWORD}",)),
        reachable(ping=False, stats_login=Probe(401, ""), readyz=Probe(0, f"curl: {PASSWORD}")),
        package("curl", None),
    )
    findings = findings_of(host_view("lb-1", everything_wrong))
    assert PASSWORD not in repr(findings)
    assert "123456" not in repr(findings)
    for id_ in ("haproxy.active", "haproxy.config_accepted", "keepalived.active", "vip.readyz"):
        assert MASK in findings[id_].seen


def test_no_finding_is_longer_than_anybody_reads(host_view: Hosts) -> None:
    words = ConfigCheck("haproxy", 1, f"begin {PASSWORD} {'x' * 1_000_000} end")
    seen = findings_of(host_view("lb-1", facts(judgements={"haproxy": words})))["haproxy.config_accepted"].seen
    assert len(seen) < MOST_READ + 100
    assert f"begin {MASK} xxx" in seen
    assert seen.endswith("xxx end")
    assert {len(each.seen) < MOST_READ + 100 for each in unknown_host("x" * 1_000_000)} == {True}


def broken(_view: object) -> Verdict:
    raise RecursionError(f"too deep for {PASSWORD}")


def with_broken(checks: tuple[Check[Rule], ...], id_: str) -> tuple[Check[Rule], ...]:
    return tuple(replace(each, rule=broken) if each.id == id_ else each for each in checks)


def test_rule_that_fails_itself_costs_its_own_check_and_no_other(
    host_view: Hosts, cluster_view: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {**findings_of(host_view()), **findings_of(cluster_view())}
    monkeypatch.setattr(registry, "HOST_CHECKS", with_broken(HOST_CHECKS, "vip.ping"))
    monkeypatch.setattr(registry, "CLUSTER_CHECKS", with_broken(CLUSTER_CHECKS, "vip.arp"))
    after = {**findings_of(host_view()), **findings_of(cluster_view())}
    assert {id_ for id_ in before if after[id_] != before[id_]} == {"vip.ping", "vip.arp"}
    for id_ in ("vip.ping", "vip.arp"):
        assert (after[id_].status, after[id_].expected) == (Status.UNKNOWN, CHECKS[id_].meaning)
        assert after[id_].seen.startswith("the check itself raised RecursionError: too deep for ")
        assert "report this as a bug" in after[id_].next
    assert MASK in after["vip.ping"].seen  # whatever it was that the rule could not take


def test_ids_are_unlike_each_other_and_named_after_their_noun() -> None:
    ids = list(EVERY)
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+\.[a-z][a-z_]+[a-z]", each) for each in ids)
    assert {each.partition(".")[0] for each in ids} == {
        *("packages", "files", "haproxy", "keepalived", "vrrp", "vip", "host"),
        *("apiserver", "cluster", "endpoint", "listener"),
    }


def test_meanings_are_one_line_unlike_any_other() -> None:
    meanings = [check.meaning for check in CHECKS.values()]
    assert all(meaning and "\n" not in meaning for meaning in meanings)
    assert len(set(meanings)) == len(CHECKS)


def test_every_check_is_found_by_its_id() -> None:
    assert list(CHECKS) == list(EVERY)
    assert all(check.id == id_ for id_, check in CHECKS.items())
    assert set(CHECKS) == ALL
