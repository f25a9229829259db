"""What a look tells of the network, as the host itself sees it; lines as ss, tcpdump, openssl and curl print them."""

import json
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_interface
from pathlib import Path

import pytest
from rig.samples import NONCE
from tests.support.changes import VIP, replace_section

from nornir_kube_ha.facts import (
    NOT_PROBED,
    Advert,
    Answer,
    Certificate,
    Facts,
    Heard,
    Link,
    Listener,
    Probe,
    parse_facts,
)
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.ssh.script import assignments, load_script

Recorded = Callable[[str], str]
FactsFrom = Callable[[str], Facts]
WithSection = Callable[[str, str], Facts]


def test_listeners_of_both_families(facts_from: FactsFrom) -> None:
    assert set(facts_from("facts-master").listeners) == {
        Listener("0.0.0.0", 8443, "haproxy"),  # noqa: S104 - seen
        Listener("0.0.0.0", 8444, "haproxy"),  # noqa: S104 - seen
        Listener("0.0.0.0", 10080, "haproxy"),  # noqa: S104 - seen
        Listener("0.0.0.0", 6443, "python3"),  # noqa: S104 - seen
        Listener("0.0.0.0", 22, "sshd"),  # noqa: S104 - seen
        Listener("[::]", 6443, "python3"),
        Listener("[::]", 22, "sshd"),
    }


@pytest.mark.parametrize(
    ("line", "listener"),
    [
        ('LISTEN 0 4096 *:8443 *:* users:(("haproxy",pid=1,fd=9))', Listener("*", 8443, "haproxy")),
        ('LISTEN 0 128 [fe80::1]%eth0:22 [::]:* users:(("sshd",pid=1,fd=4))', Listener("[fe80::1]%eth0", 22, "sshd")),
        ("LISTEN 0 128 127.0.0.1:8443 0.0.0.0:*", Listener("127.0.0.1", 8443, "")),  # not root: no process
        (
            'LISTEN 0 128 [::1]:8443 [::]:* users:(("a b",pid=1,fd=3),("a b",pid=2,fd=3))',
            Listener("[::1]", 8443, "a b"),
        ),
    ],
)
def test_listener(recorded: Recorded, line: str, listener: Listener) -> None:
    text = replace_section(recorded("facts-master"), "listeners", line)
    assert parse_facts(text, NONCE).listeners == (listener,)


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        (Probe(200, ""), "HTTP 200"),
        (Probe(0, "curl: (7) refused"), "curl: (7) refused"),
        (Probe(0, ""), "no answer"),
        (NOT_PROBED, "not probed: curl is not installed"),
    ],
)
def test_probe_as_text(probe: Probe, text: str) -> None:
    assert str(probe) == text


MAC = "02:07:e7:b0:ee:d5"
COUNTED = "29 packets captured\n32 packets received by filter\n0 packets dropped by kernel"
GROUP = f"{MAC} > 01:00:5e:00:00:12, ethertype IPv4 (0x0800), length 60: 192.0.2.11 > 224.0.0.18: "
PEER = f"{MAC} > 02:09:14:ef:a7:ed, ethertype IPv4 (0x0800), length 46: 192.0.2.11 > 192.0.2.13: "
ARP = f"{MAC} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: "


@pytest.mark.parametrize(
    ("line", "vrid", "priority"),
    [
        (f"{PEER}VRRPv3, Advertisement, vrid 68, prio 120, intvl 10cs, length 12", 68, 120),
        (f"{GROUP}VRRPv3, Advertisement, vrid 255, prio 255, intvl 100cs, length 12", 255, 255),
        (f"{GROUP}VRRPv2, Advertisement, vrid 68, prio 90, authtype none, intvl 1s, length 20", 68, 90),
        (f"{GROUP}VRRPv2, Advertisement, vrid 68, prio 90, authtype simple, intvl 1s, length 20", 68, 90),
        (f"{GROUP}VRRPv3, Advertisement, (ttl 64), vrid 68, prio 0, intvl 100cs, length 12", 68, 0),
    ],
    ids=["unicast", "multicast", "version 2", "with a password", "a goodbye from afar"],
)
def test_advert(with_section: WithSection, line: str, vrid: int, priority: int) -> None:
    advert = Advert(IPv4Address("192.0.2.11"), MAC, vrid, priority)
    assert with_section("heard", f"{line}\n{COUNTED}").heard == Heard(frozenset({advert}), frozenset())


NEIGHBOUR = f"{MAC} > 02:09:14:ef:a7:ed, ethertype IPv6 (0x86dd), length 94: 2001:db8::11 > "


@pytest.mark.parametrize(
    "line",
    [
        f"{NEIGHBOUR}2001:db8::12: VRRPv3, Advertisement, (ttl 64), vrid 68, prio 180, intvl 5cs, length 40",
        f"{NEIGHBOUR}ff02::12: VRRPv3, Advertisement, vrid 68, prio 180, intvl 5cs, length 24",
    ],
    ids=["unicast", "multicast"],
)
def test_advert_of_ipv6(with_section: WithSection, line: str) -> None:
    advert = Advert(ip_address("2001:db8::11"), MAC, 68, 180)
    assert with_section("heard", f"{line}\n{COUNTED}").heard == Heard(frozenset({advert}), frozenset())


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (f"{NEIGHBOUR}2001:db8::12: ICMP6, neighbor advertisement, tgt is 2001:db8::10, length 32", True),
        (f"{NEIGHBOUR}ff02::1: ICMP6, neighbor advertisement, tgt is 2001:db8::10, length 32", True),
        (f"{NEIGHBOUR}ff02::1:ff00:10: ICMP6, neighbor solicitation, who has 2001:db8::10, length 32", False),
    ],
    ids=["asked", "unasked", "question"],
)
def test_answer_to_who_has_a_vip_of_ipv6(with_section: WithSection, line: str, *, answers: bool) -> None:
    expected = {Answer(ip_address("2001:db8::10"), MAC)} if answers else set()
    assert with_section("heard", f"{line}\n{COUNTED}").heard == Heard(frozenset(), frozenset(expected))


def test_addresses_of_both_families(facts_from: FactsFrom) -> None:
    on_eth0 = {address for name, address in facts_from("facts-master").addresses if name == "eth0"}
    assert {ip_interface("192.0.2.10/24"), ip_interface("192.0.2.11/24")} < on_eth0
    assert [address.is_link_local for address in on_eth0 if address.version == 6] == [True]


def test_additional_vips(recorded: Recorded) -> None:
    sections = (
        *("also_ping 192.0.2.20\nanswered", "also_ping 2001:db8::10\nsilent"),
        *("also_readyz 192.0.2.20\nok\nstatus 200", "also_readyz 2001:db8::10\ncurl: (28) timed out\nstatus 000"),
    )
    more = "".join(f"\n@{NONCE} {section}" for section in sections)
    text = recorded("facts-master").replace(f"\n@{NONCE} ping\n", f"{more}\n@{NONCE} ping\n")
    found = parse_facts(text, NONCE).reachable
    assert found.silent == ("2001:db8::10",)
    assert found.additional["192.0.2.20"] == Probe(200, "", "ok")
    assert found.additional["2001:db8::10"] == Probe(0, "curl: (28) timed out")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (f"{ARP}Reply 192.0.2.10 is-at {MAC}, length 28", Answer(VIP.ip, MAC)),
        (f"{ARP}Reply 192.0.2.10 is-at 02:00:00:00:00:99, length 46", Answer(VIP.ip, "02:00:00:00:00:99")),
        (f"{ARP}Request who-has 192.0.2.10 tell 192.0.2.10, length 46", Answer(VIP.ip, MAC)),
        (f"{ARP}Request who-has 192.0.2.10 (ff:ff:ff:ff:ff:ff) tell 192.0.2.10, length 28", Answer(VIP.ip, MAC)),
        (f"{ARP}Reply 192.0.2.99 is-at {MAC}, length 46", Answer(IPv4Address("192.0.2.99"), MAC)),
        (f"{ARP}Request who-has 192.0.2.10 (ff:ff:ff:ff:ff:ff) tell 192.0.2.13, length 28", None),
        (f"{ARP}Request who-has 192.0.2.10 tell 192.0.2.101, length 28", None),
        (f"{ARP}Request who-has 192.0.2.10 tell 0.0.0.0, length 46", None),
    ],
    ids=[
        *("reply", "reply for another", "gratuitous", "gratuitous to all", "of another address"),
        *("question", "question of one alike", "probe"),
    ],
)
def test_answer_to_who_has_the_vip(with_section: WithSection, line: str, answer: Answer | None) -> None:
    heard = with_section("heard", f"{line}\n{COUNTED}").heard
    assert heard == Heard(frozenset(), frozenset({answer} if answer else ()))


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        (COUNTED, ""),
        ("1 packet captured\n1 packet received by filter\n0 packets dropped by kernel", ""),
        ("0 packets captured\n0 packets received by filter\n0 packets dropped by kernel", ""),
        (
            "(No such device exists)\ntcpdump: eth9: No such device exists",
            "(No such device exists)\ntcpdump: eth9: No such device exists",
        ),
        ("tcpdump: Couldn't find user 'tcpdump'", "tcpdump: Couldn't find user 'tcpdump'"),
        ("", "tcpdump printed nothing"),
    ],
    ids=["heard", "one", "silence", "no such interface", "no such user", "nothing at all"],
)
def test_trouble_of_tcpdump_is_distinguished_from_silence(with_section: WithSection, text: str, trouble: str) -> None:
    assert with_section("heard", text).heard == Heard(frozenset(), frozenset(), trouble)


NAMES = "DNS:kubernetes, IP Address:192.0.2.10"
TEN_YEARS_AGO = 1479876467.0  # Nov 23 04:47:47 2016 GMT


@pytest.mark.parametrize(
    ("text", "certificate", "is_trusted"),
    [
        pytest.param(
            f"verify=0 (ok)\nnotAfter=Nov 23 05:07:47 2027 GMT\nX509v3 Subject Alternative Name: \n    {NAMES}",
            Certificate("0 (ok)", 1826946467.0, ("DNS:kubernetes", "IP Address:192.0.2.10")),
            True,
            id="good",
        ),
        pytest.param(
            "verify=10 (certificate has expired)\nnotAfter=Nov 23 04:47:47 2016 GMT\n"
            f"X509v3 Subject Alternative Name: \n    {NAMES}",
            Certificate("10 (certificate has expired)", TEN_YEARS_AGO, ("DNS:kubernetes", "IP Address:192.0.2.10")),
            False,
            id="expired",
        ),
        pytest.param(
            "verify=18 (self-signed certificate)\nnotAfter=Jan  1 00:00:00 2030 GMT\nNo extensions in certificate",
            Certificate("18 (self-signed certificate)", 1893456000.0, ()),
            False,
            id="self-signed, without names",
        ),
        pytest.param(
            "verify=0 (ok)\nnotAfter=Dec 31 23:59:59 9999 GMT\nX509v3 Subject Alternative Name: critical\n"
            "    IP Address:192.0.2.10",
            Certificate("0 (ok)", 253402300799.0, ("IP Address:192.0.2.10",)),
            True,
            id="critical names, without end",
        ),
        pytest.param("", Certificate("", None, ()), False, id="not seen"),
        pytest.param("verify=0 (ok)", Certificate("0 (ok)", None, ()), True, id="cut off"),
        pytest.param("notAfter=some day", Certificate("", None, ()), False, id="no time"),
    ],
)
def test_certificate(with_section: WithSection, text: str, certificate: Certificate, *, is_trusted: bool) -> None:
    found = with_section("certificate 192.0.2.12:6443", text).reachable.certificates["192.0.2.12:6443"]
    assert (found, found.is_trusted) == (certificate, is_trusted)


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("\nstatus 200", Probe(200, "")),
        ("\nstatus 401\n", Probe(401, "")),
        ('{\n  "kind": "Status"\n}\nstatus 403', Probe(403, "", '{\n  "kind": "Status"\n}')),
        ("status 500\nstatus 200", Probe(200, "", "status 500")),
        ("curl: (28) timed out\n\nstatus 000", Probe(0, "curl: (28) timed out")),
        ("half an answer\ncurl: (18) closed\nstatus 000", Probe(0, "half an answer\ncurl: (18) closed")),
        ("\nstatus 000", Probe(0, "")),
        ("", Probe(0, "curl printed nothing")),
        ("curl: cannot start", Probe(0, "curl: cannot start")),
        ("curl: (28) timed out\nstatus", Probe(0, "curl: (28) timed out\nstatus")),
    ],
    ids=[
        "empty",
        "login",
        "body",
        "body alike",
        "time-out",
        "cut off",
        "no word",
        "nothing at all",
        "no status",
        "no number",
    ],
)
def test_answer_to_a_client(with_section: WithSection, text: str, probe: Probe) -> None:
    assert with_section("version", text).reachable.version == probe
    assert with_section("peer 192.0.2.12:8443", text).reachable.peers["192.0.2.12:8443"] == probe


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ('{"gitVersion": "v1.30.0"}', "v1.30.0"),
        ('{"gitVersion":"v1.34.1+k3s1"}', "v1.34.1+k3s1"),
        ('{"kind": "Status", "code": 403}', ""),
        ("<h1>It works!</h1>", ""),
        ('{"gitVersion": ""}', ""),
        ("", ""),
    ],
)
def test_version_in_a_body(body: str, version: str) -> None:
    assert Probe(200, "", body).kubernetes_version == version


def test_packet_filter_is_handed_on_as_it_is(with_section: WithSection) -> None:
    text = '{"nftables": [{"metainfo": {}}]}\n{"nftables": []}'
    assert with_section("packetfilter", text).packet_filter == text


@pytest.mark.parametrize(
    ("flags", "is_up"),
    [
        (["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], True),
        (["NO-CARRIER", "BROADCAST", "MULTICAST", "UP"], False),
        (["BROADCAST", "MULTICAST"], False),
    ],
    ids=["up", "no carrier", "down"],
)
def test_link(with_section: WithSection, flags: list[str], *, is_up: bool) -> None:
    text = json.dumps([{"ifname": "eth0", "flags": flags, "address": MAC}, {"ifname": "tun0", "flags": ["UP"]}])
    facts = with_section("addresses", text)
    assert facts.links == {"eth0": Link(MAC, is_up=is_up), "tun0": Link("", is_up=False)}
    assert facts.addresses == ()


def test_certificate_as_the_host_shows_it_whole(with_section: WithSection, tmp_path: Path) -> None:
    addresses = [IPv4Address("192.0.2.10"), ip_address("2001:db8::10")]
    pki.ensure_ca(tmp_path)
    pki.issue_apiserver_certificate(tmp_path, tmp_path, addresses, timedelta(days=3))
    shown = f"verify=0 (ok)\n{(tmp_path / 'apiserver.crt').read_text(encoding='utf-8')}"
    found = with_section("certificate 192.0.2.12:6443", shown).reachable.certificates["192.0.2.12:6443"]
    assert found.verification == "0 (ok)"
    assert found.expires
    assert 2 < (found.expires - time.time()) / 86400 < 4
    assert {"DNS:kubernetes", "IP Address:192.0.2.10", "IP Address:2001:db8::10"} <= set(found.names)


@pytest.mark.field_report("G4")
@pytest.mark.parametrize("body", ["", "no base64 at all!", "AAAA", "MIICBjCCAaygAwIBAgIULU1I"])
def test_malformed_certificate_costs_only_its_own_check(with_section: WithSection, body: str) -> None:
    shown = f"verify=18 (self-signed)\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
    found = with_section("certificate 192.0.2.12:6443", shown).reachable.certificates["192.0.2.12:6443"]
    assert found == Certificate("18 (self-signed)", None, ())


@pytest.mark.parametrize(
    ("said", "probe"),
    [
        ("curl: (0) \nstatus 200", Probe(200, "")),
        ("curl: (7) Failed to connect\nstatus 000", Probe(0, "curl: (7) Failed to connect")),
    ],
)
def test_probe_of_several_that_one_curl_made(with_section: WithSection, said: str, probe: Probe) -> None:
    assert with_section("readyz", said).reachable.readyz == probe


@pytest.mark.parametrize(
    ("version", "can"),
    [
        *(("7.61.1-34.el8", False), ("7.74.0-1.3+deb11u16", False), ("", False)),
        *(("7.75.0-1", True), ("7.88.1-10+deb12u15", True), ("8.14.1-2", True), ("1:10.0.0", True)),
    ],
)
def test_curl_that_says_of_each_why_it_failed_is_asked_once(version: str, can: bool) -> None:
    installed = f"libcurl 8.0.0\ncurl {version}\nhaproxy 2.6.12" if version else "haproxy 2.6.12"
    script = f"{load_script('probes.sh')}{assignments(installed=installed)}can_ask_all"
    assert (subprocess.run(["sh", "-uc", script], check=False).returncode == 0) is can


OURS = """\
table inet kube_ha_watch {
\tchain heard {
\t\ttype filter hook prerouting priority raw - 10; policy accept;
\t}
}
"""
THEIRS = "table ip filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"


@pytest.mark.parametrize(
    ("listed", "left"),
    [("", ""), (OURS, ""), (THEIRS, THEIRS), (f"{OURS}{THEIRS}", THEIRS), (f"{THEIRS}{OURS}", THEIRS)],
)
def test_what_the_kernel_watches_is_no_firewall(listed: str, left: str) -> None:
    facts = load_script("facts.sh")
    removed = facts[facts.index("without_watch() {") : facts.index("\nfilters() {")]
    script = f"{load_script('probes.sh')}{removed}{assignments(chains=listed)}"
    script += 'chains=$CHAINS\nwithout_watch\nprintf %s "$chains"'
    done = subprocess.run(["sh", "-uc", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == left.split()
