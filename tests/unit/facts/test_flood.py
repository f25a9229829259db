"""Too much on the wire: it is told of, with who it was, and hides neither a stranger nor the look's own end."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.changes import Clusters, Hosts, findings_of
from tests.support.changes import heard as hearing

from nornir_kube_ha.checks import HostView, Status, check_cluster
from nornir_kube_ha.facts import Advert, Answer, Facts
from nornir_kube_ha.facts.parse_network import MOST_ASIDE, heard
from nornir_kube_ha.ssh.script import load_script

COUNTED = ["250 packets captured", "250 packets received by filter", "0 packets dropped by kernel"]
MAC = "02:aa:00:00:00:{:02x}"
ARP = MAC + " > -, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.10 tell 192.0.2.10, length 28"
VRRP = (
    MAC + " > -, ethertype IPv4 (0x0800), length 54: 192.0.2.{} > -: VRRPv3, Advertisement, vrid 68, prio 100, "
    "intvl 100cs, length 12"
)
NDP = (
    MAC + " > -, ethertype IPv6 (0x86dd), length 86: fe80::{} > -: ICMP6, neighbor advertisement, tgt is "
    "2001:db8::10, length 32"
)
FLOODS: dict[str, list[str]] = {
    "ARP": [ARP.format(number) for number in range(40)],
    "VRRP": [VRRP.format(number, number) for number in range(40)],
    "neighbour": [NDP.format(number, number) for number in range(40)],
    "long lines": [f"{ARP.format(number)} {'x' * 4000}" for number in range(40)],
    "a thousand": [ARP.format(number % 256) + f" {number}" for number in range(1000)],
}


def told(lines: list[str]) -> str:
    """What probes.sh passes on of what was heard."""
    match = re.search(
        r"^heard\(\) \{\n    hear \| (awk '.*?')\n\}$", load_script("probes.sh"), re.MULTILINE | re.DOTALL
    )
    assert match
    text = "".join(f"{line}\n" for line in sorted([*lines, *COUNTED]))
    return subprocess.run(["sh", "-c", match[1]], input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.field_report("F1")
@pytest.mark.parametrize("kind", FLOODS)
def test_flood_is_a_finding_and_not_deafness(kind: str) -> None:
    text = told(FLOODS[kind])
    assert len(text) < MOST_ASIDE
    found = heard(text)
    assert found.trouble == ""
    assert re.fullmatch(rf"heard {len(FLOODS[kind])} different messages, and \d+ are shown", found.excess)
    assert not found.is_whole


def test_what_fits_is_whole() -> None:
    found = heard(told(FLOODS["ARP"][:20]))
    assert (found.is_whole, len(found.answers)) == (True, 20)


def test_packets_that_the_kernel_dropped_are_reported() -> None:
    found = heard("3 packets captured\n90 packets received by filter\n17 packets dropped by kernel\n")
    assert (found.excess, found.is_whole) == ("17 packets dropped by kernel", False)


def flooded(lines: list[str]) -> Callable[[Facts], Facts]:
    def change(facts: Facts) -> Facts:
        flood = heard(told(lines))
        assert facts.heard
        return replace(facts, heard=replace(flood, adverts=facts.heard.adverts | flood.adverts))

    return change


def test_arp_from_many_is_red_and_names_some(host_view: Hosts, cluster_view: Clusters) -> None:
    change = flooded(FLOODS["ARP"])
    alone = findings_of(host_view(change=change))
    for check in ("vrrp.adverts", "vrrp.no_foreign_router"):
        assert alone[check].status is Status.UNKNOWN
        assert "too much traffic on eth0: heard 40 different messages" in alone[check].seen
        assert MAC.format(0) in alone[check].seen
        assert alone[check].next
        assert len(alone[check].seen) < 1000
    found = {each.id: each for each in check_cluster(cluster_view({"lb-2": change}))}["vip.arp"]
    assert found.status is Status.FAIL
    assert f"lb-2 gets {MAC.format(0)}" in found.seen
    assert len(found.seen) < 1000


def test_adverts_from_many_fail_as_foreign_routers(host_view: Hosts) -> None:
    found = findings_of(host_view(change=flooded(FLOODS["VRRP"])))["vrrp.no_foreign_router"]
    assert found.status is Status.FAIL
    assert found.seen.endswith(" more")


@pytest.mark.field_report(
    "F4",
    "found by trial",
    "whoever speaks with the master's address is believed",
    "an advert of a node's address from a hardware address that is not the node's turns red, and both are named",
)
def test_advert_with_a_nodes_address_from_elsewhere_is_red(host_view: Hosts, healthy: dict[str, Facts]) -> None:
    view: HostView = host_view("lb-2")
    owner = view.cluster.node("lb-1")
    mac = healthy["lb-1"].links["eth0"].mac
    macs = {owner.address: frozenset({mac})}
    assert findings_of(replace(view, macs=macs))["vrrp.no_foreign_router"].status is Status.PASS
    vrid = view.cluster.virtual_router_ids[0]
    forged = Advert(owner.address, "02:ba:d0:00:00:01", vrid, 200)

    def hear(facts: Facts) -> Facts:
        assert facts.heard
        return hearing(adverts=facts.heard.adverts | {forged}, answers=frozenset[Answer]())(facts)

    found = findings_of(replace(host_view("lb-2", hear), macs=macs))["vrrp.no_foreign_router"]
    assert found.status is Status.FAIL
    assert found.seen == f"{owner.address} (02:ba:d0:00:00:01, while lb-1 has {mac}, priority 200)"
    untold = findings_of(host_view("lb-2", hear))["vrrp.no_foreign_router"]
    assert untold.status is Status.PASS  # its node was not looked at, so nobody knows
