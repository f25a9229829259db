"""Every value of the guide can be asked for, and what is asked for stands in the files."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from nornir.core import Nornir

from nornir_kube_ha.facts import Facts, Package
from nornir_kube_ha.intent import CHECK_SCRIPT
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import (
    CHECK_APISERVERS,
    HAPROXY_CFG,
    HAPROXY_DROP_IN,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    MANAGED_PATHS,
    VIP_RELEASED_FILE,
    VIP_WANTED_FILE,
)
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]

HAPROXY: dict[str, Any] = {
    "port": 8443,
    "bind": "0.0.0.0",  # noqa: S104 - the guide's
    "balance": "source",
    "check": "tcp",
    "inter": 2000,
    "fastinter": 2000,
    "shutdown_sessions": False,
    "fall": 2,
    "rise": 2,
    "log": ["/dev/log local0", "/dev/log local1 notice"],
    "chroot": "/var/lib/haproxy",
    "socket": "/var/run/haproxy-admin.sock",
    "socket_mode": "660",
    "socket_level": "admin",
    "stats_timeout": "30s",
    "user": "haproxy",
    "group": "haproxy",
    "daemon": True,
    "nbproc": 1,
    "metrics": False,
    "timeouts": {"connect": 5000, "client": "10m", "server": "10m"},
    "stats": {
        "bind": "0.0.0.0",  # noqa: S104 - the guide's
        "port": 10080,
        "uri": "/status",
        "refresh": "30s",
        "realm": "welcome login Haproxy",
        "user": "admin",
        "password": "only-for-the-lab",  # the guide's own, 123456, is refused
        "hide_version": True,
        "admin": True,
        "log": "127.0.0.1 local0 err",
    },
}
KEEPALIVED: dict[str, Any] = {
    "dont_track_primary": True,
    "advert_int": 3,
    "unicast": False,
    "preempt": True,
    "events": False,
    "tickle": False,
    "yield_when_blind": False,
    "check": {"script": "killall -0 haproxy", "interval": 5, "weight": -30},
}
GROUP: dict[str, Any] = {
    "vip": "172.27.129.253/24",
    "virtual_router_id": 68,
    "interface": "eth0",
    "haproxy": HAPROXY,
    "keepalived": KEEPALIVED,
    "apiservers": [{"address": f"172.27.129.{number}", "port": 6443, "weight": 1} for number in (105, 111, 112)],
}
HOSTS: dict[str, Any] = {
    "lb-1": {"address": "172.27.129.105", "keepalived": {"router_id": "lb-master-105", "priority": 120}},
    "lb-2": {"address": "172.27.129.111", "keepalived": {"router_id": "lb-backup-111", "priority": 110}},
    "lb-3": {"address": "172.27.129.112", "keepalived": {"router_id": "lb-backup-112", "priority": 110}},
}


@pytest.fixture(scope="module")
def guide(nornir_of: NornirOf) -> Nornir:
    """An inventory that asks for the guide's values."""
    return nornir_of(HOSTS, group=GROUP, defaults={}, without=["apiserver_ca"])


def section(text: str, head: str) -> list[str]:
    """The lines of a section, without their indentation: up to the first line that is not indented."""
    lines = text.splitlines()
    start = lines.index(head) + 1
    return [line.strip() for line in lines[start : next(n for n in range(start, len(lines)) if lines[n][:1] != " ")]]


@pytest.fixture(scope="module")
def haproxy_cfg(guide: Nornir, render: Render) -> str:
    """The guide's haproxy.cfg as we write it, with a blank line at its end."""
    return render(guide, haproxy="2.2.9")["lb-1"][HAPROXY_CFG].content + "\n"


def test_global(haproxy_cfg: str) -> None:
    assert section(haproxy_cfg, "global") == [
        "log /dev/log local0",
        "log /dev/log local1 notice",
        "chroot /var/lib/haproxy",
        "stats socket /var/run/haproxy-admin.sock mode 660 level admin",
        "stats maxconn 100",  # not the guide's: a few exporters use up haproxy's own 10
        "stats timeout 30s",
        "user haproxy",
        "group haproxy",
        "daemon",
        "nbproc 1",
        "hard-stop-after 30m",
    ]


def test_defaults(haproxy_cfg: str) -> None:
    assert section(haproxy_cfg, "defaults") == [
        "log global",
        "timeout connect 5000",
        "timeout client 10m",
        "timeout server 10m",
        "timeout check 700ms",  # ours: the guide has none
    ]


def test_stats_page(haproxy_cfg: str) -> None:
    assert section(haproxy_cfg, "listen admin_stats") == [
        "bind 0.0.0.0:10080",
        "mode http",
        "log 127.0.0.1 local0 err",
        "stats enable",
        "stats refresh 30s",
        "stats uri /status",
        'stats realm "welcome login Haproxy"',
        "stats auth 'admin:only-for-the-lab'",
        "stats hide-version",
        "stats admin if TRUE",
    ]


def test_apiserver_listener(haproxy_cfg: str) -> None:
    assert [line for line in section(haproxy_cfg, "listen kube-apiserver") if not line.startswith("#")] == [
        "bind 0.0.0.0:8443",
        "mode tcp",
        "option tcplog",
        "balance source",
        "retries 3",
        "option redispatch 1",
        "default-server check inter 2000 fastinter 2000 fall 2 rise 2",
        "server 172.27.129.105 172.27.129.105:6443 weight 1",
        "server 172.27.129.111 172.27.129.111:6443 weight 1",
        "server 172.27.129.112 172.27.129.112:6443 weight 1",
    ]


@pytest.mark.parametrize(
    ("version", "written"), [("2.2.9", True), ("2.4.22", True), ("2.5.0", False), ("2.6.12", False), ("3.0.11", False)]
)
def test_nbproc_only_where_haproxy_knows_it(guide: Nornir, render: Render, version: str, *, written: bool) -> None:
    assert ("nbproc 1" in render(guide, haproxy=version)["lb-1"][HAPROXY_CFG].content) is written


def test_nbproc_only_where_asked(nornir_of: NornirOf, render: Render) -> None:
    assert "nbproc" not in render(nornir_of(), haproxy="2.2.9")["lb-1"][HAPROXY_CFG].content


@pytest.mark.parametrize(
    ("host", "role"),
    [
        ("lb-1", ("MASTER", 120, "lb-master-105", "172.27.129.105")),
        ("lb-2", ("BACKUP", 110, "lb-backup-111", "172.27.129.111")),
    ],
)
def test_keepalived(guide: Nornir, render: Render, host: str, role: tuple[str, int, str, str]) -> None:
    state, priority, router_id, address = role
    text = render(guide, keepalived="2.1.5")[host][KEEPALIVED_CONF].content
    assert section(text, "global_defs {")[0] == f"router_id {router_id}"
    assert section(text, "vrrp_script check-haproxy {") == [
        'script "killall -0 haproxy"',
        "interval 5",
        "timeout 1",
        "fall 1",
        "rise 2",
        "weight -30",
    ]
    assert [line for line in section(text, "vrrp_instance VI-kube-master {") if not line.startswith("#")] == [
        f"state {state}",
        f"priority {priority}",
        "dont_track_primary",
        "interface eth0",
        "virtual_router_id 68",
        "advert_int 3",
        "garp_master_refresh 60",
        "higher_prio_send_advert",
        f"mcast_src_ip {address}",  # ours: without it keepalived takes the interface's first address
        "track_script {",
        "check-haproxy",
        "}",
        "virtual_ipaddress {",
        "172.27.129.253/32",  # the guide's /24 lets the holder's own connections start from the VIP
        "}",
    ]


def test_without_events_no_unit_is_changed(guide: Nornir, render: Render) -> None:
    assert set(render(guide)["lb-1"]) == {HAPROXY_CFG, KEEPALIVED_CONF, CHECK_SCRIPT}


@pytest.mark.parametrize(("yields", "closes"), [(True, True), (True, False), (False, True), (False, False)])
def test_apiservers_are_watched_where_anything_depends_on_it(
    nornir_of: NornirOf, render: Render, *, yields: bool, closes: bool
) -> None:
    group = {"keepalived": {"yield_when_blind": yields}, "haproxy": {"shutdown_sessions": closes}}
    files = render(nornir_of(group=group))["lb-1"]
    text = files[KEEPALIVED_CONF].content
    watched = yields or closes
    assert (CHECK_APISERVERS in files) is watched
    assert (f'script "{CHECK_APISERVERS}"' in text) is watched
    assert ("        check-haproxy\n        check-apiservers\n" in text) is watched
    if watched:
        assert files[CHECK_APISERVERS].mode == "0755"
        assert section(text, "vrrp_script check-apiservers {")[1:] == [
            "interval 1",
            "timeout 2",
            "fall 4",
            "rise 2",
            "weight 0",
        ]


OLDER, NEWER = "2.2.3", "2.2.4"


@pytest.mark.parametrize(
    ("settings", "older", "newer"),
    [
        ({}, ["advert_int 0.1"], ["advert_int 0.05", "down_timer_adverts 16"]),
        ({"timers": "fast"}, ["advert_int 0.1"], ["advert_int 0.02", "down_timer_adverts 16"]),
        ({"advert_int": 0.2}, ["advert_int 1.07"], ["advert_int 0.2", "down_timer_adverts 16"]),
        ({"advert_int": 1}, ["advert_int 1"], ["advert_int 1", "down_timer_adverts 3"]),
        (  # whole seconds, and at least one
            {"advert_int": 1, "down_timer_adverts": 8, "vrrp_version": 2},
            ["advert_int 3"],
            ["advert_int 1", "down_timer_adverts 8"],
        ),
        (
            {"advert_int": 1, "down_timer_adverts": 1, "vrrp_version": 2},
            ["advert_int 1"],
            ["advert_int 1", "down_timer_adverts 1"],
        ),
        (
            {"advert_int": 0.01, "down_timer_adverts": 1},
            ["advert_int 0.01"],
            ["advert_int 0.01", "down_timer_adverts 1"],
        ),
        ({"advert_int": 40, "down_timer_adverts": 9}, ["advert_int 40"], ["advert_int 40", "down_timer_adverts 9"]),
        ({"advert_int": 0.1, "down_timer_adverts": 8}, ["advert_int 0.1"], ["advert_int 0.1", "down_timer_adverts 8"]),
    ],
)
def test_an_older_keepalived_waits_as_long_with_fewer_adverts_or_hands_over_in_time(
    nornir_of: NornirOf, render: Render, settings: dict[str, Any], older: list[str], newer: list[str]
) -> None:
    for version, lines in ((OLDER, older), (NEWER, newer)):
        text = render(nornir_of(group={"keepalived": settings}), keepalived=version)["lb-1"][KEEPALIVED_CONF].content
        written = [line.strip() for line in text.splitlines()]
        assert [line for line in written if line.startswith(("advert_int", "down_timer_adverts"))] == lines


def test_files_of_a_host_without_its_packages_are_for_the_versions_that_are_pinned(
    nornir_of: NornirOf, facts_from: Callable[[str], Facts]
) -> None:
    nornir = nornir_of(group={"packages": {"keepalived": f"1:{OLDER}-1"}})
    bare = replace(facts_from("facts-bare"), packages={"keepalived": Package(None, f"1:{NEWER}-1")})
    results = nornir.run(render_config, intent=load_intent(nornir), facts=dict.fromkeys(nornir.inventory.hosts, bare))
    files = {file.path: file for file in results["lb-1"][0].result}
    assert "down_timer_adverts" not in files[KEEPALIVED_CONF].content


@pytest.mark.parametrize("path", [HAPROXY_DROP_IN, KEEPALIVED_DROP_IN])
def test_unit_that_ends_again_and_again_is_started_again_and_again(
    nornir_of: NornirOf, render: Render, path: str
) -> None:
    text = render(nornir_of())["lb-1"][path].content
    head, _, service = text.partition("[Service]\n")
    assert "\n[Unit]\n" in head
    assert "\nStartLimitIntervalSec=0\n" in head
    assert "ExecStopPost=-" in service


def test_planned_moves_use_two_files(nornir_of: NornirOf, render: Render) -> None:
    text = render(nornir_of())["lb-1"][KEEPALIVED_CONF].content + "\n"
    assert section(text, "track_file vip_released {") == [f'file "{VIP_RELEASED_FILE}"', "weight 0", "init_file 0"]
    assert section(text, "track_file vip_wanted {") == [f'file "{VIP_WANTED_FILE}"', "weight 1", "init_file 0"]
    assert "        haproxy_down\n        vip_released\n        vip_wanted\n    }\n" in text


def test_by_default_every_managed_file_is_written(nornir_of: NornirOf, render: Render) -> None:
    assert set(render(nornir_of())["lb-1"]) == set(MANAGED_PATHS)


@pytest.mark.parametrize(
    ("overrides", "path", "present", "absent"),
    [
        ({}, HAPROXY_CFG, "balance leastconn", "stats admin"),
        ({}, HAPROXY_CFG, "verify required ca-file /etc/haproxy/kube-apiserver-ca.crt", "verify none no-ssl-reuse"),
        ({"without": ["apiserver_ca"]}, HAPROXY_CFG, "check-ssl verify none", "ca-file"),
        ({"group": {"haproxy": {"stats": {"log": None}}}}, HAPROXY_CFG, "stats uri", "127.0.0.1"),
        ({"group": {"haproxy": {"tcplog": False}}}, HAPROXY_CFG, "mode tcp", "tcplog"),
        ({"group": {"haproxy": {"daemon": False}}}, HAPROXY_CFG, "group haproxy", "    daemon"),
        ({"group": {"haproxy": {"stats": {"hide_version": False}}}}, HAPROXY_CFG, "stats uri", "hide-version"),
        ({"group": {"haproxy": {"global_lines": ["maxconn 9"]}}}, HAPROXY_CFG, "    maxconn 9\n\ndefaults", "\n\n\n"),
        ({"group": {"haproxy": {"defaults_lines": ["backlog 9"]}}}, HAPROXY_CFG, "    backlog 9\n\nlisten", "\n\n\n"),
        ({"group": {"haproxy": {"listener_lines": ["backlog 9"]}}}, HAPROXY_CFG, "backlog 9\n    server", "\n\n\n"),
        ({}, HAPROXY_CFG, "    timeout connect 300ms\n", "timeout queue"),
        ({}, HAPROXY_CFG, "    timeout check 700ms\n", "on-marked-down"),  # keepalived's script closes sessions
        ({}, HAPROXY_CFG, " inter 1s fastinter 200ms fall 2 rise 2\n", "downinter"),
        ({"group": {"haproxy": {"fastinter": "300ms", "check": "tcp"}}}, HAPROXY_CFG, " fastinter 300ms ", "200ms"),
        ({}, KEEPALIVED_CONF, "    advert_int 0.05\n    down_timer_adverts 16\n", "dont_track_primary"),
        ({"group": {"keepalived": {"timers": "fast"}}}, KEEPALIVED_CONF, "    advert_int 0.02\n", "0.05"),
        ({}, KEEPALIVED_CONF, "    state BACKUP\n    nopreempt\n    priority 180\n", "state MASTER"),
        ({"group": {"keepalived": {"preempt": True}}}, KEEPALIVED_CONF, "    state MASTER\n    priority", "nopreempt"),
        ({}, KEEPALIVED_CONF, "    higher_prio_send_advert\n", "lower_prio_no_advert"),
        ({}, KEEPALIVED_CONF, "unicast_src_ip 192.0.2.11\n", "mcast_src_ip"),
        ({}, CHECK_SCRIPT, "| timeout 0.6 socat -t 1 - UNIX-CONNECT:/run/haproxy-admin.sock |", "curl"),
        ({}, KEEPALIVED_CONF, "        192.0.2.12\n        192.0.2.13\n", "        192.0.2.11\n"),
        ({}, KEEPALIVED_CONF, "    track_file {\n        haproxy_down\n", "vrrp_strict"),
        ({}, KEEPALIVED_CONF, "script_user root\n    enable_script_security\n", "authentication"),
        ({"group": {"keepalived": {"events": False}}}, KEEPALIVED_CONF, "track_script", "track_file"),
        ({"group": {"keepalived": {"preempt": False}}}, KEEPALIVED_CONF, "    nopreempt\n", "state MASTER"),
        ({"group": {"keepalived": {"unicast": False}}}, KEEPALIVED_CONF, "virtual_ipaddress", "unicast"),
        ({"group": {"keepalived": {"vrrp_version": 2, "advert_int": 1}}}, KEEPALIVED_CONF, "vrrp_version 2\n", "0.0"),
        ({"group": {"keepalived": {"global_lines": ["vrrp_ipsets ours"]}}}, KEEPALIVED_CONF, " ours\n}", "\n\n\n"),
        ({"group": {"keepalived": {"instance_lines": ["accept"]}}}, KEEPALIVED_CONF, "    accept\n", "\n\n\n"),
    ],
)  # fmt: skip
def test_setting_is_in_the_file(
    nornir_of: NornirOf, render: Render, overrides: dict[str, Any], path: str, present: str, *, absent: str
) -> None:
    text = render(nornir_of(**overrides))["lb-1"][path].content
    assert present in text
    assert absent not in text


def test_every_file_ends_with_one_newline(nornir_of: NornirOf, render: Render) -> None:
    files = render(nornir_of())["lb-1"].values()
    assert [file.path for file in files if not file.content.endswith("\n") or file.content.endswith("\n\n")] == []


def test_files_that_hold_the_password_are_not_for_everybody(nornir_of: NornirOf, render: Render) -> None:
    files = render(nornir_of())["lb-1"].values()
    assert {file.path: (file.mode, file.owner, file.group) for file in files if "only-for-the-lab" in file.content} == {
        HAPROXY_CFG: ("0640", "root", "haproxy")
    }


def test_haproxys_file_belongs_to_its_group(nornir_of: NornirOf, render: Render) -> None:
    assert render(nornir_of(group={"haproxy": {"group": "proxies"}}))["lb-1"][HAPROXY_CFG].group == "proxies"
