"""Whether a ruleset lets IPv6 through, and what firewalls are told for VIPs of IPv6; rules as nft prints them."""

import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from nornir.core import Nornir
from tests.support.inventories import IPV6, OF_IPV6

from nornir_kube_ha.firewall import FirewallFact, firewall_change, openings, openings_of
from nornir_kube_ha.firewall.ruleset import TCP, VRRP, Packet, Ruleset, parse_ruleset, passage
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]

HERE, PEER, VIP = map(ip_address, ("2001:db8::11", "2001:db8::12", "2001:db8::10"))
ADVERT = Packet("input", VRRP, PEER, HERE, "eth0")
TO_GROUP = Packet("output", VRRP, HERE, ip_address("ff02::12"), "eth0")
CLIENT = Packet("input", TCP, PEER, VIP, "eth0", 8443)
OF_IPV4 = Packet("input", VRRP, ip_address("192.0.2.12"), ip_address("192.0.2.11"), "eth0")
ACCEPT, DROP = {"accept": None}, {"drop": None}
RPFILTER = {
    "match": {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "mark", "iif"]}}, "right": False}
}  # of firewalld: IPv6_rpfilter


def field(protocol: str, name: str, right: object) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": name}}, "right": right}}


def meta(key: str, right: object) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"meta": {"key": key}}, "right": right}}


def ruleset(*statements: Any, family: str = "inet", hook: str = "input", policy: str = "drop") -> Ruleset:  # noqa: ANN401
    """One rule in a base chain; what it does not match meets the policy."""
    where = {"family": family, "table": "filter"}
    base = {**where, "name": hook, "type": "filter", "hook": hook, "prio": 0, "policy": policy}
    rule = {**where, "chain": hook, "handle": 1, "expr": statements}
    return parse_ruleset(json.dumps({"nftables": [{"chain": base}, {"rule": rule}]}))


@pytest.mark.parametrize(
    ("match", "packet", "expected"),
    [
        (field("ip6", "saddr", "2001:db8::12"), ADVERT, "accept"),
        (field("ip6", "saddr", "2001:db8::13"), ADVERT, "drop"),
        (field("ip6", "saddr", {"prefix": {"addr": "2001:db8::", "len": 64}}), ADVERT, "accept"),
        (field("ip6", "saddr", {"prefix": {"addr": "fe80::", "len": 10}}), ADVERT, "drop"),
        (field("ip6", "saddr", {"range": ["2001:db8::1", "2001:db8::ff"]}), ADVERT, "accept"),
        (field("ip6", "daddr", "ff02::12"), replace(TO_GROUP, hook="input"), "accept"),
        (field("ip6", "nexthdr", 112), ADVERT, "accept"),
        (field("ip6", "hoplimit", 255), ADVERT, "unknown"),  # keepalived sends with the kernel's own to single peers
        (field("ip", "protocol", 112), ADVERT, "drop"),
        (field("ip", "saddr", "192.0.2.12"), ADVERT, "drop"),
        (field("ip6", "saddr", "2001:db8::12"), OF_IPV4, "drop"),
        (field("tcp", "dport", 8443), CLIENT, "accept"),
        (meta("nfproto", "ipv6"), ADVERT, "accept"),
        (meta("nfproto", "ipv4"), ADVERT, "drop"),
        (meta("protocol", "ip6"), ADVERT, "accept"),
        (meta("l4proto", "vrrp"), ADVERT, "accept"),
    ],
)
def test_rule(match: dict[str, Any], packet: Packet, expected: str) -> None:
    assert passage(ruleset(match, ACCEPT), packet).verdict == expected


@pytest.mark.parametrize(("family", "expected"), [("ip", "accept"), ("ip6", "drop"), ("inet", "drop")])
def test_tables_of_ipv4_never_meet_it(family: str, expected: str) -> None:
    assert passage(ruleset(DROP, family=family), ADVERT).verdict == expected


def test_tables_of_ipv6_never_meet_ipv4() -> None:
    assert passage(ruleset(DROP, family="ip6"), OF_IPV4).verdict == "accept"


def test_who_comes_the_way_that_answers_go_is_no_liar() -> None:
    assert passage(ruleset(meta("nfproto", "ipv6"), RPFILTER, DROP, policy="accept"), ADVERT).verdict == "accept"


def test_a_packet_is_of_one_family() -> None:
    with pytest.raises(ValueError, match=r"expected addresses of one family, got 192\.0\.2\.12 and 2001:db8::11"):
        replace(ADVERT, source=ip_address("192.0.2.12"))


# What is opened


NEEDED = (
    *("VRRP to lb-2", "VRRP from lb-2", "VRRP to lb-3", "VRRP from lb-3"),
    *("port 8443 from lb-2", "port 10080 from lb-2", "port 8443 from lb-3", "port 10080 from lb-3"),
    *("port 8444 from lb-2's haproxy", "port 8444 from lb-3's haproxy"),
)
STOPPED = ruleset(meta("l4proto", "udp"), ACCEPT)
RICH = 'rule priority="-28112" family="ipv{}" {} accept'
TO_TELL = {
    "firewalld": [
        RICH.format(6, 'source address="2001:db8::12" protocol value="vrrp"'),
        RICH.format(6, 'source address="2001:db8::13" protocol value="vrrp"'),
        RICH.format(6, 'port port="8443" protocol="tcp"'),
        RICH.format(6, 'port port="10080" protocol="tcp"'),
        RICH.format(6, 'source address="2001:db8::12" port port="8444" protocol="tcp"'),
        RICH.format(6, 'source address="2001:db8::13" port port="8444" protocol="tcp"'),
    ],
    "ufw": [
        *("allow from 2001:db8::12 proto vrrp", "allow from 2001:db8::13 proto vrrp"),
        *("allow 8443/tcp", "allow 10080/tcp"),
        *(f"allow from 2001:db8::1{n} to any port 8444 proto tcp" for n in (2, 3)),
    ],
    "nftables": [
        "inet filter input ip6 saddr 2001:db8::12 ip6 nexthdr 112 accept",
        "inet filter input ip6 saddr 2001:db8::13 ip6 nexthdr 112 accept",
        *("inet filter input tcp dport 8443 accept", "inet filter input tcp dport 10080 accept"),
        *(f"inet filter input ip6 saddr 2001:db8::1{n} tcp dport 8444 accept" for n in (2, 3)),
    ],
}


@pytest.mark.parametrize("manager", TO_TELL)
def test_firewall_rules_for_ipv6(ipv6: Intent, manager: str) -> None:
    needed = openings(ipv6.clusters[0], ipv6.node("lb-1"))
    change = firewall_change(needed, FirewallFact(manager, "/x", tables=frozenset({"inet filter"})), STOPPED)
    assert change
    assert [rule for rule in change.wanted if not rule.startswith("allow out ")] == TO_TELL[manager]


def test_a_group_of_ipv6_is_let_out(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of(OF_IPV6, group={**IPV6, "keepalived": {"unicast": False}}))
    packets = {each.what: each.packet for each in openings(intent.clusters[0], intent.node("lb-1"))}
    assert packets["VRRP to lb-2"] == TO_GROUP
    assert str(packets["VRRP from lb-2"].destination) == "ff02::12"


def test_clients_of_the_other_family_are_let_in(dual: Intent) -> None:
    needed = openings(dual.clusters[0], dual.node("lb-1"))
    assert {each.what for each in needed} == {
        *NEEDED,
        *(f"port {port} at 192.0.2.20 from lb-{peer}" for port in (8443, 10080) for peer in (2, 3)),
        *("port 8443 at 2001:db8::10", "port 10080 at 2001:db8::10"),
    }
    assert [each.is_vital for each in needed[-4:-2]] == [True, False]
    assert needed[-3].packet == Packet("input", TCP, ip_address("2001:db8::1"), VIP, "eth0", 10080)
    change = firewall_change(needed, FirewallFact("firewalld", "public"), STOPPED)
    assert change
    assert RICH.format(4, 'port port="8443" protocol="tcp"') in change.wanted
    assert RICH.format(6, 'port port="8443" protocol="tcp"') in change.wanted


def test_what_files_of_before_needed(ipv6: Intent) -> None:
    keepalived = "unicast_peer {\n        2001:db8::21\n        192.0.2.12\n    }\n"
    haproxy = "listen a\n    bind [::]:9443 v4v6\nlisten b\n    bind [::1]:9000\n"
    files = [ConfigFile(KEEPALIVED_CONF, keepalived), ConfigFile(HAPROXY_CFG, haproxy)]
    needed = openings_of(files, ipv6.clusters[0], ipv6.node("lb-1"))
    assert [each.what for each in needed] == [
        *("VRRP to 2001:db8::21", "VRRP from 2001:db8::21"),  # of the other family nothing that this node would say
        *("port 9443 from lb-2", "port 9443 from lb-3"),
    ]
