"""What a haproxy.cfg says, however it is written."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from nornir.core import Nornir
from tests.support.passwords import ASKED, keeping, passwords

from nornir_kube_ha.daemons import parse_haproxy_cfg
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.firewall import openings_of
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.generated_password import with_kept_passwords
from nornir_kube_ha.planning.put_back import intent_of


def words_of(line: str) -> tuple[str, ...]:
    [section] = parse_haproxy_cfg(f"global\n{line}\n".encode()).sections
    return section.lines[1].words


# configuration.txt, 2.2: quoting and escaping.
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("log /dev/log local0 # local1", ("log", "/dev/log", "local0")),
        ("\tlog\t/dev/log \r", ("log", "/dev/log")),
        (r'x "a b"\ c \# \"d', ("x", "a b c", "#", '"d')),
        (r"""x "it\"s '$"'\no #'""", ("x", r"""it"s '$\no #""")),
        (r"x a\b 'a\b' '' end", ("x", r"a\b", r"a\b", "", "end")),
        ("x 'not closed", ("x", "'not", "closed")),
    ],
)
def test_words_are_haproxys(line: str, words: tuple[str, ...]) -> None:
    assert words_of(line) == words


def test_sections_know_their_lines() -> None:
    text = "# ours\nglobal # x\n\n    daemon\nfrontend web\n    bind :80\n    timeout client 5s\n"
    first, second = parse_haproxy_cfg(text.encode()).sections
    assert [line.number for line in first.lines] == [2, 4]
    assert [line.number for line in second.lines] == [5, 6, 7]
    assert [*second.arguments("timeout", "client")] == [("5s",)]


def test_password_is_in_no_repr() -> None:
    cfg = parse_haproxy_cfg(b"listen s\n stats auth admin:not-to-be-seen\n")
    assert "not-to-be-seen" not in f"{cfg!r} {[*cfg.logins]}"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("stats auth admin:kept-on-this-host # ours", "kept-on-this-host"),
        ("stats auth admin:'kept-on-this-host'", "kept-on-this-host"),
        (r"stats auth admin:kept\#on-this-host", "kept#on-this-host"),
        ("'stats' auth 'admin:kept\"on-this-host'", 'kept"on-this-host'),
        ("stats auth 'admin:kept:on-this-host'", "kept:on-this-host"),
    ],
)
def test_password_that_the_host_keeps_is_found(
    nornir_of: Callable[..., Nornir], facts_from: Callable[[str], Facts], line: str, kept: str
) -> None:
    seen = {"lb-1": keeping(facts_from("facts-bare"), line)}
    assert {*passwords(with_kept_passwords(load_intent(nornir_of(defaults=ASKED)), seen)).values()} == {kept}


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        ("bind 0.0.0.0:9443", {9443}),
        ('bind\t":9443" ssl # :80', {9443}),
        ("bind 192.0.2.10:6443,192.0.2.11:7443", {6443, 7443}),
        ("bind :::9443 v4v6", {9443}),
        ("bind ipv6@[::]:9443", {9443}),
        ("bind *:9443-9445", {9443, 9444, 9445}),
        ("bind :0-99999", {*range(1, 100)}),
        ("bind 127.0.0.1:9443\n bind [::1]:9444\n bind localhost:80", set()),
        ("bind unix@/run/x.sock:1\n bind /run/x:2\n bind abns@x:3\n bind quic4@:443\n dgram-bind :514", set()),
        ("# bind :9443", set()),
        ("bind", set()),
    ],
)
def test_ports_of_clients(lines: str, ports: set[int]) -> None:
    assert {*parse_haproxy_cfg(f"listen x\n {lines}\n".encode()).ports} == ports


@pytest.mark.parametrize(
    "text",
    [
        "peers p\n    bind :1024\n    server lb-1\n    server lb-2 192.0.2.12:1025\n",
        "  peers p # indented\n\tpeer lb-1 192.0.2.11:1024\n\tpeer lb-2 192.0.2.12:1024\n",
        "peers p\n    # bind :1025\n    bind 192.0.2.11:1024 ssl\n",
    ],
)
def test_port_of_the_peers_tables_is_no_clients_port(intent: Intent, text: str) -> None:
    cfg = parse_haproxy_cfg(text.encode())
    assert (cfg.peers_ports, cfg.ports) == ((1024,), ())
    found = openings_of([ConfigFile(HAPROXY_CFG, text)], intent.clusters[0], intent.node("lb-1"))
    assert {each.what for each in found if each.packet.port} == {
        f"port 1024 from {peer}'s haproxy" for peer in ("lb-2", "lb-3")
    }


@pytest.mark.parametrize(
    ("line", "socket"),
    [
        ('stats socket "/run/other.sock" mode 660', "/run/other.sock"),
        ("stats socket unix@/run/other.sock", "/run/other.sock"),
        ("stats socket ipv4@127.0.0.1:9999 level admin\n stats\tsocket /run/other.sock#", "/run/other.sock"),
        ("# stats socket /run/other.sock", ""),
    ],
)
def test_admin_socket_of_kept_files(intent: Intent, line: str, socket: str) -> None:
    kept = intent_of(intent, {"lb-1": (ConfigFile(HAPROXY_CFG, f"global\n {line}\n"),)})
    assert {node.haproxy.socket for node in kept.nodes} == {socket or intent.nodes[0].haproxy.socket}


def test_live_files_are_those_of_the_host(healthy: Mapping[str, Facts]) -> None:
    assert healthy["lb-1"].haproxy_cfg.ports == (10080, 8443)
    assert healthy["lb-1"].keepalived_conf.virtual_router_ids == {"68"}
    bare = replace(healthy["lb-1"], files={})
    assert (bare.haproxy_cfg.sections, bare.keepalived_conf.statements) == ((), ())
