"""Whether keepalived could take the VIP over, as the kernel shows it; and what a host's own connections start from."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.support.changes import (
    Change,
    assert_red,
    assert_unmade,
    facts,
    file,
    findings_of,
    together,
    unit,
)

from nornir_kube_ha.checks import HostView
from nornir_kube_ha.facts import Liveness
from nornir_kube_ha.facts.liveness import parse_liveness
from nornir_kube_ha.facts.parse_network import sources
from nornir_kube_ha.intent.names import KEEPALIVED_CONF

Hosts = Callable[..., HostView]

ALIVE = Liveness(age=900, child_age=900, watches=1, families=frozenset({4}), checked=1)
SOCKETS = """\
UNCONN 0      0            0.0.0.0:112       0.0.0.0:*    users:(("tcpdump",pid=3,fd=15))
UNCONN 0      0                  *:112             *:*    users:(("other",pid=9,fd=15))
UNCONN 0      0      [2001:db8::1]:112          [::]:*    users:(("keepalived",pid=385,fd=14))
"""


def alive(**change: object) -> Change:
    """A keepalived that has all but this."""
    return facts(liveness=replace(ALIVE, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param({"child_age": None, "watches": 0}, "its VRRP process is gone", id="no child"),
        pytest.param({"families": frozenset()}, "no IPv4 VRRP socket", id="no socket"),
        pytest.param({"families": frozenset({6})}, "no IPv4 VRRP socket", id="of the other family only"),
        pytest.param({"watches": 0}, "no inotify watch", id="no watch"),
        pytest.param({"checked": 60}, "last ran its scripts 60 s ago", id="scripts stopped"),
        pytest.param({"checked": None}, "it has never run its scripts", id="scripts never ran"),
    ],
)
@pytest.mark.field_report(
    "D1",
    "keepalived#2190, keepalived#655",
    "after its interface was deleted and made again, a backup never takes over, and nothing says so",
    "the node reloads its keepalived within 5 s, and keepalived.able is red until then",
)
@pytest.mark.field_report(
    "D3",
    "loki#1153, genestack#227",
    "a keepalived that got no inotify does not notice that haproxy ended, and nothing says so",
    "keepalived.able is red, and vip move refuses before it begins",
)
def test_keepalived_that_could_not_take_over_turns_red(host_view: Hosts, change: dict[str, object], seen: str) -> None:
    assert_red(host_view(change=alive(**change)), "keepalived.able", "its VRRP process", seen, "journalctl")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="all there"),
        pytest.param({"age": 3, "child_age": 3, "checked": None}, id="just started"),
        pytest.param({"families": frozenset({4, 6}), "watches": 3}, id="more than needed"),
    ],
)
def test_keepalived_that_could_take_over_passes(host_view: Hosts, change: dict[str, object]) -> None:
    assert findings_of(host_view(change=alive(**change)))["keepalived.able"].status == "pass"


def test_what_its_own_file_does_not_ask_for_is_not_missed(host_view: Hosts) -> None:
    """As after a rollback to the files of an earlier release, or with `events: false`."""
    older = file(KEEPALIVED_CONF, content=b"vrrp_instance VI-kube-master {\n    virtual_router_id 68\n}\n")
    view = host_view(change=together(alive(watches=0, checked=None), older))
    assert findings_of(view)["keepalived.able"].status == "pass"


def test_keepalived_that_does_not_run_is_not_judged(host_view: Hosts) -> None:
    change = together(unit("keepalived", active_state="inactive"), facts(liveness=None))
    finding = findings_of(host_view(change=change))["keepalived.able"]
    assert (finding.status, "not running" in finding.seen) == ("skip", True)


@pytest.mark.field_report(
    "D4",
    "keepalived#2312, keepalived#2576",
    "keepalived's VRRP process crashes again and again, and keepalived counts as stable",
    "keepalived.stable warns for ten minutes",
)
@pytest.mark.parametrize(
    ("child", "status"), [(10, "warn"), (599, "warn"), (601, "pass"), (900, "pass"), (896, "pass")]
)
def test_vrrp_process_that_was_started_again_warns(host_view: Hosts, child: int, status: str) -> None:
    finding = findings_of(host_view(change=alive(child_age=child)))["keepalived.stable"]
    assert finding.status == status
    assert ("its VRRP process ended" in finding.seen) is (status == "warn")


def test_liveness_is_read() -> None:
    processes = "checked 2\nmain 60 0\nchild 58 1\nchild 59 2\n"
    assert parse_liveness(processes, SOCKETS) == Liveness(60, 58, 3, frozenset({6}), 2)
    assert parse_liveness("main 60 0\n", "") == Liveness(60, None, 0, frozenset(), None)
    assert parse_liveness("checked 2\n", SOCKETS) is None
    assert parse_liveness("", "") is None


@pytest.mark.parametrize("text", ["main\n", "main 1\n", "main x 1\n", "other 1 1\n", "main 1 1\nchild 1\n"])
def test_liveness_of_another_form_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        parse_liveness(text, "")


@pytest.mark.field_report(
    "D5",
    "kubeadm#2614, keepalived#1268",
    "the holder's own connections start from the VIP, and die when it moves",
    "the VIP is put on as /32, and host.sources is red where a connection starts from it all the same",
)
def test_connection_that_starts_from_a_vip_turns_red(host_view: Hosts) -> None:
    found = {"192.0.2.12": ip_address("192.0.2.11"), "192.0.2.13": ip_address("192.0.2.10")}
    view = host_view(change=facts(sources=found))
    assert_red(view, "host.sources", "of the node, not from a VIP", "to 192.0.2.13 from 192.0.2.10", "/32")
    assert_unmade(host_view(change=facts(sources={})), "host.sources", "`ip route get` printed no source address")


def test_sources_are_read() -> None:
    text = (
        "192.0.2.12 dev eth0 src 192.0.2.11 uid 0 \\    cache \n"
        "198.51.100.1 via 192.0.2.1 dev eth0 src 192.0.2.10 uid 0 \\    cache \n"
        "2001:db8::12 from :: dev eth0 proto kernel src 2001:db8::11 metric 256 pref medium\n"
        "RTNETLINK answers: Network is unreachable\nlocal 192.0.2.11 dev lo src 192.0.2.11 uid 0\n"
    )
    assert {to: str(source) for to, source in sources(text)} == {
        "192.0.2.12": "192.0.2.11",
        "198.51.100.1": "192.0.2.10",
        "2001:db8::12": "2001:db8::11",
    }
