"""What `facts.sh` printed on real hosts, read back."""

import base64
import re
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest
from rig.samples import NONCE
from tests.support.changes import VIP, replace_section

from nornir_kube_ha.facts import (
    NOT_PROBED,
    Advert,
    Answer,
    Certificate,
    Clock,
    ConfigCheck,
    Facts,
    Filesystem,
    Heard,
    Link,
    Package,
    Probe,
    Server,
    Unit,
    VRRPInstance,
    parse_facts,
)
from nornir_kube_ha.intent.names import CHECK_APISERVERS, CHECK_VRRP, CLIENTS, HAPROXY_CFG, MANAGED_PATHS, WATCH
from nornir_kube_ha.planning.plan import PACKAGES

STARTED = 1795415314.0  # 2026-11-23 06:28:34 UTC
RELOADED = STARTED + 4  # haproxy; keepalived was started then
RECORDS = ["facts-master", "facts-backup", "facts-other-backup", "facts-bare", "facts-haproxy-refused"]

LB_3 = "192.0.2.13:8443"

Recorded = Callable[[str], str]
FactsFrom = Callable[[str], Facts]
WithSection = Callable[[str, str], Facts]


def test_host_that_holds_the_vip(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-master")
    assert (facts.os, facts.is_root, facts.package_manager) == ("Debian GNU/Linux 12 (bookworm)", True, "apt")
    assert facts.packages == {
        "curl": Package("7.88.1-10+deb12u15"),
        "haproxy": Package("2.6.12-1+deb12u4"),
        "iputils-arping": Package("3:20221126-1+deb12u1"),
        "iputils-ping": Package("3:20221126-1+deb12u1"),
        "keepalived": Package("1:2.2.7-1+b2"),
        "nftables": Package("1.0.6-2+deb12u2"),
        "openssl": Package("3.0.22-1~deb12u2"),
        "python3-minimal": Package("3.11.2-1+b1"),
        "socat": Package("1.7.4.4-2"),
        "tcpdump": Package("4.99.3-1"),
    }
    # Recorded before there were these.
    assert set(facts.files) == set(MANAGED_PATHS) - {CHECK_APISERVERS, CHECK_VRRP, CLIENTS, WATCH}
    assert facts.files[HAPROXY_CFG].attributes == "0640 root:haproxy"
    assert facts.files[HAPROXY_CFG].content.startswith(b"# Written by nornir-kube-ha for cluster demo.")
    assert facts.files[HAPROXY_CFG].modified == RELOADED - 1
    running: dict[str, Any] = {"exists": True, "active_state": "active", "sub_state": "running", "enabled": True}
    assert facts.units == {
        "haproxy": Unit("haproxy", **running, started=STARTED, told=RELOADED, program="/usr/sbin/haproxy"),
        "keepalived": Unit("keepalived", **running, started=RELOADED, told=RELOADED, program="/usr/sbin/keepalived"),
    }
    assert facts.has_run_folder
    assert facts.pending == ()
    assert ("eth0", VIP) in facts.addresses
    assert facts.holds(VIP)
    assert facts.servers == tuple(Server(f"lb-{number}", "UP", "L7OK 200") for number in (1, 2, 3))
    assert facts.worker_started == RELOADED
    assert len(facts.workers) == 1
    assert facts.vrrp == (VRRPInstance("VI-kube-master", "MASTER", 120),)
    found = facts.reachable
    assert found.ping
    assert (found.readyz, found.stats_open, found.stats_login) == (Probe(200, ""), Probe(401, ""), Probe(200, ""))
    assert (found.version.status, found.version.kubernetes_version) == (200, "v1.30.0")
    assert found.peers == {f"192.0.2.1{n}:8443": Probe(200, "") for n in (2, 3)}
    assert set(found.certificates) == {f"192.0.2.1{n}:6443" for n in (1, 2, 3)}
    assert {each.verification for each in found.certificates.values()} == {"0 (ok)"}
    assert facts.judgements == {
        "haproxy": ConfigCheck("haproxy", 0, "Configuration file is valid"),
        "keepalived": ConfigCheck("keepalived", 0, ""),
    }
    assert all(judgement.accepts for judgement in facts.judgements.values())
    assert facts.links["eth0"] == Link("02:07:e7:b0:ee:d5", is_up=True)
    assert facts.heard == Heard(
        frozenset({Advert(IPv4Address("192.0.2.11"), "02:07:e7:b0:ee:d5", 68, 120)}),
        frozenset(),
    )
    assert facts.clock == Clock(1795415347.530320046, 1795415349.057443335)
    assert (facts.packet_filter, facts.read_only, facts.denials) == ("", (), ())
    assert facts.serves


def test_host_that_does_not_hold_the_vip(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-backup")
    assert facts.vrrp == (VRRPInstance("VI-kube-master", "BACKUP", 110),)
    assert not facts.holds(VIP)
    assert facts.heard == Heard(
        frozenset({Advert(IPv4Address("192.0.2.11"), "02:07:e7:b0:ee:d5", 68, 120)}),
        frozenset({Answer(VIP.ip, "02:07:e7:b0:ee:d5")}),
    )


def test_host_without_anything(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-bare")
    assert facts.packages == {
        "curl": Package(None, "7.88.1-10+deb12u15"),
        "haproxy": Package(None, "2.6.12-1+deb12u4"),
        "iputils-arping": Package(None, "3:20221126-1+deb12u1"),
        "iputils-ping": Package(None, "3:20221126-1+deb12u1"),
        "keepalived": Package(None, "1:2.2.7-1+b2"),
        "nftables": Package(None, "1.0.6-2+deb12u2"),
        "openssl": Package(None, "3.0.22-1~deb12u2"),
        "python3-minimal": Package(None, "3.11.2-1+b1"),
        "socat": Package(None, "1.7.4.4-2"),
        "tcpdump": Package(None, "4.99.3-1"),
    }
    assert facts.packages["keepalived"].upstream == (2, 2, 7)  # what would come, so that a dry run renders for it
    assert facts.files == {}
    assert [(unit.exists, unit.is_active, unit.enabled) for unit in facts.units.values()] == [(False, False, False)] * 2
    assert str(facts.units["haproxy"]) == "not installed"
    assert [(unit.started, unit.told, unit.program) for unit in facts.units.values()] == [(None, None, "")] * 2
    assert (facts.servers, facts.worker_started, facts.workers, facts.vrrp) == (None, None, (), None)
    assert (facts.serves, facts.reachable.ping) == (False, None)
    found = facts.reachable
    assert (found.readyz, found.version, found.stats_open, found.stats_login) == (NOT_PROBED,) * 4  # no curl yet
    assert (found.peers, found.certificates) == ({}, {})
    assert (facts.heard, facts.packet_filter, facts.judgements) == (None, None, {})  # no tcpdump, nft and daemons yet


def test_host_whose_haproxy_refuses_its_file(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-haproxy-refused")
    haproxy = facts.units["haproxy"]
    assert (str(haproxy), haproxy.is_active, haproxy.enabled) == ("failed (failed)", False, True)
    assert (haproxy.restarts, haproxy.program) == (5, "")
    assert "unknown keyword 'nonsense' in 'defaults' section" in "\n".join(haproxy.journal)
    assert len(haproxy.journal) == 15
    assert facts.pending == ("haproxy",)
    assert facts.servers is None
    judgement = facts.judgements["haproxy"]
    assert (judgement.status, judgement.accepts) == (1, False)
    assert "unknown keyword 'nonsense'" in judgement.words
    words = "curl: (77) error setting certificate file: /etc/haproxy/kube-apiserver-ca.crt"
    assert facts.reachable.readyz == facts.reachable.version == Probe(0, words)  # nobody put it there yet
    assert set(facts.reachable.certificates.values()) == {Certificate("", None, ())}
    assert facts.files[HAPROXY_CFG].attributes == "0644 root:root"  # the package's own


def test_text_of_a_login_shell_is_no_fact(recorded: Recorded, facts_from: FactsFrom) -> None:
    noise = "Welcome!\n@ is a sign\nPRETTY_NAME=noise\nstatus 500\n"
    assert parse_facts(f"{noise}{recorded('facts-master')}{noise}", NONCE) == facts_from("facts-master")


def test_lines_may_end_as_a_terminals_do(recorded: Recorded, facts_from: FactsFrom) -> None:
    text = recorded("facts-master").replace("\n", "\r\n")
    assert parse_facts(text, NONCE) == facts_from("facts-master")


def test_section_lines_of_another_program_are_not_sections(recorded: Recorded) -> None:
    text = replace_section(recorded("facts-haproxy-refused"), "journal haproxy", "@fedcba9876543210 end")
    assert parse_facts(text, NONCE).units["haproxy"].journal == ("@fedcba9876543210 end",)
    with pytest.raises(ValueError, match="ends in section"):
        parse_facts(text, "fedcba98")


@pytest.mark.parametrize("record", RECORDS)
def test_output_that_is_cut_short_is_an_error(recorded: Recorded, record: str) -> None:
    lines = recorded(record).rstrip("\n").splitlines(keepends=True)
    for kept in range(len(lines)):
        with pytest.raises(ValueError, match=r"ends in section"):
            parse_facts("".join(lines[:kept]), NONCE)
    with pytest.raises(ValueError, match=r"ends in section"):
        parse_facts("".join(lines)[:-1], NONCE)


@pytest.mark.parametrize("record", RECORDS)
def test_output_with_a_changed_line_is_an_error_or_facts(recorded: Recorded, record: str) -> None:
    lines = recorded(record).splitlines(keepends=True)
    outcomes = set()
    for spoiled in range(len(lines)):
        for instead in ("", '\ufffd \0 ? = "\n'):
            try:
                parse_facts("".join([*lines[:spoiled], instead, *lines[spoiled + 1 :]]), NONCE)
            except ValueError:
                outcomes.add("error")
            else:
                outcomes.add("facts")
    assert outcomes == {"error", "facts"}  # and nothing else was raised


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("addresses", ""),  # an `ip` that knows no -json
        ("addresses", '[{"ifname":"eth0","addr_info":[{"family":"inet","local":"300.0.0.1","prefixlen":24}]}]'),
        ("addresses", '{"ifname":"eth0"}'),
        ("addresses", "[" * 100000),  # deeper than can be read
        ("units", "Id=haproxy.service"),
        ("units", "no property"),
        ("listeners", "LISTEN 0 4096"),
        ("listeners", "LISTEN 0 4096 0.0.0.0:http 0.0.0.0:*"),
        ("haproxy", "# pxname,svname\nkube-apiserver,lb-1"),
        ("haproxy", "Permission denied\n# pxname,svname,status\nkube-apiserver,lb-1,UP"),
        ("clock", "now"),
        ("clock_end", ""),
        ("disk", "Mounted on\n/ 1 2 3"),
        ("disk", "Mounted on\n/ 1 2 3 many"),
        ("haproxy_workers", "01:07"),
        ("haproxy_info", "Asked: 1795415347\nUptime_sec: 0d"),
        ("haproxy_info", "Uptime_sec: 29"),  # since when nobody knows
        ("contents", "not base64 at all!!!"),
        ("contents", ""),
        ("contents", base64.b64encode(b"==> /etc/haproxy/kube-apiserver-ca.crt <==\nand no other").decode()),
    ],
)
def test_answer_that_cannot_be_is_an_error(recorded: Recorded, name: str, body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_facts(replace_section(recorded("facts-master"), name, body), NONCE)


@pytest.mark.parametrize("shown", ["haproxy", "haproxy haproxy", "haproxy sshd keepalived"])
def test_units_that_are_not_those_asked_for_are_an_error(recorded: Recorded, shown: str) -> None:
    text = recorded("facts-master")
    before, marker, rest = text.partition(f"\n@{NONCE} units\n")
    blocks, _, after = rest.partition(f"\n@{NONCE} ")
    block = blocks.split("\n\n")[0]
    units = "\n\n".join(block.replace("Id=haproxy.service", f"Id={name}.service") for name in shown.split())
    programs = "".join(f"program {name}\n\n@{NONCE} " for name in shown.split())
    with pytest.raises(ValueError, match="systemd reported"):
        parse_facts(f"{before}{marker}{units}\n@{NONCE} {programs}{after}", NONCE)


@pytest.mark.field_report("G4")
@pytest.mark.parametrize("section", ["disk", "haproxy_info", "listeners", "haproxy_workers"])
def test_number_that_no_host_counts_to_is_an_error(recorded: Recorded, section: str) -> None:
    text = recorded("facts-master")
    before, marker, rest = text.partition(f"\n@{NONCE} {section}\n")
    body, _, after = rest.partition(f"\n@{NONCE} ")
    numbered = re.sub(r"\d+", "9" * 400, body)
    assert numbered != body
    with pytest.raises(ValueError, match=r"digits, got 400|does not appear to be"):
        parse_facts(f"{before}{marker}{numbered}\n@{NONCE} {after}", NONCE)


@pytest.mark.parametrize(
    "section",
    [
        *("clock", "clock_end", "os", "user", "package_manager", "packages", "candidates", "run_folder", "pending"),
        *("units", "program haproxy", "addresses", "listeners", "haproxy", "haproxy_info", "haproxy_workers"),
        *("keepalived", "disk", "read_only", "denials"),
    ],
)
def test_section_that_is_missing_is_named(recorded: Recorded, section: str) -> None:
    text = recorded("facts-master").replace(f"\n@{NONCE} {section}\n", f"\n@{NONCE} nothing\n")
    with pytest.raises(ValueError, match=section):
        parse_facts(text, NONCE)


@pytest.mark.parametrize(
    ("installed", "candidates", "package"),
    [
        ("psmisc 23.6-1", "", Package("23.6-1")),
        ("", "psmisc 23.6-1", Package(None, "23.6-1")),
        ("psmisc 23.6-1", "psmisc 23.6-2", Package("23.6-1")),
        ("", "", None),
        ("psmisc", "psmisc ", None),
    ],
)
def test_package(recorded: Recorded, installed: str, candidates: str, package: Package | None) -> None:
    text = replace_section(recorded("facts-master"), "packages", installed)
    text = replace_section(text, "candidates", candidates)
    assert parse_facts(text, NONCE).packages.get("psmisc") == package


def test_every_package_that_is_asked_for_was_recorded(facts_from: FactsFrom) -> None:
    assert set(facts_from("facts-bare").packages) == set(PACKAGES)


def test_contents_are_in_no_repr(facts_from: FactsFrom) -> None:
    assert "only-for-the-lab" not in repr(facts_from("facts-master"))


def without_section(text: str, name: str) -> str:
    """A record without one section."""
    changed, count = re.subn(rf"\n@{NONCE} {re.escape(name)}\n.*?(?=\n@{NONCE} )", "", text, count=1, flags=re.DOTALL)
    assert count == 1
    return changed


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        pytest.param("heard", lambda facts: facts.heard is None, id="tcpdump"),
        pytest.param("packetfilter", lambda facts: facts.packet_filter is None, id="nft"),
        pytest.param("readyz", lambda facts: facts.reachable.readyz == NOT_PROBED, id="curl"),
        pytest.param("version", lambda facts: facts.reachable.version == NOT_PROBED, id="curl's version"),
        pytest.param("stats_login", lambda facts: facts.reachable.stats_login == NOT_PROBED, id="curl's login"),
        pytest.param("syntax haproxy 0", lambda facts: set(facts.judgements) == {"keepalived"}, id="haproxy"),
        pytest.param("peer 192.0.2.12:8443", lambda facts: set(facts.reachable.peers) == {LB_3}, id="curl's peer"),
        pytest.param("ping", lambda facts: facts.reachable.ping is None, id="ping"),
        pytest.param("certificate 192.0.2.12:6443", lambda facts: len(facts.reachable.certificates) == 2, id="openssl"),
    ],
)
def test_section_of_a_tool_that_is_missing_is_nothing_seen(
    recorded: Recorded, name: str, missing: Callable[[Facts], bool]
) -> None:
    text = recorded("facts-master")
    assert not missing(parse_facts(text, NONCE))
    assert missing(parse_facts(without_section(text, name), NONCE))


def test_disk_is_as_df_shows_it(with_section: WithSection) -> None:
    root = "/      270553174016 84144230400 16777216 16331947"
    text = f"Mounted on  1B-blocks  Avail\n{root}\n/srv/a disk     1000         500        -        -\n{root}"
    assert with_section("disk", text).filesystems == (
        Filesystem("/", 270553174016, 84144230400, 16777216, 16331947),
        Filesystem("/srv/a disk", 1000, 500, 0, 0),
    )
    assert with_section("disk", "").filesystems == ()


def test_folders_that_cannot_be_written_to(with_section: WithSection) -> None:
    assert with_section("read_only", "/etc\n/var/log").read_only == ("/etc", "/var/log")


def test_denials_are_lines(with_section: WithSection) -> None:
    lines = (
        'audit: type=1400 audit(1795410549.1:12): apparmor="DENIED" operation="open" profile="haproxy" name="/a"',
        'type=AVC msg=audit(1795410549.1:13): avc:  denied  { name_connect } for  pid=1 comm="haproxy" dest=6443',
    )
    shown = "\n".join(f"1795415399.{number} {line}" for number, line in enumerate(lines))
    assert with_section("denials", shown).denials == lines
    many = "\n".join(f"1795415399.1 haproxy {number}" for number in range(9))
    assert with_section("denials", many).denials == ("haproxy 6", "haproxy 7", "haproxy 8")


def test_denial_before_the_last_reload_is_not_reported_again(with_section: WithSection) -> None:
    told = with_section("denials", "").units["haproxy"].told
    assert told
    assert with_section("denials", f"{told - 1:.6f} haproxy mended\n{told + 1:.6f} haproxy new").denials == (
        "haproxy new",
    )


def test_what_is_no_denial_costs_itself_only(with_section: WithSection) -> None:
    assert with_section("denials", "apparmor=DENIED haproxy\n1795415399.1 haproxy").denials == ("haproxy",)


def test_contents_that_look_like_each_other_are_distinguished_by_their_sizes(recorded: Recorded) -> None:
    first, second = "/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf"
    tricky = f"one\n\n==> {second} <==\nnot this\n"
    assert contents_of(recorded, {first: tricky, second: "two\n"}) == {first: tricky, second: "two\n"}


@pytest.mark.parametrize("replaced", ["", "shorter\n", "longer than what was measured a moment ago\n"])
def test_file_that_is_replaced_while_it_is_read_is_read_as_it_is_then(recorded: Recorded, replaced: str) -> None:
    first, second = "/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf"
    found = contents_of(recorded, {first: replaced, second: "two\n"}, sizes={first: 20, second: 4})
    assert found == {first: replaced, second: "two\n"}


def contents_of(recorded: Recorded, files: dict[str, str], sizes: dict[str, int] | None = None) -> dict[str, str]:
    """What is read of files out of what `head --verbose` prints of them."""
    text = recorded("facts-bare")
    shown = "\n".join(f"==> {path} <==\n{content}" for path, content in files.items())
    sections = "".join(
        f"@{NONCE} file {path} 0644 root root 1 {(sizes or {}).get(path, len(content))}\n\n"
        for path, content in files.items()
    )
    sections += f"@{NONCE} contents\n{base64.b64encode(shown.encode()).decode()}\n\n"
    facts = parse_facts(text.replace(f"@{NONCE} run_folder\n", f"{sections}@{NONCE} run_folder\n"), NONCE)
    return {path: file.content.decode() for path, file in facts.files.items()}
