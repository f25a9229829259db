"""What haproxy does: its sockets, its apiservers, its workers and its page's password."""

from dataclasses import replace

import pytest
from tests.support.changes import (
    Change,
    Hosts,
    assert_red,
    assert_unmade,
    facts,
    file,
    findings_of,
    package,
    reachable,
    together,
    unit,
)

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.facts import NOT_PROBED, Listener, Package, Probe, Server
from nornir_kube_ha.intent.names import HAPROXY_CFG

UP = tuple(Server(f"lb-{number}", "UP", "L7OK 200") for number in (1, 2, 3))
SOCKETS = tuple(Listener("0.0.0.0", port, "haproxy") for port in (8443, 10080, 8444))  # noqa: S104 - any


@pytest.mark.parametrize(
    ("listeners", "seen"),
    [
        pytest.param(SOCKETS[2:], "0.0.0.0:8443: nothing listens, 0.0.0.0:10080: nothing listens", id="nobody"),
        pytest.param(
            (SOCKETS[0], SOCKETS[2]), "0.0.0.0:8443: haproxy, 0.0.0.0:10080: nothing listens", id="no stats page"
        ),
        pytest.param(SOCKETS[1:], "0.0.0.0:8443: nothing listens, 0.0.0.0:10080: haproxy", id="no apiserver port"),
        pytest.param(
            (replace(SOCKETS[0], process="nginx"), *SOCKETS[1:]),
            "0.0.0.0:8443: nginx, 0.0.0.0:10080: haproxy",
            id="taken",
        ),
        pytest.param(
            (replace(SOCKETS[0], process=""), *SOCKETS[1:]),
            "0.0.0.0:8443: unknown process, 0.0.0.0:10080: haproxy",
            id="taken by we know not whom",
        ),
        pytest.param(
            (replace(SOCKETS[0], address="127.0.0.1"), *SOCKETS[1:]),
            "127.0.0.1:8443: haproxy, 0.0.0.0:10080: haproxy",
            id="on the loopback only",
        ),
    ],
)
def test_port_that_is_not_haproxys_turns_red(host_view: Hosts, listeners: tuple[Listener, ...], seen: str) -> None:
    view = host_view(change=facts(listeners=listeners))
    expected = "0.0.0.0:8443: haproxy, 0.0.0.0:10080: haproxy, 0.0.0.0:8444: haproxy"
    assert_red(
        view,
        "haproxy.listening",
        expected,
        f"{seen}, 0.0.0.0:8444: haproxy",
        "if another process has the port, free it",
    )


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(Listener("[::]", 8443, "nginx"), id="of the other family"),
        pytest.param(SOCKETS[0], id="of the old worker, in the middle of a reload"),
    ],
)
def test_another_listener_raises_no_false_alarm(host_view: Hosts, more: Listener) -> None:
    findings = findings_of(host_view(change=facts(listeners=(*SOCKETS, more))))
    assert {finding.status for finding in findings.values()} == {Status.PASS}


def test_peers_port_is_expected_if_clients_are_notified(host_view: Hosts) -> None:
    assert_red(
        host_view(change=facts(listeners=SOCKETS[:2])),
        "haproxy.listening",
        "0.0.0.0:8444: haproxy",
        "0.0.0.0:8444: nothing listens",
        "if another process has the port, free it",
    )
    view = host_view(change=facts(listeners=SOCKETS[:2]), group={"keepalived": {"tickle": False}})
    assert findings_of(view)["haproxy.listening"].status is Status.PASS


def test_ports_are_those_of_the_inventory(host_view: Hosts) -> None:
    view = host_view(group={"haproxy": {"port": 9443, "stats": {"port": 9000}}})
    found = findings_of(view)["haproxy.listening"]
    assert (found.status, found.expected) == (
        Status.FAIL,
        "0.0.0.0:9443: haproxy, 0.0.0.0:9000: haproxy, 0.0.0.0:8444: haproxy",
    )


def lb_2(status: str, check: str, *, is_alive: bool | None = None) -> tuple[Server, ...]:
    return UP[0], Server("lb-2", status, check, is_alive), UP[2]


@pytest.mark.parametrize(
    ("servers", "seen"),
    [
        pytest.param(lb_2("DOWN", "L4CON Connection refused"), "lb-2 DOWN (L4CON Connection refused)", id="down"),
        pytest.param(lb_2("DOWN 1/2", "L7OK 200"), "lb-2 DOWN 1/2", id="coming back"),
        pytest.param(lb_2("MAINT", "L7OK 200"), "lb-2 MAINT", id="maintenance"),
        pytest.param(lb_2("MAINT (via kube-apiserver/lb-1)", ""), "lb-2 MAINT (via", id="maintenance of another"),
        pytest.param(lb_2("DRAIN", "L7OK 200"), "lb-2 DRAIN", id="drained"),
        pytest.param(lb_2("NOLB", "L7TOUT"), "lb-2 NOLB", id="stopping"),
        pytest.param(lb_2("no check", ""), "lb-2 no check", id="not checked"),
        pytest.param(lb_2("UP", "INI"), "lb-2 UP (INI)", id="believed in at first"),
        pytest.param(lb_2("UP", "* INI"), "lb-2 UP (* INI)", id="believed in while the first check runs"),
        pytest.param(UP[:2], "lb-3 missing", id="missing"),
        pytest.param((), "lb-1 missing; lb-2 missing; lb-3 missing", id="none at all"),
        pytest.param((*UP, Server("lb-4", "UP", "L7OK 200")), "lb-4 is not in the inventory", id="too many"),
        pytest.param(
            (*UP[:2], Server("lb-4", "UP", "L7OK 200")),
            "lb-3 missing; lb-4 is not in the inventory",
            id="another in its place",
        ),
        pytest.param(
            lb_2("DOWN", "L7STS 500 Internal Server Error"), "(L7STS 500 Internal Server Error)", id="not ready"
        ),
        pytest.param(
            lb_2("DOWN", "L7STS 500", is_alive=True), "lb-2 DOWN, alive but not ready (L7STS 500)", id="alive"
        ),
        pytest.param(lb_2("DOWN", "L4CON", is_alive=False), "lb-2 DOWN, dead (L4CON)", id="dead"),
        pytest.param(lb_2("DRAIN", "L7OK 200", is_alive=True), "lb-2 DRAIN (L7OK 200)", id="drained and alive"),
        pytest.param(None, "haproxy does not answer on /run/haproxy-admin.sock", id="haproxy is silent"),
    ],
)
def test_apiserver_that_haproxy_does_not_see_up_turns_red(
    host_view: Hosts, servers: tuple[Server, ...] | None, seen: str
) -> None:
    assert_red(host_view(change=facts(servers=servers)), "haproxy.apiservers_up", "3 up", seen, "readyz?verbose")


@pytest.mark.parametrize("check", ["L7STS 401 Unauthorized", "L7STS 403 Forbidden"])
def test_apiserver_that_rejects_anonymous_clients_is_explained(host_view: Hosts, check: str) -> None:
    view = host_view(change=facts(servers=lb_2("DOWN", check)))
    assert_red(view, "haproxy.apiservers_up", "3 up", "or `haproxy.check: tcp`", "")
    assert "set `haproxy.check: readyz-or-unauthorized`" in findings_of(view)["haproxy.apiservers_up"].seen


@pytest.mark.parametrize(
    ("status", "check"),
    [
        pytest.param("UP", "L7OK 200", id="up"),
        pytest.param("UP", "* L7OK 200", id="while a check runs"),
        pytest.param("UP", "L4OK", id="checked by tcp"),
        pytest.param("UP 1/2", "L7STS 500 Internal Server Error", id="failed once"),
    ],
)
def test_apiserver_that_gets_connections_is_up(host_view: Hosts, status: str, check: str) -> None:
    finding = findings_of(host_view(change=facts(servers=lb_2(status, check))))["haproxy.apiservers_up"]
    assert (finding.status, finding.seen) == (Status.PASS, "3 up")


def workers(number: int) -> Change:
    """So many workers, the oldest of which came first."""
    return facts(workers=tuple(1000 - each for each in range(number)))


def old_workers(view: Hosts, change: Change, **overrides: object) -> Finding:
    return findings_of(view(change=change, **overrides))["haproxy.old_workers"]


def test_old_workers_that_pile_up_are_warned_of(host_view: Hosts) -> None:
    seen = "6 old workers, the oldest started 1000 s ago"
    assert_red(
        host_view(change=workers(7)), "haproxy.old_workers", "at most 5", seen, "hard_stop_after", status=Status.WARN
    )


def test_few_old_workers_are_well(host_view: Hosts) -> None:
    assert [old_workers(host_view, workers(number)).status for number in (1, 2, 6)] == [Status.PASS] * 3
    assert old_workers(host_view, workers(1)).seen == "0 old workers"


def test_limit_of_old_workers_is_the_inventorys(host_view: Hosts) -> None:
    limit = {"group": {"verify": {"old_workers": 1}}}
    assert [old_workers(host_view, workers(number), **limit).status for number in (2, 3)] == [Status.PASS, Status.WARN]


def test_workers_that_were_not_seen_are_unknown(host_view: Hosts) -> None:
    assert_unmade(host_view(change=facts(workers=())), "haproxy.old_workers", "no haproxy worker found", Status.WARN)


def test_workers_of_nbproc_are_none_of_them_old(host_view: Hosts) -> None:
    eight = {"group": {"haproxy": {"nbproc": 8}, "keepalived": {"tickle": False}, "verify": {"old_workers": 1}}}
    old_release = package("haproxy", Package("2.2.9-2+deb11u6"))

    def change(number: int) -> Change:
        return lambda found: workers(number)(old_release(found))

    assert [old_workers(host_view, change(number), **eight).status for number in (9, 10)] == [Status.PASS, Status.WARN]
    assert old_workers(host_view, workers(8), **eight).status is Status.WARN  # 2.6 knows no nbproc


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        pytest.param("stats auth admin:admin", "admin: password is a well-known default", id="well-known"),
        pytest.param("stats auth 'admin:123456'", "admin: password is a well-known default", id="quoted"),
        pytest.param('stats auth "admin:ChangeMe"', "admin: password is a well-known default", id="in another case"),
        pytest.param("stats auth admin:'secret'", "admin: password is a well-known default", id="quoted in half"),
        pytest.param("\tstats\tauth   eve:short", "eve: password is too short", id="short"),
        pytest.param("stats auth admin", "admin: password is empty", id="no password"),
        pytest.param("stats auth admin:", "admin: password is empty", id="empty"),
        pytest.param("stats auth admin:admin # ours", "admin: password is a well-known default", id="with a comment"),
        pytest.param(
            "stats auth admin:long-enough-for-all\n stats auth eve:admin",
            "eve: password is a well-known default",
            id="a second one",
        ),
        pytest.param("stats enable", "it has no password", id="open to all"),
        pytest.param("# stats auth admin:long-enough-for-all", "it has no password", id="commented out"),
    ],
)
def test_password_that_everybody_knows_turns_red(host_view: Hosts, line: str, seen: str) -> None:
    view = host_view(change=file(HAPROXY_CFG, content=f"listen admin_stats\n    {line}\n".encode()))
    found = findings_of(view)["haproxy.stats_password"]
    assert found.status is Status.FAIL
    assert "neither well known nor too short" in found.expected
    assert seen in found.seen
    assert "run deploy" in found.next
    assert {id_ for id_, each in findings_of(view).items() if each.status is Status.FAIL} == {
        found.id,
        "files.intended",
    }


@pytest.mark.parametrize(
    "login",
    ["admin:twelve-chars", "'admin:eleven-char\"'", "'admin:twelve:chars'", '"admin:twelve-chars"', "'a:#1-of-twelve'"],
)
def test_password_that_is_one_raises_no_false_alarm(host_view: Hosts, login: str) -> None:
    view = host_view(change=file(HAPROXY_CFG, content=f"listen s\n    stats auth {login}\n".encode()))
    assert findings_of(view)["haproxy.stats_password"].status is Status.PASS


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\nlisten s\n stats auth admin:admin\n", b"listen s\n stats auth 'admin:admin\n"]
)
def test_missing_file_is_validated_anyway(host_view: Hosts, content: bytes) -> None:
    view = host_view(change=file(HAPROXY_CFG, content=content))
    assert findings_of(view)["haproxy.stats_password"].status is Status.FAIL


def test_password_of_a_file_that_is_not_there_is_skipped(host_view: Hosts) -> None:
    found = findings_of(host_view(change=facts(files={})))["haproxy.stats_password"]
    assert (found.status, found.seen) == (Status.SKIP, f"{HAPROXY_CFG} is missing")


def test_stopped_haproxy_has_no_workers(host_view: Hosts) -> None:
    change = together(unit("haproxy", active_state="inactive"), facts(workers=()))
    assert findings_of(host_view(change=change))["haproxy.old_workers"].status is Status.SKIP


@pytest.mark.parametrize(
    ("login", "status"),
    [(Probe(200, ""), Status.PASS), (Probe(401, ""), Status.FAIL), (Probe(0, "refused"), Status.FAIL)],
    ids=["opens", "another password", "no answer"],
)
def test_own_stats_page_opens_with_the_password(host_view: Hosts, login: Probe, status: Status) -> None:
    finding = findings_of(host_view(change=reachable(stats_login=login)))["haproxy.stats"]
    assert (finding.status, finding.seen) == (status, str(login))


def test_own_stats_page_that_was_not_probed_is_unknown(host_view: Hosts) -> None:
    assert_unmade(host_view(change=reachable(stats_login=NOT_PROBED)), "haproxy.stats", "curl is not installed")


def test_apiserver_that_is_to_get_no_connections_need_not_be_up(host_view: Hosts) -> None:
    apiservers = [{"name": f"lb-{n}", "address": f"192.0.2.1{n}", "weight": 0 if n == 3 else 1} for n in (1, 2, 3)]
    drained = (*UP[:2], Server("lb-3", "DRAIN", "L7OK 200"))
    idle = findings_of(host_view(change=facts(servers=drained), group={"apiservers": apiservers}))
    assert idle["haproxy.apiservers_up"].status is Status.PASS
    assert findings_of(host_view(change=facts(servers=drained)))["haproxy.apiservers_up"].status is Status.FAIL


@pytest.mark.field_report("E4")
def test_reason_why_haproxy_was_not_asked_is_reported(host_view: Hosts) -> None:
    why = "haproxy was not asked: socat is missing or does not run"
    view = host_view(change=facts(servers=None, haproxy_silence=why))
    assert_red(view, "haproxy.apiservers_up", "3 up", why, "ss -xp")


@pytest.mark.field_report(
    "E2",
    "openshift-ansible#1497",
    "haproxy's maxconn is used up, and no text names the reason",
    "haproxy.load warns from 80 % on, fails at 100 %, and vip.readyz points to it",
)
@pytest.mark.parametrize(
    ("used", "status"), [(0, "pass"), (31, "pass"), (32, "warn"), (39, "warn"), (40, "fail"), (41, "fail")]
)
def test_use_of_maxconn_is_reported(host_view: Hosts, used: int, status: str) -> None:
    finding = findings_of(host_view(change=facts(haproxy_load=(used, 40))))["haproxy.load"]
    assert (finding.status, f"{used} of 40 connections" in finding.seen) == (status, True)


def test_silent_haproxy_does_not_tell_its_load(host_view: Hosts) -> None:
    view = host_view(change=facts(haproxy_load=None, haproxy_silence="there is no socket"))
    finding = findings_of(view)["haproxy.load"]
    assert (finding.status, finding.seen) == (Status.SKIP, "there is no socket")
