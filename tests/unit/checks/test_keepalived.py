"""What keepalived does: its state, and VRRP on the wire."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from tests.support.changes import Change, Hosts, assert_red, assert_unmade, facts, findings_of, heard, together, vrrp

from nornir_kube_ha.checks import Status, foreign_routers
from nornir_kube_ha.facts import Advert, Facts, VRRPInstance, parse_network

MAC = "02:07:e7:b0:ee:d5"


PREEMPT = {"keepalived": {"preempt": True}}  # the role says who has the VIP, and not only who starts with it


def advert(last: int, priority: int = 120, *, vrid: int = 68) -> Advert:
    return Advert(IPv4Address(f"192.0.2.{last}"), MAC, vrid, priority)


def adverts(*each: Advert) -> Change:
    return heard(adverts=frozenset(each))


@pytest.mark.parametrize(
    ("host", "change", "expected", "seen"),
    [
        pytest.param(
            "lb-1", vrrp("BACKUP", holds=False), "MASTER", "BACKUP, does not hold the VIP", id="master is backup"
        ),
        pytest.param(
            "lb-1", vrrp("MASTER", holds=False), "MASTER", "MASTER, does not hold the VIP", id="master without VIP"
        ),
        pytest.param(
            "lb-1", vrrp("FAULT", holds=False), "MASTER", "FAULT, does not hold the VIP", id="master in fault"
        ),
        pytest.param("lb-1", vrrp("INIT", holds=False), "MASTER", "INIT, does not hold the VIP", id="master at start"),
        pytest.param("lb-2", vrrp("MASTER", holds=True), "BACKUP", "MASTER, holds the VIP", id="backup is master"),
        pytest.param("lb-2", vrrp("BACKUP", holds=True), "BACKUP", "BACKUP, holds the VIP", id="backup with VIP"),
        pytest.param(
            "lb-2", vrrp("FAULT", holds=False), "BACKUP", "FAULT, does not hold the VIP", id="backup in fault"
        ),
        pytest.param("lb-2", facts(vrrp=None), "BACKUP", "keepalived does not answer, does not hold", id="silent"),
        pytest.param("lb-2", facts(vrrp=()), "BACKUP", "keepalived does not answer, does not hold", id="no instance"),
        pytest.param(
            "lb-2",
            facts(vrrp=(VRRPInstance("VI-other", "BACKUP", 100),)),
            "BACKUP",
            "keepalived has no VI-kube-master, does not hold the VIP",
            id="another instance",
        ),
    ],
)
def test_state_that_does_not_fit_turns_red(
    host_view: Hosts, host: str, change: Change, expected: str, seen: str
) -> None:
    words = f"{expected}, holding the VIP only as MASTER"
    assert_red(host_view(host, change, group=PREEMPT), "keepalived.state", words, seen, "journalctl -u keepalived")


@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(vrrp("MASTER", holds=False), "MASTER, does not hold the VIP", id="master without VIP"),
        pytest.param(vrrp("BACKUP", holds=True), "BACKUP, holds the VIP", id="backup with VIP"),
        pytest.param(vrrp("FAULT", holds=False), "FAULT, does not hold the VIP", id="fault"),
        pytest.param(vrrp("FAULT", holds=True), "FAULT, holds the VIP", id="fault with VIP"),
        pytest.param(vrrp("INIT", holds=False), "INIT, does not hold the VIP", id="at start"),
        pytest.param(
            together(vrrp("BACKUP", holds=False), facts(vrrp=None)),
            "keepalived does not answer, does not hold the VIP",
            id="silent",
        ),
        pytest.param(
            together(vrrp("BACKUP", holds=False), facts(vrrp=())), "keepalived does not answer", id="no instance"
        ),
    ],
)
def test_state_that_fits_no_node_turns_red_by_default(host_view: Hosts, host: str, change: Change, seen: str) -> None:
    words = "BACKUP or MASTER, holding the VIP only as MASTER"
    assert_red(host_view(host, change), "keepalived.state", words, seen, "journalctl -u keepalived")


@pytest.mark.parametrize(("host", "state", "holds"), [("lb-1", "MASTER", True), ("lb-2", "BACKUP", False)])
def test_state_of_the_role_passes_with_preemption(host_view: Hosts, host: str, state: str, *, holds: bool) -> None:
    finding = findings_of(host_view(host, vrrp(state, holds=holds), group=PREEMPT))["keepalived.state"]
    assert (finding.status, finding.expected) == (Status.PASS, f"{state}, holding the VIP only as MASTER")


PREFERRED = 200  # 20 above the master's


@pytest.mark.parametrize(("state", "holds"), [("MASTER", True), ("BACKUP", False)])
@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_after_a_planned_move_any_node_may_hold_the_vip(
    host_view: Hosts, host: str, state: str, *, holds: bool
) -> None:
    change = together(vrrp(state, holds=holds), adverts(advert(12, PREFERRED)))
    finding = findings_of(host_view(host, change, group=PREEMPT))["keepalived.state"]
    assert (finding.status, finding.expected) == (Status.PASS, "BACKUP or MASTER, holding the VIP only as MASTER")


@pytest.mark.parametrize(("state", "holds"), [("MASTER", False), ("BACKUP", True), ("FAULT", False)])
def test_after_a_planned_move_state_and_address_must_fit_still(host_view: Hosts, state: str, *, holds: bool) -> None:
    change = together(vrrp(state, holds=holds), adverts(advert(12, PREFERRED)))
    assert findings_of(host_view("lb-2", change, group=PREEMPT))["keepalived.state"].status is Status.FAIL


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([advert(12, 120)], id="own priority"),
        pytest.param([advert(12, PREFERRED - 1)], id="nearly"),
        pytest.param([advert(12, 120), advert(12, PREFERRED, vrid=69)], id="of another VRID"),
        pytest.param([], id="nobody heard"),
    ],
)
def test_backup_that_has_the_vip_without_a_planned_move_turns_red(host_view: Hosts, others: list[Advert]) -> None:
    change = together(vrrp("MASTER", holds=True), adverts(*others))
    assert findings_of(host_view("lb-2", change, group=PREEMPT))["keepalived.state"].status is Status.FAIL


def test_priority_of_a_healthy_master_is_not_a_planned_move(host_view: Hosts) -> None:
    priorities = {"lb-1": 120, "lb-2": 110, "lb-3": 109}
    hosts = {host: {"keepalived": {"priority": priority}} for host, priority in priorities.items()}
    group = {"keepalived": {"preempt": True, "check": {"weight": 20}}}  # so that a healthy master says 140 of itself
    change = together(vrrp("MASTER", holds=True), adverts(advert(11, 140)))
    finding = findings_of(host_view("lb-2", change, hosts=hosts, group=group))["keepalived.state"]
    assert finding.status is Status.FAIL
    change = together(vrrp("MASTER", holds=True), adverts(advert(12, 160)))
    finding = findings_of(host_view("lb-2", change, hosts=hosts, group=group))["keepalived.state"]
    assert finding.status is Status.PASS


def test_state_is_our_instances_whatever_else_there_is(host_view: Hosts) -> None:
    def change(found: Facts) -> Facts:
        others = (VRRPInstance("VI-a", "FAULT", 1), *(found.vrrp or ()), VRRPInstance("VI-z", "BACKUP", 1))
        return replace(found, vrrp=others)

    assert findings_of(host_view(change=change))["keepalived.state"].status is Status.PASS


@pytest.mark.parametrize(("state", "holds"), [("MASTER", True), ("BACKUP", False)])
@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_without_preemption_any_node_may_hold_the_vip(host_view: Hosts, host: str, state: str, *, holds: bool) -> None:
    view = host_view(host, vrrp(state, holds=holds))
    finding = findings_of(view)["keepalived.state"]
    assert (finding.status, finding.expected) == (Status.PASS, "BACKUP or MASTER, holding the VIP only as MASTER")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(adverts(), "nobody", id="nobody"),
        pytest.param(adverts(advert(11, vrid=69)), "nobody", id="another VRID"),
        pytest.param(adverts(advert(11), advert(12, 110)), "lb-1, lb-2", id="two"),
        pytest.param(adverts(advert(11, 0)), "nobody", id="only a goodbye"),
    ],
)
@pytest.mark.parametrize("host", ["lb-1", "lb-3"])
def test_adverts_of_none_and_of_several_turn_red(host_view: Hosts, host: str, change: Change, seen: str) -> None:
    expected = "exactly one node of the cluster sends adverts for VRID 68 on eth0"
    assert_red(host_view(host, change), "vrrp.adverts", expected, seen, "IP protocol 112")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(adverts(advert(12, 110)), "lb-2", id="of whichever node"),
        pytest.param(adverts(advert(11), advert(11, 130)), "lb-1", id="whose priority changes"),
        pytest.param(adverts(advert(11, 0), advert(12, 110)), "lb-2", id="after another's goodbye"),
        pytest.param(adverts(advert(11), advert(12, 110, vrid=70)), "lb-1", id="beside another VRID"),
    ],
)
def test_adverts_of_one_node_pass(host_view: Hosts, change: Change, seen: str) -> None:
    finding = findings_of(host_view("lb-3", change))["vrrp.adverts"]
    assert (finding.status, finding.seen) == (Status.PASS, seen)


@pytest.mark.parametrize("priority", [90, 255, 0])
def test_router_outside_of_the_cluster_turns_red(host_view: Hosts, priority: int) -> None:
    view = host_view(change=adverts(advert(11), advert(99, priority)))
    seen = f"192.0.2.99 ({MAC}, priority {priority})"
    assert_red(view, "vrrp.no_foreign_router", "no router outside the cluster uses VRID 68", seen, "hardware address")
    assert foreign_routers(view) == (seen,)


def test_foreign_routers_are_all_named_in_order(host_view: Hosts) -> None:
    view = host_view(change=adverts(advert(11), advert(100, 1), advert(99, 2), advert(99, 1)))
    assert [each.partition(" ")[0] for each in foreign_routers(view)] == ["192.0.2.99", "192.0.2.99", "192.0.2.100"]


def test_router_of_another_vrid_is_no_matter(host_view: Hosts) -> None:
    view = host_view(change=adverts(advert(11), advert(99, vrid=69)))
    assert {each.status for each in findings_of(view).values()} == {Status.PASS}
    assert foreign_routers(view) == ()


WATCHED = """table inet kube_ha_watch {
    set vrid_68 {
        type ipv4_addr . ether_addr
        elements = { 192.0.2.99 . 02:00:00:00:00:63 timeout 10s expires 9s300ms,
                 192.0.2.98 . 02:00:00:00:00:62 timeout 10s expires 700ms }
    }

    set vrid_77 {
        elements = { 192.0.2.97 . 02:00:00:00:00:61 timeout 10s expires 1s }
    }

    chain heard {
        iifname "eth0" ip saddr != { 192.0.2.11 } update @vrid_68 { ip saddr . ether saddr }
    }
}"""


def test_routers_that_the_kernel_remembers_are_foreign_too(host_view: Hosts) -> None:
    said = "02:00:00:00:00:63 > -, ethertype IPv4 (0x0800), length 54: 192.0.2.99 > -: VRRPv3, Advertisement, "
    text = f"{said}vrid 68, prio 100, intvl 300cs, length 12\n1 packet captured"
    adverts = parse_network.heard(text, WATCHED).adverts
    assert foreign_routers(host_view(change=heard(adverts=adverts))) == (
        "192.0.2.98 (02:00:00:00:00:62, heard within the last ten seconds)",
        "192.0.2.99 (02:00:00:00:00:63, priority 100)",
    )
    found = findings_of(host_view(change=heard(adverts=adverts)))
    assert found["vrrp.no_foreign_router"].status is Status.FAIL
    assert "192.0.2.9" not in found["vrrp.adverts"].seen


@pytest.mark.parametrize("check", ["vrrp.adverts", "vrrp.no_foreign_router"])
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(facts(heard=None), "cannot listen: tcpdump, arping or socat is missing", id="no tool"),
        pytest.param(
            heard(trouble="tcpdump: eth0: No such device exists", adverts=frozenset()),
            "cannot listen: tcpdump: eth0: No such device exists",
            id="no such interface",
        ),
    ],
)
def test_host_that_cannot_listen_is_unknown_with_the_reason(
    host_view: Hosts, check: str, change: Change, seen: str
) -> None:
    assert_unmade(host_view(change=change), check, seen)


def test_kernel_that_remembers_as_many_as_it_can_may_have_forgotten_one() -> None:
    elements = ",\n".join(f"192.0.2.{n} . 02:00:00:00:00:{n:02x} timeout 10s expires 1s" for n in range(1, 129))
    found = parse_network.heard("1 packet captured", f"set vrid_68 {{\nelements = {{ {elements} }}\n}}")
    assert found.excess == "the kernel records at most 128 routers of VRID 68"
    fewer = elements.replace("192.0.2.9 . ", "(")
    assert not parse_network.heard("1 packet captured", f"set vrid_68 {{\nelements = {{ {fewer} }}\n}}").excess


def test_routers_of_both_families_are_listed_in_order(host_view: Hosts) -> None:
    both = frozenset({advert(99, 100), Advert(IPv6Address("2001:db8::99"), MAC, 68, 100)})
    assert [each.split()[0] for each in foreign_routers(host_view(change=heard(adverts=both)))] == [
        "192.0.2.99",
        "2001:db8::99",
    ]
