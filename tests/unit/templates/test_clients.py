"""The program that tells clients of a VIP that it has moved: what it reads, whom it sends to, what it sends."""

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from nornir_kube_ha.intent.names import CLIENTS_TABLE, FORWARDS_FILE, KEEPS_FILE
from nornir_kube_ha.templates import clients
from nornir_kube_ha.templates.clients import Connection

VIPS = ("192.0.2.10", "2001:db8::10")
ONE = Connection("198.51.100.7", 40000, "192.0.2.10")
SIX = Connection("2001:db8:1::7", 40001, "2001:db8::10")


def test_program_has_the_same_names_as_those_who_configure_it() -> None:
    assert (clients.TABLE, clients.FORWARDS, clients.KEEPS) == (CLIENTS_TABLE, FORWARDS_FILE, KEEPS_FILE)


def table(*rows: str) -> str:
    head = "# table: kube-apiserver-clients, type: string, size:102400, used:2"
    return "\n".join([head, *(f"0x55c64aec7c50: {row}" for row in rows), "", ""])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(("198.51.100.7", "40000", "192.0.2.10"), ONE, id="IPv4"),
        pytest.param(("2001:DB8:1:0::7", "40001", "2001:db8:0::10"), SIX, id="IPv6"),
        pytest.param(("::ffff:198.51.100.7", "40000", "::ffff:192.0.2.10"), ONE, id="IPv4 on a socket of IPv6"),
        pytest.param(("198.51.100.7", "40000", "192.0.2.11"), None, id="another VIP"),
        pytest.param(("198.51.100.7", "40000", ""), None, id="no VIP"),
        pytest.param(("198.51.100.7", "40000", "2001:db8::10"), None, id="two families"),
        pytest.param(("192.0.2.10", "40000", "192.0.2.10"), None, id="from the VIP itself"),
        pytest.param(("198.51.100.7", "0", "192.0.2.10"), None, id="port 0"),
        pytest.param(("198.51.100.7", "65536", "192.0.2.10"), None, id="no port"),
        pytest.param(("198.51.100.7", "-1", "192.0.2.10"), None, id="negative port"),
        pytest.param(("198.51.100.7", "\u0664", "192.0.2.10"), None, id="another alphabet's digit"),
        pytest.param(("198.51.100", "40000", "192.0.2.10"), None, id="no address"),
        pytest.param(("fe80::1%eth0", "40000", "2001:db8::10"), None, id="with a zone"),
        pytest.param(("224.0.0.18", "40000", "192.0.2.10"), None, id="a group of IPv4"),
        pytest.param(("255.255.255.255", "40000", "192.0.2.10"), None, id="everybody"),
        pytest.param(("127.0.0.1", "40000", "192.0.2.10"), None, id="loopback"),
        pytest.param(("0.0.0.0", "40000", "192.0.2.10"), None, id="no machine"),  # noqa: S104
        pytest.param(("ff02::1", "40000", "2001:db8::10"), None, id="a group of IPv6"),
        pytest.param(("::1", "40000", "2001:db8::10"), None, id="loopback of IPv6"),
        pytest.param(("::", "40000", "2001:db8::10"), None, id="no machine of IPv6"),
    ],
)
def test_connection_is_one_of_a_machine_to_a_vip(words: tuple[str, str, str], found: Connection | None) -> None:
    assert clients.connection_of(*words, VIPS) == found


def test_lasting_connections_are_listed_first_then_the_latest() -> None:
    text = table(
        "key=198.51.100.1-1-192.0.2.10 use=0 exp=10000 gpc0=0",
        "key=198.51.100.2-2-192.0.2.10 use=0 exp=50000 gpc0=0",
        "key=198.51.100.3-3-192.0.2.10 use=0 exp=20000 gpc0=1",
        "key=198.51.100.4-4-192.0.2.99 use=0 exp=20000 gpc0=1",
        "key=forged use=0 exp=20000 gpc0=1",
        "key=::ffff:198.51.100.3-3-::ffff:192.0.2.10 use=0 exp=10000 gpc0=0",  # the same in haproxy's own form
        "key=198.51.100.5-5-192.0.2.10-6 use=0 exp=20000 gpc0=1",
        "key=198.51.100.6-6-192.0.2.10 use=0 exp=never",
        "no key at all",
    )
    assert [found.port for found in clients.remembered(text, VIPS)] == [3, 2, 1, 6]


def test_table_that_is_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST", 2)
    rows = (f"key=198.51.100.1-{port}-192.0.2.10 exp={port}" for port in range(1, 10))
    assert [found.port for found in clients.remembered(table(*rows), VIPS)] == [9, 8]


@pytest.mark.parametrize("connection", [ONE, SIX])
def test_segment_is_a_bare_syn_ack_with_a_right_checksum(connection: Connection) -> None:
    data = clients.segment(connection, 8443)
    source, destination, sequence, acknowledged, offset, flags, _, _, urgent = struct.unpack("!HHIIBBHHH", data)
    assert (source, destination, sequence, acknowledged) == (8443, connection.port, 0, 0)
    assert (offset, flags, urgent) == (5 << 4, 0x12, 0)
    family = socket.AF_INET6 if ":" in connection.vip else socket.AF_INET
    summed = b"".join(socket.inet_pton(family, address) for address in (connection.vip, connection.client))
    words = struct.unpack(f"!{(len(summed) + 28) // 2}H", summed + struct.pack("!II", 20, 6) + data)
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) in {0xFFFF, 0x1FFFE}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Programs of the host that only seem to be there."""

    def write(name: str, body: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return write


def test_connections_of_the_kernel_are_those_to_its_vips(programs: Callable[[str, str], None]) -> None:
    lines = (
        "0 0 192.0.2.10:8443 198.51.100.7:40000",
        "0 0 [::ffff:192.0.2.10]:8443 [::ffff:198.51.100.8]:40002",
        "0 0 [2001:db8::10]:8443 [2001:db8:1::7]:40001",
        "0 0 192.0.2.11:8443 198.51.100.7:40003",
        "0 0 [fe80::1]%eth0:8443 [fe80::2]%eth0:40004",
        "odd",
    )
    programs("ss", "printf '%s\\n' " + " ".join(f"'{line}'" for line in lines))
    assert [found.port for found in clients.connected(8443, VIPS)] == [40000, 40002, 40001]
    assert [found.port for found in clients.connected(8443)] == [40000, 40002, 40001, 40003]


def test_connections_are_remembered_in_haproxys_own_form_where_the_address_is_here(
    programs: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        "0 0 192.0.2.10:8443 198.51.100.7:40000",
        "0 0 [::ffff:192.0.2.10]:8443 [::ffff:198.51.100.8]:40002",
        "0 0 192.0.2.99:8443 198.51.100.9:40003",
    )
    programs("ss", "printf '%s\\n' " + " ".join(f"'{line}'" for line in lines))
    asked: list[str] = []
    monkeypatch.setattr(clients, "ask", lambda _path, command: asked.append(command))
    looked: list[str] = []

    def has(address: str) -> bool:
        looked.append(address)
        return address == "192.0.2.10"

    monkeypatch.setattr(clients, "has", has)
    clients.remember("/none", 8443)
    table = "set table kube-apiserver-clients key"
    keys = ("198.51.100.7-40000-192.0.2.10", "::ffff:198.51.100.8-40002-::ffff:192.0.2.10")
    assert asked == [";".join(f"{table} {key} data.gpc0 1" for key in keys)]
    assert looked == ["192.0.2.10", "192.0.2.99"]  # once each


@pytest.mark.parametrize(
    ("state", "call"), [("MASTER", "take"), ("BACKUP", "leave"), ("FAULT", "leave"), ("STOP", ""), ("DELETED", "")]
)
def test_state_decides_who_is_notified(monkeypatch: pytest.MonkeyPatch, state: str, call: str) -> None:
    calls: list[str] = []
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(clients, "take", lambda *words: calls.append(f"take {words}"))
    monkeypatch.setattr(clients, "leave", lambda *words: calls.append(f"leave {words}"))
    clients.main("notify", "/socket", 8443, [*VIPS, "INSTANCE", "VI-kube-master", state, "180"])
    words = {"take": ("/socket", 8443, [*VIPS]), "leave": (8443, [*VIPS])}
    assert calls == ([f"{call} {words[call]}"] if call else [])


def test_no_client_is_notified_during_a_planned_move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("forwards-", "keeps-"):
        (tmp_path / f"{name}{VIPS[0]}").touch()
        monkeypatch.setattr(clients, name.strip("-").upper(), str(tmp_path / name))
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(clients, "take", lambda *_: pytest.fail("told"))
    monkeypatch.setattr(clients, "has", lambda _address: False)
    monkeypatch.setattr(clients, "connected", lambda *_: pytest.fail("asked"))
    for state in ("MASTER", "BACKUP"):
        clients.main("notify", "/socket", 8443, [*VIPS, "INSTANCE", "VI-kube-master", state, "180"])


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param(
            "# table: kube-apiserver-clients, type: string, size:102400, used:11\n\n"
            "0x1: [30/Nov/2026:12:54:55] id=kube-ha disabled=0 flags=0x6811\n"
            "  0x2: id=lb-3(remote,active) addr=192.0.2.13:8444 last_status=ESTA last_hdshk=8s\n"
            "  0x3: id=lb-2(remote,inactive) addr=192.0.2.12:8444 last_status=ESTA last_hdshk=<NEVER>\n"
            "  0x4: id=lb-1(local,inactive) addr=0.0.0.0:8444 last_status=NONE last_hdshk=<NEVER>\n",
            ["known 11", "peer lb-3 ESTA", "peer lb-2 ESTA"],
            id="2.6",
        ),
        pytest.param(
            "# table: kube-apiserver-clients, used:2\n  0x2: id=lb-3(remote) addr=192.0.2.13:8444 last_status=ESTA\n",
            ["known 2", "peer lb-3 ESTA"],
            id="without a state",
        ),
        pytest.param(
            "# table: other, type: ip, size:102400, used:11\n", ["problem haproxy has no table kube-apiserver-clients"]
        ),
        pytest.param("", ["problem haproxy has no table kube-apiserver-clients"], id="nothing"),
    ],
)
def test_what_haproxy_says_of_its_table_and_its_peers(text: str, seen: list[str]) -> None:
    assert list(clients.seen_in(text)) == seen


def test_haproxy_that_does_not_answer_is_a_problem(tmp_path: Path, programs: Callable[[str, str], None]) -> None:
    programs("ss", "exit 1")
    problems = list(clients.check(str(tmp_path / "none"), 8443, VIPS[:1]))
    assert problems[0].startswith("problem haproxy does not answer on ")
    assert problems[1].startswith("problem ss does not list connections: ")
