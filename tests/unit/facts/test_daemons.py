"""What a look tells of the two daemons: their units, their processes, and what they say themselves."""

from collections.abc import Callable

import pytest
from rig.samples import NONCE
from tests.support.changes import replace_section

from nornir_kube_ha.facts import (
    ConfigCheck,
    Facts,
    Server,
    parse_daemons,
    parse_facts,
)

Recorded = Callable[[str], str]
FactsFrom = Callable[[str], Facts]
WithSection = Callable[[str, str], Facts]


@pytest.mark.parametrize("version", ["2.2.9", "3.0.11"])
def test_statistics_of_other_releases(recorded: Recorded, version: str) -> None:
    text = replace_section(recorded("facts-master"), "haproxy", recorded(f"show-stat-{version}"))
    servers = parse_facts(text, NONCE).servers or ()
    assert [(server.name, server.status, server.is_up) for server in servers] == [
        ("lb-1", "DOWN", False),
        ("lb-2", "DOWN", False),
        ("lb-3", "DOWN", False),
    ]
    assert servers[0].check == "L7STS 503 Service Unavailable"
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


def test_server_is_alive_as_the_last_resort_sees_it() -> None:
    rows = (
        "kube-apiserver,FRONTEND,OPEN,,,",
        "kube-apiserver,a,DOWN,L7STS,500,",
        "kube-apiserver,b,DOWN,L4CON,,refused",
        "kube-apiserver,c,UP,L7OK,200,",
        "kube-apiserver-alive,a,UP,L7OK,200,",
        "kube-apiserver-alive,b,DOWN,L4CON,,refused",
        "kube-apiserver-alive,BACKEND,UP,,,",
    )
    found = parse_daemons.servers("\n".join(["# pxname,svname,status,check_status,check_code,last_chk", *rows]))
    assert [(server.name, server.status, server.is_alive) for server in found or ()] == [
        ("a", "DOWN", True),
        ("b", "DOWN", False),
        ("c", "UP", None),
    ]


def test_server_that_no_check_has_seen_is_not_up() -> None:
    assert [Server("a", "UP 1/2", check).is_up for check in ("INI Initializing", "* INI", "L7OK")] == [
        False,
        False,
        True,
    ]


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
    ("old", "new", "field", "value"),
    [
        pytest.param("NRestarts=0", "NRestarts=7", "restarts", 7, id="restarts"),
        pytest.param("NeedDaemonReload=no", "NeedDaemonReload=yes", "needs_daemon_reload", True, id="daemon-reload"),
        pytest.param("ActiveState=active", "ActiveState=reloading", "is_active", True, id="in a reload"),
        pytest.param("ActiveState=active", "ActiveState=activating", "is_active", False, id="at start"),
        pytest.param(
            "ActiveEnterTimestamp=Mon 2026-11-23 06:28:34 UTC", "ActiveEnterTimestamp=", "started", None, id="never"
        ),
        pytest.param(
            "StateChangeTimestamp=Mon 2026-11-23 06:28:38 UTC",
            "StateChangeTimestamp=Thu 1970-01-01 00:01:00 UTC",
            "told",
            60.0,
            id="another day",
        ),
        pytest.param(
            "/usr/sbin/haproxy\n",
            "/usr/sbin/haproxy (deleted)\n",
            "program",
            "/usr/sbin/haproxy (deleted)",
            id="upgraded",
        ),
    ],
)
def test_unit_is_as_systemd_shows_it(recorded: Recorded, old: str, new: str, field: str, *, value: object) -> None:
    text = recorded("facts-master")
    assert old in text
    assert getattr(parse_facts(text.replace(old, new, 1), NONCE).units["haproxy"], field) == value


@pytest.mark.parametrize(
    ("time", "error"),
    [("Mon 2026-11-23 06:28:34 CET", "UTC"), ("yesterday", "does not match"), ("Mon 2026-13-23 06:28:34 UTC", "match")],
)
def test_time_that_systemd_does_not_print_is_an_error(recorded: Recorded, time: str, error: str) -> None:
    recording = recorded("facts-master")
    text = recording.replace("Mon 2026-11-23 06:28:34 UTC", time)
    assert text != recording
    with pytest.raises(ValueError, match=error):
        parse_facts(text, NONCE)


@pytest.mark.parametrize(
    ("info", "started"),
    [
        pytest.param("Asked: 1795415347\nUptime_sec: 30\nStart_time_sec: 1795415318", 1795415318.0, id="it says when"),
        pytest.param("Asked: 1795415347\nName: HAProxy\nUptime_sec: 29", 1795415318.0, id="it says only for how long"),
        pytest.param("Asked: 1795415347\nUnknown command.", None, id="another answer"),
        pytest.param("Asked: 1795415347", None, id="none"),
    ],
)
def test_start_of_haproxys_worker(with_section: WithSection, info: str, started: float | None) -> None:
    assert with_section("haproxy_info", info).worker_started == started


def test_workers_of_haproxy(with_section: WithSection) -> None:
    assert with_section("haproxy_workers", "     67\n     63\n 120000").workers == (67, 63, 120000)


@pytest.mark.parametrize(
    ("judgement", "accepts"),
    [
        (ConfigCheck("haproxy", 0, "Configuration file is valid"), True),
        (ConfigCheck("haproxy", 0, "[WARNING] (1) : config : a word"), True),
        (ConfigCheck("haproxy", 1, ""), False),
        (ConfigCheck("haproxy", 2, "Configuration file is valid"), False),
        (ConfigCheck("keepalived", 0, ""), True),
        (ConfigCheck("keepalived", 0, "Unknown keyword 'x'"), False),
        (ConfigCheck("keepalived", 5, ""), False),
    ],
)
def test_judgement_of_a_daemon(judgement: ConfigCheck, *, accepts: bool) -> None:
    assert judgement.accepts is accepts


@pytest.mark.field_report("E2")
@pytest.mark.parametrize(
    ("conns", "frontend", "load"),
    [("7", ("0", "100"), (7, 40)), ("7", ("9", "10"), (9, 10)), ("7", ("9", "0"), (7, 40)), ("7", ("", ""), (7, 40))],
)
def test_load_is_that_of_the_fuller_limit(
    recorded: Recorded, conns: str, frontend: tuple[str, str], load: tuple[int, int]
) -> None:
    info = replace_section(recorded("facts-master"), "haproxy_info", f"Asked: 1\nMaxconn: 40\nCurrConns: {conns}\n")
    stat = f"# pxname,svname,scur,slim,\nkube-apiserver,FRONTEND,{frontend[0]},{frontend[1]},\n"
    assert parse_facts(replace_section(info, "haproxy", stat), NONCE).haproxy_load == load


@pytest.mark.field_report("G4")
@pytest.mark.parametrize("row", ["kube-apiserver", "kube-apiserver,lb-9", "kube-apiserver,lb-9,UP" + ",x" * 300])
def test_row_of_another_length_costs_no_look(row: str) -> None:
    found = parse_daemons.servers(f"# pxname,svname,status,check_status,check_code,last_chk\n{row}\n")
    assert found is not None
    assert [type(each.status) for each in found] == [str]
