"""A roll-out over hosts with firewalls: opened on all before the first change, looked at again, closed at the end."""

from collections.abc import Callable
from dataclasses import replace

from tests.support.rulesets import recorded_ruleset
from tests.support.world import ALL, World

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.firewall import FirewallFact
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.runbooks.rollback import rollback

CONF = FirewallFact("nftables", "/etc/nftables.conf", tables=frozenset({"inet filter"}))


def filtering(facts: Facts, ruleset: str, fact: FirewallFact) -> Facts:
    return replace(facts, packet_filter=recorded_ruleset(ruleset) if ruleset else "", firewall=fact)


def shut(world: World, *, opens: bool) -> None:
    """Have all hosts stop what is needed, until their firewalls are told."""
    plain = dict(world.facts)
    world.facts = {host: filtering(facts, "established-only", CONF) for host, facts in plain.items()}
    if opens:
        world.opened = plain


def test_all_are_opened_before_anything_is_staged(stale: World, run_of: Callable[..., Run]) -> None:
    shut(stale, opens=True)
    report = deploy(run_of("deploy"))
    assert [step for _, step in stale.order("firewall", "stage")] == ["firewall"] * 3 + ["stage"] * 3
    assert (report.passed, report.changed) == (True, True)
    assert "+ nftables inet filter input tcp dport 8443 accept" in report.hosts["lb-1"].diff


def test_firewall_that_still_blocks_packets_ends_the_run(stale: World, run_of: Callable[..., Run]) -> None:
    shut(stale, opens=False)
    report = deploy(run_of("deploy"))
    assert [step for _, step in stale.order("firewall", "stage", "commit")] == ["firewall"] * 3
    assert report.exit_code == 1
    failure = report.hosts["lb-2"].failure
    assert failure
    assert failure.message.startswith("the firewall still blocks VRRP from lb-1: ")


def test_firewall_that_cannot_be_read_any_more_ends_the_run(stale: World, run_of: Callable[..., Run]) -> None:
    shut(stale, opens=False)
    stale.opened = {host: replace(facts, packet_filter="{") for host, facts in stale.facts.items()}
    report = deploy(run_of("deploy"))
    assert (report.exit_code, stale.order("stage")) == (1, [])
    failure = report.hosts["lb-1"].failure
    assert failure
    assert "cannot parse the firewall's rules (nft printed invalid JSON" in failure.message


def test_dry_run_changes_no_firewall(stale: World, run_of: Callable[..., Run]) -> None:
    shut(stale, opens=False)
    report = deploy(run_of("deploy", dry_run=True))
    assert {step for _, step in stale.steps} == {"look"}
    assert "nftables: open inet filter input tcp dport 8443 accept" in report.hosts["lb-1"].plan


def test_what_nothing_needs_is_closed_last(stale: World, run_of: Callable[..., Run]) -> None:
    fact = FirewallFact("ufw", live=frozenset({"allow 9443/tcp"}), kept=frozenset({"allow 9443/tcp"}))
    stale.facts = {host: filtering(facts, "", fact) for host, facts in stale.facts.items()}
    plain = dict(stale.healthy)
    stale.healthy = {host: filtering(facts, "", fact) for host, facts in plain.items()}
    stale.opened = plain
    report = deploy(run_of("deploy"))
    steps = [step for _, step in stale.order("firewall", "services")]
    assert steps == ["services"] * 3 + ["firewall"] * 3
    assert "- ufw allow 9443/tcp" in report.hosts["lb-3"].diff
    assert report.passed


def test_way_back_opens_what_its_files_need_and_closes_nothing(world: World, run_of: Callable[..., Run]) -> None:
    fact = FirewallFact("ufw", live=frozenset({"allow 9443/tcp"}), kept=frozenset({"allow 9443/tcp"}))
    world.generations = dict.fromkeys(ALL, "@generation 1 1795415347 good 0123456789ab root@noc other")
    plain = dict(world.facts)
    world.facts = {host: filtering(facts, "established-only", fact) for host, facts in plain.items()}
    world.opened = {host: filtering(facts, "", fact) for host, facts in plain.items()}
    report = rollback(run_of("rollback"))
    steps = [step for _, step in world.order("firewall", "stage", "services")]
    assert steps[:6] == ["firewall"] * 3 + ["stage"] * 3
    assert "firewall" not in steps[6:]
    assert "+ ufw allow 8443/tcp" in report.hosts["lb-1"].diff
