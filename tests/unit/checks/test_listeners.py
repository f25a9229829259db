"""Further listeners: bound, with servers behind them, and open at the VIP; no check of a cluster without any."""

from dataclasses import replace

from tests.support.changes import Hosts, facts, findings_of, reachable, together

from nornir_kube_ha.checks import LISTENER_CHECKS, Status
from nornir_kube_ha.facts import Facts, Listener, Server
from nornir_kube_ha.facts.parse_daemons import other_servers

SERVERS = [{"name": "one", "address": "192.0.2.31"}, {"name": "two", "address": "192.0.2.32"}]
GROUP = {"haproxy": {"listeners": {"web": {"port": 443, "servers": SERVERS}}}}
UP = (Server("one", "UP", "L4OK"), Server("two", "UP", "L4OK"))
DOWN = tuple(replace(each, status="DOWN", check="L4CON") for each in UP)
IDS = [check.id for check in LISTENER_CHECKS]


def bound(found: Facts) -> Facts:
    return replace(found, listeners=(*found.listeners, Listener("0.0.0.0", 443, "haproxy")))  # noqa: S104 - any


def statuses(hosts: Hosts, servers: tuple[Server, ...], said: str = "open") -> list[Status]:
    seen = together(bound, facts(listener_servers={"web": servers}), reachable(listeners={"192.0.2.10:443": said}))
    found = findings_of(hosts(change=seen, group=GROUP))
    return [found[each].status for each in IDS]


def test_a_cluster_without_listeners_has_none_of_their_checks(host_view: Hosts) -> None:
    assert not {*IDS} & findings_of(host_view()).keys()


def test_listeners_are_judged(host_view: Hosts) -> None:
    assert statuses(host_view, UP) == [Status.PASS] * 3
    assert statuses(host_view, (UP[0], DOWN[1])) == [Status.PASS, Status.WARN, Status.PASS]
    assert statuses(host_view, DOWN, "haproxy closes it") == [Status.PASS, Status.FAIL, Status.FAIL]
    assert statuses(host_view, UP[:1]) == [Status.PASS, Status.WARN, Status.PASS]


def test_listeners_that_are_not_deployed_fail(host_view: Hosts) -> None:
    found = findings_of(host_view(group=GROUP))
    assert "nothing listens" in found["listener.listening"].seen
    assert found["listener.servers_up"].seen == "web: haproxy has no such listener"


def test_servers_are_read_by_listener() -> None:
    head = "# pxname,svname,status,check_status,check_code,last_chk"
    rows = ("web,FRONTEND,OPEN,,,", "web,one,UP,L4OK,,", "web,BACKEND,UP,,,", "kube-apiserver,lb-1,UP,L7OK,200,")
    assert other_servers("\n".join((head, *rows))) == {"web": UP[:1]}
