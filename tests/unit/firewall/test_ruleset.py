"""Whether a ruleset lets a packet through: rulesets as nft itself printed them, `data/nft/record.sh` says how."""

import json
import re
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import pairwise
from typing import Any

import pytest
from tests.support.rulesets import RULESETS, recorded_ruleset

from nornir_kube_ha.firewall.ruleset import Packet, parse_ruleset, passage

VIP = IPv4Address("192.0.2.10")
PEER = IPv4Address("192.0.2.11")
HERE = IPv4Address("192.0.2.12")
GROUP = IPv4Address("224.0.0.18")

# The first packets of a client, an administrator, a peer's haproxy, a peer's keepalived, and of the host's own two.
CLIENT = Packet("input", 6, PEER, VIP, "eth0", 8443)
SSH = Packet("input", 6, PEER, HERE, "eth0", 22)
APISERVER = Packet("input", 6, PEER, HERE, "eth0", 6443)
VRRP = Packet("input", 112, PEER, HERE, "eth0")
MULTICAST = Packet("input", 112, PEER, GROUP, "eth0")
ADVERT = Packet("output", 112, HERE, PEER, "eth0")
TO_GROUP = Packet("output", 112, HERE, GROUP, "eth0")
CHECK = Packet("output", 6, HERE, PEER, "eth0", 6443)
DNS = Packet("input", 17, PEER, HERE, "eth0", 53)


def listing(*items: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps({"nftables": items})


def rule(*statements: Any, chain: str = "input", handle: int = 1) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"rule": {"family": "ip", "table": "t", "chain": chain, "handle": handle, "expr": statements}}


def chain(name: str = "input", **base: str | int) -> dict[str, Any]:
    return {"chain": {"family": "ip", "table": "t", "name": name, **base}}


DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
IIFNAME = {"meta": {"key": "iifname"}}
DESTINATION_TYPE = {"fib": {"result": "type", "flags": ["daddr"]}}
INPUT = chain(type="filter", hook="input", prio=0, policy="drop")


def verdict(text: str, packet: Packet) -> str:
    return passage(parse_ruleset(text), packet).verdict


def as_iptables_nft(text: str, *, named: bool) -> str:
    """A record in which nft does not see into a match, as it does not into those of iptables-nft."""
    document = json.loads(text)
    for statements in (item["rule"]["expr"] for item in document["nftables"] if "rule" in item):
        for number, statement in enumerate(statements):
            left = statement.get("match", {}).get("left", {})
            name = {"ct": "conntrack", "fib": "addrtype"}.get(next(iter(left), ""))
            if name:
                statements[number] = {"xt": {"type": "match", "name": name} if named else None}
    return json.dumps(document)


YES, NO, UNTOLD = "accept", "drop", "unknown"

MATCHES = [  # each rule of matches.nft, alone in a chain whose policy is drop: a client's packet, a peer's to the group
    ("meta l4proto vrrp accept", NO, YES),
    ("meta l4proto { tcp, udp } accept", YES, NO),
    ("meta l4proto != tcp accept", NO, YES),
    ("meta l4proto 100-120 accept", NO, YES),
    ("meta l4proto >= esp accept", NO, YES),
    ("meta l4proto < 50 accept", YES, NO),
    ("ip protocol vrrp accept", NO, YES),
    ("ip protocol { 51, 112 } accept", NO, YES),
    ("ip protocol != { 51, 112 } accept", YES, NO),
    ('iifname "eth0" accept', YES, YES),
    ('iifname "eth*" accept', YES, YES),
    ('iifname "eth\\*" accept', NO, NO),
    ('iifname { "lo", "eth0" } accept', YES, YES),
    ('iifname != "eth0" accept', NO, NO),
    ('iif "lo" accept', NO, NO),
    ('oifname "eth0" accept', NO, NO),
    ('oifname != "eth0" accept', YES, YES),
    ("meta nfproto ipv4 accept", YES, YES),
    ("meta nfproto ipv6 accept", NO, NO),
    ("meta protocol ip accept", YES, YES),
    ("meta pkttype multicast accept", NO, YES),
    ("meta pkttype host accept", YES, NO),
    ("meta mark 0 accept", YES, YES),
    ("meta mark & 0x8000 == 0x8000 accept", NO, NO),
    ("meta mark set 1 meta mark 1 accept", UNTOLD, UNTOLD),
    ("ip saddr 192.0.2.11 accept", YES, YES),
    ("ip saddr 192.0.2.0/24 accept", YES, YES),
    ("ip saddr != 192.0.2.0/24 accept", NO, NO),
    ("ip saddr & 255.255.255.0 == 192.0.2.0 accept", YES, YES),
    ("ip saddr & 0.0.0.255 == 0.0.0.11 accept", YES, YES),
    ("ip saddr 192.0.2.1-192.0.2.10 accept", NO, NO),
    ("ip saddr @peers accept", YES, YES),
    ("ip saddr != @peers accept", NO, NO),
    ("ip saddr @nobody accept", NO, NO),
    ("ip saddr @limited accept", UNTOLD, UNTOLD),
    ("ip saddr @counted accept", YES, YES),
    ("ip daddr 224.0.0.18 accept", NO, YES),
    ("ip daddr { 224.0.0.0/4, 192.0.2.10 } accept", YES, YES),
    ("ip ttl 255 accept", UNTOLD, YES),
    ("ip version 4 accept", YES, YES),
    ("ip length < 100 accept", UNTOLD, UNTOLD),
    ("ip6 saddr != ::1 accept", NO, NO),
    ("tcp dport 8443 accept", YES, NO),
    ("tcp dport { 80, 8000-9000 } accept", YES, NO),
    ("tcp dport != 22 accept", YES, NO),
    ("tcp dport @ports accept", YES, NO),
    ("tcp dport > 1023 accept", YES, NO),
    ("tcp sport 22 accept", NO, NO),
    ("tcp sport 1-65535 accept", YES, NO),
    ("tcp sport 32768-60999 accept", UNTOLD, NO),
    ("tcp sport >= 1024 accept", YES, NO),
    ("tcp flags syn accept", YES, NO),
    ("tcp flags ! syn accept", NO, NO),
    ("tcp flags & (fin | syn | rst | ack) == syn accept", YES, NO),
    ("tcp flags & (fin | syn | rst | ack) != syn accept", NO, NO),
    ("tcp flags == 0x0 accept", NO, NO),
    ("udp dport != 53 accept", NO, NO),
    ("icmp type != echo-request accept", NO, NO),
    ("meta l4proto { tcp, udp } th dport 8443 accept", YES, NO),
    ("ip saddr . tcp dport @pairs accept", YES, NO),
    ("ip saddr . tcp dport { 192.0.2.0/24 . 8443, 198.51.100.1 . 22 } accept", YES, NO),
    ("ip protocol . ip saddr { vrrp . 192.0.2.11 } accept", NO, YES),
    ("ct state established,related accept", NO, NO),
    ("ct state new accept", YES, YES),
    ("ct state { new, untracked } accept", YES, YES),
    ("ct state != new accept", NO, NO),
    ("ct state ! established,related accept", YES, YES),
    ("ct state invalid accept", NO, NO),
    ("ct status dnat accept", NO, NO),
    ("ct mark 0 accept", UNTOLD, UNTOLD),
    ("ct direction original accept", UNTOLD, UNTOLD),
    ("fib daddr type local accept", YES, NO),
    ("fib daddr type { multicast, broadcast } accept", NO, YES),
    ("fib saddr type unicast accept", UNTOLD, UNTOLD),
    ("limit rate 3/second accept", UNTOLD, UNTOLD),
    ("ct count 20 accept", UNTOLD, UNTOLD),
    ('counter log prefix "seen: " accept', YES, YES),
    ("meta mark set 1 accept", YES, YES),
    ("notrack ct state new accept", UNTOLD, UNTOLD),
    ("tcp option maxseg size set 1400 accept", UNTOLD, UNTOLD),
    ("ip dscp set cs6 accept", YES, YES),
    ("ip daddr set 192.0.2.99 accept", UNTOLD, UNTOLD),
    ("add @seen { ip saddr } accept", YES, YES),
    ("add @seen { ip saddr } ip saddr @seen accept", UNTOLD, UNTOLD),
    ("add @seen { ip saddr limit rate 3/second } accept", UNTOLD, UNTOLD),
    ("jump returns", NO, NO),
    ("jump accepts", YES, YES),
    ("goto accepts", YES, YES),
    ("jump { accept; }", UNTOLD, UNTOLD),
    ("continue", NO, NO),
    ("return", NO, NO),
    ("meta l4proto vmap { tcp : jump returns, vrrp : goto accepts }", NO, YES),
    ("ip protocol vmap @verdicts", NO, YES),
    ("iifname vmap @names", YES, YES),
    ("tcp dport vmap { 22 : drop, 8000-9000 : accept }", YES, NO),
    ("tcp dport vmap { 22 : accept, 8443 : continue } accept", YES, NO),
    ("tcp dport vmap { 22 : drop, * : accept }", YES, NO),
    ("tcp sport vmap { 1024-40000 : accept, 40001-65535 : drop }", UNTOLD, NO),
    ("tcp sport vmap { 1-40000 : accept, 40001-65535 : accept }", UNTOLD, NO),
    ("ct state vmap { established : drop, new : accept }", YES, YES),
    ("ip saddr . tcp dport vmap { 192.0.2.11 . 8443 : accept }", YES, NO),
    ("ct mark vmap { 1 : accept }", UNTOLD, UNTOLD),
]


def test_every_recorded_rule_is_asked() -> None:
    lines = [line.strip() for line in (RULESETS / "matches.nft").read_text().partition("policy drop;")[2].splitlines()]
    assert [line for line in lines if line and not line.startswith(("#", "}"))] == [rule for rule, *_ in MATCHES]


@pytest.mark.parametrize(
    ("number", "client", "multicast"), [(n, *row[1:]) for n, row in enumerate(MATCHES)], ids=[row[0] for row in MATCHES]
)
def test_match(number: int, client: str, multicast: str) -> None:
    items = json.loads(recorded_ruleset("matches"))["nftables"]
    rules = [item for item in items if item.get("rule", {}).get("chain") == "input"]
    assert len(rules) == len(MATCHES)
    text = listing(*(item for item in items if item not in rules), rules[number])
    assert (verdict(text, CLIENT), verdict(text, MULTICAST)) == (client, multicast)


@pytest.mark.parametrize(
    ("name", "packet", "expected", "words"),
    [
        ("empty", CLIENT, YES, "no base chain in the hook input"),
        ("empty", ADVERT, YES, "no base chain in the hook output"),
        ("allow-list", CLIENT, YES, 'rule 8 "ssh and the control plane" of chain input, table inet filter'),
        ("allow-list", APISERVER, NO, "policy drop of chain input, table inet filter"),
        ("allow-list", VRRP, NO, "policy drop of chain input, table inet filter"),
        ("allow-list", ADVERT, YES, "policy accept of chain output, table inet filter"),
        ("peers", VRRP, YES, "rule 4 of chain input"),
        ("peers", replace(VRRP, source=IPv4Address("192.0.2.13")), NO, "policy drop of chain input"),
        ("peers", CLIENT, YES, "rule 6 of chain input"),
        ("peers", replace(CLIENT, source=IPv4Address("198.51.100.9")), YES, "rule 6 of chain input"),
        ("peers", replace(CLIENT, source=IPv4Address("198.51.100.10")), NO, "policy drop of chain input"),
        ("vrrp-dropped-in-input", MULTICAST, NO, 'rule 2 "no routers here" of chain input, table inet filter'),
        ("vrrp-dropped-in-input", TO_GROUP, YES, "no base chain in the hook output"),
        ("vrrp-dropped-in-input", CLIENT, YES, "policy accept of chain input"),
        ("vrrp-dropped-in-output", TO_GROUP, NO, "rule 4 of chain output"),
        ("vrrp-dropped-in-output", MULTICAST, YES, "policy accept of chain input"),
        ("vrrp-dropped-in-output", CHECK, YES, "policy accept of chain output"),
        ("output-allow-list", ADVERT, YES, "rule 5 of chain output"),
        ("output-allow-list", CHECK, YES, "rule 5 of chain output"),
        ("output-allow-list", replace(ADVERT, interface="ens3"), NO, "policy drop of chain output"),
        ("output-allow-list", replace(CHECK, interface="lo"), YES, "rule 3 of chain output"),
        (
            "two-base-chains",
            CLIENT,
            YES,
            "rule 3 of chain input, table inet first; policy accept of chain input, table ip",
        ),
        ("two-base-chains", VRRP, NO, "rule 2 of chain input, table ip second"),
        ("raw", CLIENT, YES, "rule 3 of chain input, table inet filter"),
        ("raw", replace(CLIENT, interface="eth1"), NO, "rule 2 of chain PREROUTING, table ip raw"),
        ("raw", SSH, UNTOLD, "rule 3 of chain input, table inet filter depends on something unknown here: ct state"),
        ("raw", ADVERT, NO, "rule 2 of chain postrouting, table inet mangle"),
        ("jumps", VRRP, YES, "rule 6 of chain routers"),
        ("jumps", replace(VRRP, source=IPv4Address("192.0.2.99")), NO, "policy drop of chain input"),
        ("jumps", CLIENT, YES, "rule 8 of chain ports"),
        ("jumps", SSH, YES, "rule 12 of chain input"),
        ("jumps", APISERVER, YES, "rule 9 of chain behind"),
        ("jumps", DNS, NO, "policy drop of chain input"),  # a goto comes back to the policy
        ("vmap", VRRP, YES, "of chain peers"),
        ("vmap", CLIENT, YES, "of chain ports"),
        ("vmap", APISERVER, NO, "of chain ports"),
        ("vmap", replace(CLIENT, interface="docker0"), NO, "of chain input"),
        ("vmap", DNS, NO, "policy drop of chain input"),
        ("reject", CLIENT, YES, "rule 2 of chain input"),
        ("reject", VRRP, NO, "rule 3 of chain input, table inet filter, which rejects it"),
        ("established-only", CLIENT, NO, "policy drop of chain input"),
        ("established-only", VRRP, NO, "policy drop of chain input"),
        (
            "unknown-before",
            VRRP,
            UNTOLD,
            "rule 2 of chain input, table inet filter depends on something unknown here: limit",
        ),
        (
            "unknown-before",
            SSH,
            UNTOLD,
            "rule 3 of chain input, table inet filter depends on something unknown here: ct count",
        ),
        ("unknown-before", CLIENT, YES, "rule 6 of chain input"),  # accepted with that mark and without it
        (
            "unknown-before",
            APISERVER,
            UNTOLD,
            "rule 7 of chain input, table inet filter depends on something unknown here: ct mark",
        ),
        ("unknown-behind", VRRP, YES, "rule 2 of chain input"),
        ("unknown-behind", CLIENT, NO, "rule 3 of chain input"),
        ("unknown-behind", SSH, UNTOLD, "ct mark"),
        ("other-families", VRRP, YES, "no base chain in the hook input"),
        ("other-families", ADVERT, YES, "no base chain in the hook output"),
        ("policy-drop", VRRP, NO, "policy drop of chain INPUT, table ip filter"),
        ("policy-drop", ADVERT, NO, "policy drop of chain OUTPUT, table ip filter"),
        ("ufw", CLIENT, YES, "of chain ufw-user-input"),
        ("ufw", SSH, YES, "of chain ufw-user-input"),
        ("ufw", APISERVER, NO, "policy drop of chain INPUT"),
        ("ufw", VRRP, NO, "policy drop of chain INPUT"),
        ("ufw", MULTICAST, NO, "policy drop of chain INPUT"),
        ("ufw", ADVERT, YES, "policy accept of chain OUTPUT"),
        ("ufw", CHECK, YES, "of chain ufw-track-output"),
        ("firewalld", SSH, YES, "of chain filter_IN_public_allow"),
        ("firewalld", CLIENT, NO, "of chain filter_IN_public, table inet firewalld, which rejects it"),
        ("firewalld", VRRP, NO, "of chain filter_IN_public, table inet firewalld, which rejects it"),
        ("firewalld", MULTICAST, NO, "of chain filter_IN_public, table inet firewalld, which rejects it"),
        ("firewalld", replace(VRRP, interface="docker0"), YES, "of chain filter_IN_docker"),
        ("firewalld", replace(VRRP, interface="eth1"), NO, "of chain filter_IN_public"),
        ("firewalld", ADVERT, YES, "policy accept of chain filter_OUTPUT"),
        ("firewalld-opened", CLIENT, YES, "of chain filter_IN_public_allow"),
        ("firewalld-opened", VRRP, YES, "of chain filter_IN_public_allow"),
        ("firewalld-opened", MULTICAST, YES, "of chain filter_IN_public_allow"),
        ("firewalld-opened", APISERVER, NO, "of chain filter_IN_public, table inet firewalld, which rejects it"),
        ("kube-proxy", CLIENT, YES, "policy accept of chain INPUT, table ip filter"),
        ("kube-proxy", VRRP, YES, "policy accept of chain INPUT, table ip filter"),
        ("kube-proxy", TO_GROUP, YES, "policy accept of chain OUTPUT, table ip filter"),
        ("kube-proxy", replace(CLIENT, port=30080), UNTOLD, "of chain KUBE-SEP-1, table ip nat depends on"),
        ("kube-proxy", replace(CHECK, destination=IPv4Address("10.96.12.7"), port=80), NO, "of chain KUBE-SERVICES"),
        ("kube-proxy-nftables", CLIENT, YES, "policy accept of chain filter-input"),
        ("kube-proxy-nftables", VRRP, YES, "policy accept of chain filter-input"),
        ("kube-proxy-nftables", ADVERT, YES, "policy accept of chain filter-output-post-dnat"),
        (
            "kube-proxy-nftables",
            replace(CHECK, destination=IPv4Address("10.96.12.7")),
            NO,
            "of chain cluster-ips-check",
        ),
    ],
)
def test_ruleset(name: str, packet: Packet, expected: str, words: str) -> None:
    answer = passage(parse_ruleset(recorded_ruleset(name)), packet)
    assert answer.verdict == expected
    assert words in answer.words


def test_table_of_which_nft_does_not_say_that_it_sleeps() -> None:
    text = recorded_ruleset("dormant")  # nft 1.0.6 prints the table's name where its flags should be
    answer = passage(parse_ruleset(text), VRRP)
    assert (answer.verdict, answer.words) == (UNTOLD, "whether table inet filter is dormant")
    for flags, expected in (('"dormant"', YES), ('["owner", "dormant"]', YES), ('"owner"', NO), ("[]", NO)):
        assert verdict(text.replace('"flags": "filter"', f'"flags": {flags}'), VRRP) == expected


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("name", "packet", "expected"),
    [
        ("ufw", VRRP, UNTOLD),  # accepted, if only that one match is true which we know to be of established ones
        ("ufw", CLIENT, UNTOLD),
        ("ufw", ADVERT, YES),  # accepted by some rule or else by the policy
        ("kube-proxy", CLIENT, YES),
        ("kube-proxy", VRRP, YES),
        ("kube-proxy", CHECK, YES),
    ],
)
def test_what_iptables_nft_hides(name: str, packet: Packet, expected: str, *, named: bool) -> None:
    answer = passage(parse_ruleset(as_iptables_nft(recorded_ruleset(name), named=named)), packet)
    assert answer.verdict == expected
    if expected == UNTOLD:
        assert ("iptables match" if named else "an iptables extension") in answer.words


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"xt": {"type": "match", "name": "comment"}}, {"accept": None}], YES),
        ([{"xt": {"type": "match", "name": "conntrack"}}, {"counter": None}, {"accept": None}], UNTOLD),
        ([{"xt": {"type": "match", "name": "conntrack"}}, {"counter": None}, {"drop": None}], NO),
        ([{"xt": {"type": "match", "name": "conntrack"}}, {"counter": None}], NO),
        ([{"counter": None}, {"xt": {"type": "target", "name": "LOG"}}], NO),
        ([{"counter": None}, {"xt": {"type": "target", "name": "REJECT"}}], NO),
        ([{"counter": None}, {"xt": {"type": "target", "name": "TPROXY"}}], UNTOLD),
        ([{"xt": None}, {"counter": None}, {"accept": None}], UNTOLD),
        ([{"xt": None}, {"counter": None}, {"drop": None}], NO),
        ([{"counter": None}, {"xt": None}], UNTOLD),  # a target: any
        ([{"no such": None}], UNTOLD),
        ([{"match": {"op": "=="}}], UNTOLD),
        ([{"match": 1}], UNTOLD),
        (["text"], UNTOLD),
        ([{}], UNTOLD),
        ([{"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": "@no_such"}}], UNTOLD),
        ([{"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": {"set": ["vrrp"]}}}], UNTOLD),
        ([{"jump": {"target": "no_such"}}], UNTOLD),
        ([{"queue": {"num": 1}}], UNTOLD),
        ([], NO),
    ],
)
def test_statement(statements: list[Any], expected: str) -> None:
    assert verdict(listing(INPUT, rule(*statements)), VRRP) == expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("@no_such", UNTOLD),
        ("no-such-protocol", UNTOLD),
        ({"range": ["no-such-protocol", "vrrp"]}, UNTOLD),
        ({"set": ["no-such-protocol", 112]}, YES),
        ({"set": ["no-such-protocol", "tcp"]}, UNTOLD),
        ({"set": [{"elem": {"val": "vrrp", "comment": "keepalived"}}]}, YES),
        ({"range": [112, 113]}, YES),
        (None, UNTOLD),
    ],
)
def test_right_side(right: object, expected: str) -> None:
    match = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": right}}
    assert verdict(listing(INPUT, rule(match, {"accept": None})), VRRP) == expected


@pytest.mark.parametrize(
    ("left", "right", "packet", "expected"),
    [
        (IIFNAME, "@no_such", VRRP, UNTOLD),
        (IIFNAME, {"set": [{"elem": {"val": "eth0", "counter": {"packets": 1}}}]}, VRRP, YES),
        (SADDR, {"prefix": {"addr": "192.0.2.8", "len": 29}}, replace(VRRP, source=IPv4Address("192.0.2.15")), YES),
        (SADDR, {"prefix": {"addr": "192.0.2.8", "len": 29}}, replace(VRRP, source=IPv4Address("192.0.2.16")), NO),
        (SADDR, {"prefix": {"addr": "fe80::", "len": 10}}, VRRP, NO),
        (DESTINATION_TYPE, "local", SSH, YES),
        (DESTINATION_TYPE, "local", CHECK, UNTOLD),
        (DESTINATION_TYPE, "multicast", TO_GROUP, YES),
        (DESTINATION_TYPE, "broadcast", replace(DNS, destination=IPv4Address("255.255.255.255")), YES),
        ({"meta": {"key": "pkttype"}}, "host", CHECK, UNTOLD),
        ({"payload": {"protocol": "th", "field": "dport"}}, 25700, VRRP, UNTOLD),  # its priority and count, as it is
    ],
)
def test_left_side(left: object, right: object, packet: Packet, expected: str) -> None:
    match = {"match": {"op": "==", "left": left, "right": right}}
    base = chain(type="filter", hook=packet.hook, prio=0, policy="drop")
    assert verdict(listing(base, rule(match, {"accept": None})), packet) == expected


def test_catch_all_is_asked_last_wherever_it_stands() -> None:
    data = {"set": [["*", {"drop": None}], ["vrrp", {"accept": None}]]}
    vmap = {"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": data}}
    assert (verdict(listing(INPUT, rule(vmap)), VRRP), verdict(listing(INPUT, rule(vmap)), CLIENT)) == (YES, NO)


def test_source_that_a_rule_may_have_translated() -> None:
    first = chain("first", type="nat", hook="output", prio=-1, policy="accept")
    base = chain(type="filter", hook="output", prio=0, policy="drop")
    accept = rule({"match": {"op": "==", "left": SADDR, "right": str(HERE)}}, {"accept": None})
    assert verdict(listing(first, base, accept), ADVERT) == YES
    assert verdict(listing(first, base, rule({"masquerade": None}, chain="first"), accept), ADVERT) == UNTOLD


def test_no_connection_is_known_before_conntrack() -> None:
    drop = rule({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"drop": None})
    for priority, expected in ((-300, UNTOLD), (-150, YES)):
        base = chain(type="filter", hook="prerouting", prio=priority, policy="accept")
        assert verdict(listing(base, drop), VRRP) == expected


def test_rule_is_named_that_makes_the_difference() -> None:
    doubts = [rule({"limit": {}}, {end: None}, handle=handle) for handle, end in enumerate(("drop", "accept", "drop"))]
    assert passage(parse_ruleset(listing(INPUT, *doubts)), VRRP).words.startswith("rule 1 of chain input")


def test_acceptance_is_explained_by_the_chains_of_the_packets_own_hook() -> None:
    before = chain("before", type="filter", hook="prerouting", prio=0, policy="accept")
    answer = passage(parse_ruleset(listing(before, INPUT, rule({"accept": None}))), VRRP)
    assert answer.words == "rule 1 of chain input, table ip t"


def test_mark_that_an_unknown_target_may_have_set() -> None:
    drop = rule(
        {"match": {"op": "==", "left": {"&": [{"meta": {"key": "mark"}}, 0x8000]}, "right": 0x8000}}, {"drop": None}
    )
    accept = rule({"accept": None})
    mark = rule({"counter": None}, {"xt": {"type": "target", "name": "MARK"}})
    assert verdict(listing(INPUT, drop, accept), VRRP) == YES
    assert verdict(listing(INPUT, mark, drop, accept), VRRP) == UNTOLD


def test_drop_of_a_later_chain_is_sure_whatever_an_earlier_one_does() -> None:
    first = chain("first", type="filter", hook="input", prio=-1, policy="accept")
    text = listing(INPUT, first, rule({"limit": {"rate": 1}}, {"drop": None}, chain="first"))
    assert verdict(text, VRRP) == NO


@pytest.mark.parametrize("statement", [{"redirect": {"port": 80}}, {"dnat": {"addr": "192.0.2.1"}}, {"xt": None}])
def test_drop_is_not_sure_of_a_packet_that_may_have_gone_elsewhere(statement: dict[str, Any]) -> None:
    nat = chain("nat", type="nat", hook="prerouting", prio=-100, policy="accept")
    text = listing(INPUT, nat, rule({"match": {"op": "==", "left": DPORT, "right": 8443}}, statement, chain="nat"))
    assert (verdict(text, CLIENT), verdict(text, SSH)) == (UNTOLD, NO)


def test_chains_that_jump_in_a_circle_or_without_end() -> None:
    circle = listing(INPUT, chain("a"), rule({"jump": {"target": "a"}}), rule({"jump": {"target": "a"}}, chain="a"))
    answer = passage(parse_ruleset(circle), VRRP)
    assert (answer.verdict, "jumps to itself" in answer.words) == (UNTOLD, True)
    names = ["input", *(f"c{number}" for number in range(5000))]
    deep = [rule({"jump": {"target": target}}, chain=name) for name, target in pairwise(names)]
    assert verdict(listing(INPUT, *map(chain, names[1:]), *deep), VRRP) == UNTOLD


def test_work_does_not_double_with_each_chain() -> None:
    names = ["input", *(f"c{number}" for number in range(15))]
    jumps = [rule({"jump": {"target": target}}, chain=name) for name, target in pairwise(names) for _ in range(200)]
    assert verdict(listing(INPUT, *map(chain, names[1:]), *jumps), VRRP) == NO


def test_tables_listed_one_by_one() -> None:
    text = f"{recorded_ruleset('two-base-chains')}\n{recorded_ruleset('other-families')}{recorded_ruleset('empty')}"
    assert verdict(text, VRRP) == NO


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nft printed nothing"),
        (" \n", "nft printed nothing"),
        ("Error: syntax error", "invalid JSON"),
        (recorded_ruleset("peers")[:-3], "invalid JSON"),
        (recorded_ruleset("peers") + "}", "invalid JSON"),
        ("[" * 100_000, "invalid JSON"),
        ("[]", 'expected a list of items in "nftables"'),
        ('{"nftables": {}}', 'expected a list of items in "nftables"'),
        ('{"nftables": [1]}', 'expected a list of items in "nftables"'),
        (listing({"table": None}), "a table without a name"),
        (listing({"chain": {"family": "ip", "name": "x"}}), "a chain without a name"),
        (listing(chain(hook="input", prio="filter")), "a chain input with hook input, prio filter"),
        (listing(chain(hook="input", prio=0, policy="maybe")), "policy maybe"),
        (listing(rule()), "a rule of chain input, table ip t, but not that chain"),
        (listing(INPUT, {"rule": {"family": "ip", "table": "t", "chain": "input"}}), "a rule without handle or expr"),
        (listing({"set": {"family": "ip", "table": "t", "name": "s", "elem": 1}}), "elements of set s, table ip t"),
    ],
)
def test_what_nft_does_not_print_is_an_error(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_ruleset(text)


@pytest.mark.parametrize("name", ["matches", "firewalld", "kube-proxy-nftables"])
def test_record_with_any_change_is_an_error_or_an_answer(name: str) -> None:
    text = recorded_ruleset(name)
    outcomes = set()
    for value in sorted(set(re.findall(r'"[^"]*"|\b\d+\b|null', text))):
        for instead in ("[]", '{"a": 1}'):
            try:
                passage(parse_ruleset(text.replace(value, instead)), CLIENT)
            except ValueError:
                outcomes.add("error")
            else:
                outcomes.add("answer")
    assert outcomes == {"error", "answer"}  # and nothing else was raised


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hook": "forward"}, "hook"),
        ({"protocol": 256}, "protocol"),
        ({"port": None}, "port"),
        ({"port": 0}, "port"),
        ({"protocol": 112}, "port"),
    ],
)
def test_packet_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(CLIENT, **changes)
