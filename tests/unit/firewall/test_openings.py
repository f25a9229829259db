"""What has to pass a host's firewall, and what its manager is told so that it does."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from nornir.core import Nornir
from tests.support.rulesets import recorded_ruleset

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.firewall import (
    NO_FIREWALL,
    FirewallChange,
    FirewallFact,
    Opening,
    firewall_change,
    openings,
    openings_of,
    parse_firewall,
    stopped,
)
from nornir_kube_ha.firewall.managers import MANAGERS
from nornir_kube_ha.firewall.ruleset import Ruleset, parse_ruleset
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.plan import plan
from nornir_kube_ha.rollout.preflight import blockers

VIP = "192.0.2.10"
RICH = 'rule priority="-28112" family="ipv4"'
FIREWALLD = (
    f'{RICH} source address="192.0.2.12" protocol value="vrrp" accept',
    f'{RICH} source address="192.0.2.13" protocol value="vrrp" accept',
    f'{RICH} port port="8443" protocol="tcp" accept',
    f'{RICH} port port="10080" protocol="tcp" accept',
    f'{RICH} source address="192.0.2.12" port port="8444" protocol="tcp" accept',
    f'{RICH} source address="192.0.2.13" port port="8444" protocol="tcp" accept',
)
UFW = (
    "allow from 192.0.2.12 proto vrrp",
    "allow from 192.0.2.13 proto vrrp",
    "allow 8443/tcp",
    "allow 10080/tcp",
    "allow from 192.0.2.12 to any port 8444 proto tcp",
    "allow from 192.0.2.13 to any port 8444 proto tcp",
)
CHAIN = "inet filter input"
NFTABLES = (
    f"{CHAIN} ip saddr 192.0.2.12 ip protocol 112 accept",
    f"{CHAIN} ip saddr 192.0.2.13 ip protocol 112 accept",
    f"{CHAIN} tcp dport 8443 accept",
    f"{CHAIN} tcp dport 10080 accept",
    f"{CHAIN} ip saddr 192.0.2.12 tcp dport 8444 accept",
    f"{CHAIN} ip saddr 192.0.2.13 tcp dport 8444 accept",
)
CONF = FirewallFact("nftables", "/etc/nftables.conf", tables=frozenset({"inet filter"}))
NOTHING_FILTERED = Ruleset(())


@pytest.fixture
def needed(intent: Intent) -> tuple[Opening, ...]:
    """What has to pass lb-1's."""
    return openings(intent.cluster_of("lb-1"), intent.node("lb-1"))


def ruleset(name: str) -> Ruleset:
    return parse_ruleset(recorded_ruleset(name))


def told(change: FirewallChange | None) -> FirewallChange:
    assert change
    return change


def test_what_has_to_pass(needed: tuple[Opening, ...]) -> None:
    assert [each.what for each in needed] == [
        *("VRRP to lb-2", "VRRP from lb-2", "VRRP to lb-3", "VRRP from lb-3"),
        *("port 8443 from lb-2", "port 10080 from lb-2", "port 8443 from lb-3", "port 10080 from lb-3"),
        *("port 8444 from lb-2's haproxy", "port 8444 from lb-3's haproxy"),
    ]
    assert {each.packet.port for each in needed if not each.is_vital} == {10080, 8444}
    assert {str(each.packet.destination) for each in needed if each.only_from} == {"192.0.2.11"}


def test_stats_page_on_loopback_needs_no_way_in(nornir_of: Callable[..., Nornir]) -> None:
    intent = load_intent(nornir_of(group={"haproxy": {"stats": {"bind": "127.0.0.1"}}}))
    found = openings(intent.cluster_of("lb-1"), intent.node("lb-1"))
    assert {each.packet.port for each in found} == {None, 8443, 8444}


def test_nodes_that_tell_no_clients_need_no_port_for_it(nornir_of: Callable[..., Nornir]) -> None:
    intent = load_intent(nornir_of(group={"keepalived": {"tickle": False}}))
    found = openings(intent.cluster_of("lb-1"), intent.node("lb-1"))
    assert {each.packet.port for each in found} == {None, 8443, 10080}


def test_files_of_another_time_need_what_they_say(intent: Intent) -> None:
    haproxy = "listen stats\n    bind 127.0.0.1:10080\nlisten kube-apiserver\n    bind 0.0.0.0:9443\n"
    keepalived = "    unicast_src_ip 192.0.2.11\n    unicast_peer {\n        192.0.2.12\n        192.0.2.99\n    }\n"
    files = (ConfigFile(HAPROXY_CFG, haproxy), ConfigFile(KEEPALIVED_CONF, keepalived))
    found = openings_of(files, intent.cluster_of("lb-1"), intent.node("lb-1"))
    assert [each.what for each in found] == [
        *("VRRP to 192.0.2.12", "VRRP from 192.0.2.12", "VRRP to 192.0.2.99", "VRRP from 192.0.2.99"),
        *("port 9443 from lb-2", "port 9443 from lb-3"),
    ]
    multicast = openings_of((ConfigFile(KEEPALIVED_CONF, "mcast_src_ip 192.0.2.11\n"),), *_place(intent))
    assert [str(each.packet.destination) for each in multicast] == ["224.0.0.18"] * 4


def test_files_of_now_need_what_the_inventory_says(
    intent: Intent, nornir_of: Callable[..., Nornir], render: Callable[..., dict[str, dict[str, ConfigFile]]]
) -> None:
    found = openings_of(render(nornir_of())["lb-1"].values(), *_place(intent))
    assert {each.packet for each in found} == {each.packet for each in openings(*_place(intent))}


INGRESS = {"port": 443, "servers": [{"address": "192.0.2.31"}]}
REGISTRY = {"port": 5000, "servers": [{"address": "192.0.2.51"}], "sources": ["198.51.100.0/24"]}
LISTENERS = {"haproxy": {"listeners": {"ingress": INGRESS, "registry": REGISTRY}}}


def test_further_listeners_are_open_to_their_sources(nornir_of: Callable[..., Nornir]) -> None:
    intent = load_intent(nornir_of(group=LISTENERS))
    found = [each for each in openings(*_place(intent)) if each.packet.port in {443, 5000}]
    assert all(each.is_vital for each in found)
    assert [each.what for each in found] == [
        *("port 443 from lb-2", "port 443 from lb-3", "port 5000 from 198.51.100.0/24"),
        *("port 5000 from 192.0.2.11", "port 5000 from 192.0.2.12", "port 5000 from 192.0.2.13"),
    ]
    asked = {
        manager: [
            rule
            for each in found
            for rule in MANAGERS[manager](FirewallFact(manager)).rules(each, NOTHING_FILTERED, ())
        ]
        for manager in ("firewalld", "ufw")
    }
    assert asked["ufw"][1:3] == ["allow 443/tcp", "allow from 198.51.100.0/24 to any port 5000 proto tcp"]
    assert f'{RICH} source address="198.51.100.0/24" port port="5000" protocol="tcp" accept' in asked["firewalld"]
    change = firewall_change(found, CONF, ruleset("established-only"))
    assert f"{CHAIN} ip saddr 198.51.100.0/24 tcp dport 5000 accept" in told(change).opened


def test_restored_files_open_their_listeners_to_their_sources(
    nornir_of: Callable[..., Nornir], render: Callable[..., dict[str, dict[str, ConfigFile]]]
) -> None:
    nornir = nornir_of(group=LISTENERS)
    place = _place(load_intent(nornir))
    found = openings_of(render(nornir)["lb-1"].values(), *place)
    assert {(each.packet, each.only_from) for each in found} == {
        (each.packet, each.only_from) for each in openings(*place)
    }


def _place(intent: Intent) -> tuple[Cluster, Node]:
    return intent.cluster_of("lb-1"), intent.node("lb-1")


@pytest.mark.parametrize(
    ("fact", "filtered", "rules"),
    [
        (FirewallFact("firewalld", "public"), "firewalld", FIREWALLD),
        (FirewallFact("ufw"), "established-only", UFW),
        (CONF, "established-only", NFTABLES),
    ],
    ids=["firewalld", "ufw", "nftables"],
)
def test_what_is_stopped_is_opened_and_what_is_open_is_left(
    needed: tuple[Opening, ...], fact: FirewallFact, filtered: str, rules: tuple[str, ...]
) -> None:
    change = told(firewall_change(needed, fact, ruleset(filtered)))
    assert change == FirewallChange(fact.manager, fact.place, rules, rules, ())
    ours = frozenset(rules)
    done = replace(fact, live=ours, kept=ours)
    assert firewall_change(needed, done, ruleset(filtered)) is None
    if fact != CONF:  # whose chain would be gone
        assert firewall_change(needed, done, NOTHING_FILTERED) is None  # one that is needed stays, whatever others do
    assert firewall_change(needed, fact, NOTHING_FILTERED) is None  # what passes needs none of ours


def test_what_is_not_kept_is_opened_again(needed: tuple[Opening, ...]) -> None:
    ours = frozenset(UFW)
    change = told(
        firewall_change(needed, FirewallFact("ufw", live=ours, kept=ours - {UFW[2]}), ruleset("established-only"))
    )
    assert (change.opened, change.closed) == ((UFW[2],), ())
    change = told(
        firewall_change(needed, FirewallFact("ufw", live=ours - {UFW[0]}, kept=ours), ruleset("established-only"))
    )
    assert (change.opened, change.closed) == ((UFW[0],), ())


def test_what_nothing_needs_any_more_is_closed(needed: tuple[Opening, ...]) -> None:
    ours = frozenset({*UFW, "allow 9443/tcp", "allow from 192.0.2.99 proto vrrp"})
    change = told(firewall_change(needed, FirewallFact("ufw", live=ours, kept=ours), ruleset("established-only")))
    assert change.closed == ("allow 9443/tcp", "allow from 192.0.2.99 proto vrrp")
    assert (change.wanted, change.opened) == (UFW, ())
    assert change.closed_diff == "- ufw allow 9443/tcp\n- ufw allow from 192.0.2.99 proto vrrp"
    assert change.steps == ("ufw: close allow 9443/tcp", "ufw: close allow from 192.0.2.99 proto vrrp")


def test_kube_ha_s_rules_in_nftables_are_those_with_its_comment(needed: tuple[Opening, ...]) -> None:
    """As nft lists what `nft_file` of firewall.sh wrote, on a host that runs it."""
    found = ruleset("opened-by-kube-ha")
    assert firewall_change(needed, replace(CONF, kept=frozenset(NFTABLES)), found) is None
    assert told(firewall_change(needed, CONF, found)).opened == NFTABLES  # all gone after a boot
    closed = told(firewall_change(needed[:2], replace(CONF, kept=frozenset(NFTABLES)), found)).closed
    assert closed == tuple(sorted(NFTABLES[1:]))


def test_needed_rules_are_not_closed(needed: tuple[Opening, ...]) -> None:
    """Where the manager cannot be made out just now: what it opened stays as it is."""
    unclear = replace(CONF, place="", kept=frozenset(NFTABLES))
    assert firewall_change(needed, unclear, ruleset("opened-by-kube-ha")) is None
    assert firewall_change(needed, replace(NO_FIREWALL, kept=frozenset(UFW)), NOTHING_FILTERED) is None


def test_rules_of_a_chain_that_is_gone_are_closed(needed: tuple[Opening, ...]) -> None:
    """After the owner of the file has called a table otherwise."""
    gone = frozenset(rule.replace("inet filter", "inet old") for rule in NFTABLES)
    change = told(firewall_change(needed, replace(CONF, kept=gone), ruleset("opened-by-kube-ha")))
    assert (change.wanted, change.closed) == (NFTABLES, tuple(sorted(gone)))
    done = replace(CONF, kept=frozenset(NFTABLES))
    assert firewall_change(needed, done, ruleset("opened-by-kube-ha")) is None


def test_what_is_still_stopped_is_said(needed: tuple[Opening, ...]) -> None:
    assert [*stopped(needed, ruleset("opened-by-kube-ha"))] == []
    words = [*stopped(needed, ruleset("established-only"))]
    assert [each.partition(": ")[0] for each in words] == [each.what for each in needed if _is_in(each)]


def _is_in(opening: Opening) -> bool:
    return opening.is_vital and opening.packet.hook == "input"


def test_every_chain_that_stops_a_packet_is_opened(needed: tuple[Opening, ...]) -> None:
    fact = replace(CONF, tables=frozenset({"inet first", "ip second"}))
    change = told(firewall_change(needed, fact, ruleset("two-base-chains")))
    assert change.wanted == tuple(f"ip second input ip saddr 192.0.2.1{n} ip protocol 112 accept" for n in (2, 3))


def test_what_the_host_sends_is_let_out(needed: tuple[Opening, ...]) -> None:
    out = ruleset("vrrp-dropped-in-output")
    tables = frozenset(f"{table.family} {table.name}" for table in out.tables)
    [first, *_] = told(firewall_change(needed, replace(CONF, tables=tables), out)).wanted
    assert first.endswith(" output ip daddr 192.0.2.12 ip protocol 112 accept")
    assert "allow out to 192.0.2.12 proto vrrp" in told(firewall_change(needed, FirewallFact("ufw"), out)).wanted
    assert firewall_change(needed, FirewallFact("firewalld", "public"), out) is None


@pytest.mark.parametrize(
    ("fact", "filtered"),
    [
        (NO_FIREWALL, "established-only"),
        (FirewallFact("nftables", ""), "established-only"),  # nobody loads its file at boot
        (CONF, "policy-drop"),  # of iptables, say: it is there without our rules after a boot
    ],
    ids=["no manager", "nothing kept", "another's table"],
)
def test_what_no_manager_can_open_is_said(needed: tuple[Opening, ...], fact: FirewallFact, filtered: str) -> None:
    assert firewall_change(needed, fact, ruleset(filtered)) is None
    words = [*stopped(needed, ruleset(filtered), fact)]
    assert [each.partition(": ")[0] for each in words if "VRRP to" not in each] == [
        *("VRRP from lb-2", "VRRP from lb-3", "port 8443 from lb-2", "port 8443 from lb-3"),
    ]
    assert [*stopped(needed, ruleset("established-only"), CONF)] == []


@pytest.mark.parametrize("fact", [FirewallFact("firewalld", "public"), FirewallFact("ufw"), CONF], ids=str)
def test_what_is_stopped_elsewhere_than_where_its_manager_can_open_it_is_said(
    needed: tuple[Opening, ...], fact: FirewallFact
) -> None:
    first = {"firewalld": "firewalld", "ufw": "ufw", "nftables": "established-only"}[fact.manager]
    both = Ruleset((*ruleset(first).tables, *ruleset("raw").tables))
    assert [*stopped(needed, ruleset(first), fact)] == []
    words = [each.partition(": ")[0] for each in stopped(needed, both, fact)]
    out, both_ways = (
        ["VRRP to lb-2", "VRRP to lb-3"],
        ["VRRP to lb-2", "VRRP from lb-2", "VRRP to lb-3", "VRRP from lb-3"],
    )
    assert words == (out if fact == CONF else both_ways)


def test_what_managers_list() -> None:
    text = f'{FIREWALLD[0]}\nrule family="ipv4" port port="22" protocol="tcp" accept\n'
    assert parse_firewall("firewalld", "public", text, "") == FirewallFact(
        "firewalld", "public", frozenset({FIREWALLD[0]})
    )
    ours = frozenset({"allow 8443/tcp"})
    text = "Added user rules (see 'ufw status' for running firewall):\nufw allow 22/tcp\n"
    text += "ufw allow 8443/tcp comment 'kube-ha'\nufw allow 9443/tcp comment 'kube-ha too'\n"
    assert parse_firewall("ufw", "", text, text) == FirewallFact("ufw", "", ours, ours)
    text = f'add table inet filter\ninsert rule {NFTABLES[2]} comment "kube-ha: tcp dport 8443 accept"\n'
    found = parse_firewall("nftables", "/etc/nftables.conf", "", text, "inet filter\nip nat\n")
    assert found == FirewallFact("nftables", "/etc/nftables.conf", frozenset(), frozenset({NFTABLES[2]}), found.tables)
    assert found.tables == {"inet filter", "ip nat"}


def filtering(facts: Facts, name: str, fact: FirewallFact) -> Facts:
    return replace(facts, packet_filter=recorded_ruleset(name), firewall=fact)


def test_plan_opens_before_it_writes(intent: Intent, healthy: dict[str, Facts], needed: tuple[Opening, ...]) -> None:
    node, seen = intent.node("lb-1"), filtering(healthy["lb-1"], "established-only", FirewallFact("ufw"))
    change = plan(node, (), seen, needed)
    assert change.steps[:6] == tuple(f"ufw: open {rule}" for rule in UFW)
    assert change.diff.startswith("+ ufw allow from 192.0.2.12 proto vrrp\n")
    assert not replace(change, write=(), remove=(), units=()).is_empty
    assert plan(node, (), seen).firewall is None
    assert plan(node.model_copy(update={"firewall": "leave"}), (), seen, needed).firewall is None
    assert plan(node, (), replace(seen, packet_filter="{"), needed).firewall is None
    assert plan(node, (), replace(seen, packet_filter=None), needed).firewall is None


def test_what_cannot_be_opened_speaks_against_any_change(
    nornir_of: Callable[..., Nornir], healthy: dict[str, Facts]
) -> None:
    def words(fact: FirewallFact, **group: str) -> str:
        intent = load_intent(nornir_of(group=group))
        seen = {**healthy, "lb-1": filtering(healthy["lb-1"], "established-only", fact)}
        return "; ".join(blockers(intent.cluster_of("lb-1"), intent.node("lb-1"), seen))

    assert words(CONF) == ""
    assert words(NO_FIREWALL).startswith("its packet filter blocks VRRP from lb-2: ")
    assert "kube-ha changes only firewalld, ufw and the file of an enabled nftables.service" in words(NO_FIREWALL)
    assert words(CONF, firewall="leave").endswith("(`firewall: leave`)")


def test_rules_that_cannot_be_read_speak_against_a_first_deploy(intent: Intent, healthy: dict[str, Facts]) -> None:
    cluster, node = intent.clusters[0], intent.node("lb-1")
    serving = replace(healthy["lb-1"], packet_filter="{")
    fresh = replace(serving, files={}, addresses=tuple(each for each in serving.addresses if str(each[1].ip) != VIP))
    assert blockers(cluster, node, {**healthy, "lb-1": serving}) == ()
    [words] = blockers(cluster, node, {**healthy, "lb-1": fresh})
    assert words.startswith("cannot parse its packet filter, which may block VRRP: nft printed invalid JSON")
