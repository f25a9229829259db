"""What `facts.sh` printed on real hosts, read back."""

import re
from collections.abc import Callable
from ipaddress import IPv4Interface

import pytest

from nornir_kube_ha.config import HAPROXY_CFG, MANAGED_PATHS
from nornir_kube_ha.facts import NOT_PROBED, Facts, Listener, Package, Probe, Server, Unit, VRRPInstance, parse_facts
from nornir_kube_ha.plan import PACKAGES

NONCE = "0123456789abcdef"
VIP = IPv4Interface("192.0.2.10/24")
RECORDS = ["facts-master", "facts-backup", "facts-bare", "facts-haproxy-refused"]

Recorded = Callable[[str], str]
FactsFrom = Callable[[str], Facts]


def replace_section(text: str, name: str, body: str) -> str:
    """A record with another body in one section."""
    changed, count = re.subn(
        rf"(?<=\n@{NONCE} {re.escape(name)}\n).*?(?=\n@{NONCE} )", lambda _: body, text, count=1, flags=re.DOTALL
    )
    assert count == 1
    return changed


def test_host_that_holds_the_vip(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-master")
    assert (facts.os, facts.is_root, facts.package_manager) == ("Debian GNU/Linux 12 (bookworm)", True, "apt-get")
    assert facts.packages == {
        "curl": Package("7.88.1-10+deb12u15"),
        "haproxy": Package("2.6.12-1+deb12u4"),
        "iputils-ping": Package("3:20221126-1+deb12u1"),
        "keepalived": Package("1:2.2.7-1+b2"),
        "socat": Package("1.7.4.4-2"),
    }
    assert set(facts.files) == set(MANAGED_PATHS)
    assert facts.files[HAPROXY_CFG].attributes == "0640 root:haproxy"
    assert facts.files[HAPROXY_CFG].content.startswith(b"# Written by nornir-kube-ha for cluster demo.")
    assert facts.units == {
        "haproxy": Unit("haproxy", True, "active", "running", True),  # noqa: FBT003
        "keepalived": Unit("keepalived", True, "active", "running", True),  # noqa: FBT003
    }
    assert facts.has_run_folder
    assert facts.pending == ()
    assert ("eth0", VIP) in facts.addresses
    assert facts.holds(VIP)
    assert facts.servers == tuple(Server(f"lb-{number}", "UP", "L7OK") for number in (1, 2, 3))
    assert facts.vrrp == (VRRPInstance("VI-kube-master", "MASTER", 120),)
    assert facts.vip_answers_ping
    assert (facts.readyz, facts.stats_open, facts.stats_login) == (Probe(200, ""), Probe(401, ""), Probe(200, ""))
    assert facts.serves


def test_host_that_does_not_hold_the_vip(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-backup")
    assert facts.vrrp == (VRRPInstance("VI-kube-master", "BACKUP", 110),)
    assert not facts.holds(VIP)


def test_host_without_anything(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-bare")
    assert facts.packages == {
        "curl": Package(None, "7.88.1-10+deb12u15"),
        "haproxy": Package(None, "2.6.12-1+deb12u4"),
        "iputils-ping": Package(None, "3:20221126-1+deb12u1"),
        "keepalived": Package(None, "1:2.2.7-1+b2"),
        "socat": Package(None, "1.7.4.4-2"),
    }
    assert facts.packages["keepalived"].upstream == (2, 2, 7)  # what would come, so that a dry run renders for it
    assert facts.files == {}
    assert [(unit.exists, unit.is_active, unit.enabled) for unit in facts.units.values()] == [(False, False, False)] * 2
    assert str(facts.units["haproxy"]) == "not installed"
    assert (facts.servers, facts.vrrp, facts.vip_answers_ping, facts.serves) == (None, None, False, False)
    assert (facts.readyz, facts.stats_open, facts.stats_login) == (NOT_PROBED,) * 3  # no curl yet


def test_host_whose_haproxy_refuses_its_file(facts_from: FactsFrom) -> None:
    facts = facts_from("facts-haproxy-refused")
    haproxy = facts.units["haproxy"]
    assert (str(haproxy), haproxy.is_active, haproxy.enabled) == ("activating (auto-restart)", False, True)
    assert "unknown keyword 'nonsense' in 'defaults' section" in "\n".join(haproxy.journal)
    assert len(haproxy.journal) == 15
    assert facts.pending == ("haproxy",)
    assert facts.servers is None
    assert facts.readyz == Probe(
        0, "curl: (7) Failed to connect to 192.0.2.10 port 8443 after 0 ms: Couldn't connect to server"
    )
    assert facts.files[HAPROXY_CFG].attributes == "0644 root:root"  # the package's own


def test_listeners_of_both_families(facts_from: FactsFrom) -> None:
    assert facts_from("facts-master").listeners == (
        Listener("0.0.0.0", 8443, "haproxy"),  # noqa: S104 - seen
        Listener("0.0.0.0", 10080, "haproxy"),  # noqa: S104 - seen
        Listener("0.0.0.0", 6443, "python3"),  # noqa: S104 - seen
        Listener("0.0.0.0", 22, "sshd"),  # noqa: S104 - seen
        Listener("[::]", 6443, "python3"),
        Listener("[::]", 22, "sshd"),
    )


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


@pytest.mark.parametrize("version", ["2.2.9", "3.0.11"])
def test_statistics_of_other_releases(recorded: Recorded, version: str) -> None:
    text = replace_section(recorded("facts-master"), "haproxy", recorded(f"show-stat-{version}"))
    servers = parse_facts(text, NONCE).servers or ()
    assert [(server.name, server.status, server.is_up) for server in servers] == [
        ("lb-1", "DOWN", False),
        ("lb-2", "DOWN", False),
        ("lb-3", "DOWN", False),
    ]
    assert servers[0].check == "L7STS Service Unavailable"
    assert servers[2].check == "L6RSP SSL handshake failure"


@pytest.mark.parametrize(
    ("status", "is_up"),
    [
        ("UP", True),
        ("UP 1/2", True),  # the first failed check of two: connections still go there
        ("DOWN", False),
        ("DOWN 1/2", False),
        ("MAINT", False),
        ("DRAIN", False),
        ("NOLB", False),
        ("no check", False),
    ],
)
def test_status_of_a_server(status: str, *, is_up: bool) -> None:
    assert Server("lb-1", status, "").is_up is is_up


def test_text_of_a_login_shell_is_no_fact(recorded: Recorded, facts_from: FactsFrom) -> None:
    noise = "Welcome!\n@ is a sign\nPRETTY_NAME=noise\nstatus 500\n"
    assert parse_facts(f"{noise}{recorded('facts-master')}{noise}", NONCE) == facts_from("facts-master")


def test_lines_may_end_as_a_terminals_do(recorded: Recorded, facts_from: FactsFrom) -> None:
    text = recorded("facts-master").replace("\n", "\r\n")
    assert parse_facts(text, NONCE) == facts_from("facts-master")


def test_section_lines_of_somebody_else_are_no_sections(recorded: Recorded) -> None:
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
def test_output_with_a_line_spoiled_is_an_error_or_facts(recorded: Recorded, record: str) -> None:
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
        ("units", "Id=haproxy.service"),
        ("units", "no property"),
        ("listeners", "LISTEN 0 4096"),
        ("listeners", "LISTEN 0 4096 0.0.0.0:http 0.0.0.0:*"),
        ("haproxy", "# pxname,svname\nkube-apiserver,lb-1"),
        ("haproxy", "Permission denied\n# pxname,svname,status\nkube-apiserver,lb-1,UP"),
        ("readyz", ""),
        ("stats_open", "curl: (28) timed out\nstatus"),
        ("file /etc/haproxy/haproxy.cfg 0640 root haproxy", "not base64 at all!!!"),
    ],
)
def test_answer_that_cannot_be_is_an_error(recorded: Recorded, name: str, body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_facts(replace_section(recorded("facts-master"), name, body), NONCE)


@pytest.mark.parametrize(
    "body",
    [
        "[{}]",
        '[{"data":{"iname":"a","state":97,"effective_priority":1}}]',  # a state that only keepalived itself knows
        '[{"data":{"iname":"a","state":2,',
        "17",
    ],
)
def test_keepalived_that_says_nothing_we_understand_has_not_answered(recorded: Recorded, body: str) -> None:
    assert parse_facts(replace_section(recorded("facts-master"), "keepalived", body), NONCE).vrrp is None


def test_server_that_no_check_has_seen_is_not_up() -> None:
    assert [Server("a", "UP 1/2", check).is_up for check in ("INI Initializing", "* INI", "L7OK")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("section", ["os", "user", "packages", "units", "addresses", "haproxy", "ping"])
def test_section_that_is_missing_is_named(recorded: Recorded, section: str) -> None:
    text = recorded("facts-master").replace(f"\n@{NONCE} {section}\n", f"\n@{NONCE} nothing\n")
    with pytest.raises(ValueError, match=section):
        parse_facts(text, NONCE)


@pytest.mark.parametrize(
    ("name", "installed", "policy", "package"),
    [
        ("psmisc", "psmisc 23.6-1 installed", "", Package("23.6-1")),
        ("psmisc", "psmisc 23.6-1 config-files", "", None),  # removed, its settings kept
        ("psmisc", "psmisc 23.6-1 half-configured", "", None),
        (
            "psmisc",
            "",
            "psmisc:\n  Installed: (none)\n  Candidate: 23.6-1\n  Version table:\n     23.6-1 500",
            Package(None, "23.6-1"),
        ),
        ("psmisc", "", "psmisc:\n  Installed: (none)\n  Candidate: (none)\n  Version table:", Package(None)),
        (
            "psmisc",
            "psmisc 23.6-1 config-files",
            "psmisc:\n  Installed: (none)\n  Candidate: 23.6-2\n  Version table:",
            Package(None, "23.6-2"),
        ),
    ],
)
def test_package(recorded: Recorded, name: str, installed: str, policy: str, package: Package | None) -> None:
    text = replace_section(recorded("facts-master"), "packages", installed)
    text = replace_section(text, "candidates", policy)
    assert parse_facts(text, NONCE).packages.get(name) == package


def test_every_package_that_is_asked_for_was_recorded(facts_from: FactsFrom) -> None:
    assert set(facts_from("facts-bare").packages) == set(PACKAGES)


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("enabled", True),
        ("disabled", False),
        ("masked", False),
        ("static", False),
        ("enabled-runtime", False),
        ("", False),
    ],
)
def test_unit_that_starts_at_boot(recorded: Recorded, state: str, *, enabled: bool) -> None:
    text = recorded("facts-master").replace("UnitFileState=enabled", f"UnitFileState={state}", 1)
    assert parse_facts(text, NONCE).units["haproxy"].enabled is enabled


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


def test_contents_are_in_no_repr(facts_from: FactsFrom) -> None:
    assert "only-for-the-lab" not in repr(facts_from("facts-master"))
