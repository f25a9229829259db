"""The host itself: its interface, its packet filter, its disk, and what keeps the daemons from their work."""

from dataclasses import replace

import pytest
from tests.support.changes import Change, Hosts, assert_red, assert_skipped, assert_unmade, facts, findings_of
from tests.support.rulesets import recorded_ruleset

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Facts, Filesystem, Link
from nornir_kube_ha.firewall import FirewallFact

GIB = 2**30


def link(name: str, found: Link | None) -> Change:
    def change(now: Facts) -> Facts:
        others = {key: value for key, value in now.links.items() if key != name}
        return replace(now, links={**others, **({name: found} if found else {})})

    return change


def without_address(found: Facts) -> Facts:
    return replace(found, addresses=tuple(pair for pair in found.addresses if str(pair[1].ip) != "192.0.2.12"))


def on_another_interface(found: Facts) -> Facts:
    addresses = [("eth1" if str(each.ip) == "192.0.2.12" else name, each) for name, each in found.addresses]
    return replace(found, addresses=tuple(addresses))


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(link("eth0", None), "eth0 is missing", id="missing"),
        pytest.param(link("eth0", Link("02:2a:3e:43:89:ac", is_up=False)), "eth0 is down", id="down"),
        pytest.param(without_address, "eth0 is up, without 192.0.2.12", id="without its address"),
        pytest.param(on_another_interface, "eth0 is up, without 192.0.2.12", id="which another has"),
    ],
)
def test_interface_that_cannot_carry_the_vip_turns_red(host_view: Hosts, change: Change, seen: str) -> None:
    view = host_view("lb-2", change)
    assert_red(view, "host.interface", "eth0 is up and has 192.0.2.12", seen, "`interface`")
    assert findings_of(view)["host.interface"].seen == seen


def disk(size: int, available: int, inodes: int = 1000, inodes_available: int = 1000) -> Change:
    return facts(filesystems=(Filesystem("/var/log", size, available, inodes, inodes_available),))


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(disk(10 * GIB, 0), "/var/log: 0 of 10240 MiB free", id="full"),
        pytest.param(disk(10 * GIB, GIB // 2 - 1), "/var/log: 511 of 10240 MiB free", id="below its share"),
        pytest.param(disk(100 * GIB, GIB - 1), "/var/log: 1023 of 102400 MiB free", id="large and below 1 GiB"),
        pytest.param(disk(GIB, GIB, 1000, 49), "/var/log: 49 of 1000 inodes free", id="inodes"),
        pytest.param(facts(read_only=("/etc",)), "/etc is not writable", id="read-only"),
    ],
)
def test_disk_without_room_turns_red(host_view: Hosts, change: Change, seen: str) -> None:
    assert_red(host_view(change=change), "host.disk", "5 % (or 1 GiB) free", seen, "free some space")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(disk(10 * GIB, GIB // 2), id="just its share"),
        pytest.param(disk(100 * GIB, GIB), id="large and 1 GiB"),
        pytest.param(disk(GIB, GIB, 1000, 50), id="just enough inodes"),
        pytest.param(disk(GIB, GIB, 0, 0), id="without a count of inodes"),
        pytest.param(disk(0, 0, 0, 0), id="without a size"),
    ],
)
def test_disk_with_room_raises_no_false_alarm(host_view: Hosts, change: Change) -> None:
    finding = findings_of(host_view(change=change))["host.disk"]
    assert (finding.status, finding.seen) == (Status.PASS, "/var/log")


def test_share_that_must_be_free_is_the_inventorys(host_view: Hosts) -> None:
    view = host_view(change=disk(GIB, GIB // 2), group={"verify": {"disk_free_percent": 60}})
    assert_red(view, "host.disk", "60 % (or 1 GiB) free", "/var/log: 512 of 1024 MiB free", "")


def test_disk_that_df_does_not_tell_of_is_unknown(host_view: Hosts) -> None:
    assert_unmade(host_view(change=facts(filesystems=())), "host.disk", "`df` printed nothing")
    read_only = host_view(change=facts(filesystems=(), read_only=("/run",)))
    assert findings_of(read_only)["host.disk"].status is Status.FAIL


def test_denials_are_warned_of_word_for_word(host_view: Hosts) -> None:
    words = ('apparmor="DENIED" operation="open" profile="haproxy" name="/a"', "avc:  denied  { connect } keepalived")
    view = host_view(change=facts(denials=words))
    assert_red(view, "host.denials", "nothing denied", "\n".join(words), "/etc/apparmor.d/local", status=Status.WARN)


def ruleset(name: str) -> Change:
    return facts(packet_filter=recorded_ruleset(name))


def dropping(hook: str, *match: str) -> Change:
    """A filter that drops what matches, and nothing else."""
    chain = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": "accept"}
    text = (
        '{"nftables": [{"table": {"family": "inet", "name": "t", "handle": 1}}, {"chain": %s},'
        ' {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 3, "expr": [%s, {"drop": null}]}}]}'
    )
    return facts(packet_filter=text % (str(chain).replace("'", '"'), ", ".join(match)))


PROTOCOL = '{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": %s}}'
FROM = '{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "%s"}}'
PORT = '{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": %s}}'


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(dropping("input", PROTOCOL % 112), "VRRP from lb-2: ", id="VRRP in"),
        pytest.param(dropping("output", PROTOCOL % 112), "VRRP to lb-2: ", id="VRRP out"),
        pytest.param(dropping("input", FROM % "192.0.2.13"), "VRRP from lb-3: ", id="one peer"),
        pytest.param(dropping("input", PORT % 8443), "port 8443 from lb-2: ", id="apiserver port"),
    ],
)
def test_packet_filter_that_drops_turns_red(host_view: Hosts, change: Change, seen: str) -> None:
    assert_red(host_view(change=change), "host.firewall", "nftables accepts VRRP", seen, "IP protocol 112")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(facts(packet_filter=""), id="no rules"),
        pytest.param(dropping("input", PORT % 22), id="another port"),
        pytest.param(dropping("input", PORT % 10080), id="stats port, which clients do without"),
        pytest.param(dropping("input", FROM % "192.0.2.99"), id="somebody else"),
    ],
)
def test_packet_filter_that_lets_us_through_passes(host_view: Hosts, change: Change) -> None:
    finding = findings_of(host_view(change=change))["host.firewall"]
    assert (finding.status, finding.seen) == (Status.PASS, "accepted")


def test_multicast_must_pass_where_it_is_what_is_spoken(host_view: Hosts) -> None:
    to_group = '{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "%s"}}'
    view = host_view(change=dropping("input", to_group % "224.0.0.18"), group={"keepalived": {"unicast": False}})
    assert findings_of(view)["host.firewall"].status is Status.FAIL
    unicast = host_view(change=dropping("input", to_group % "224.0.0.18"))
    assert findings_of(unicast)["host.firewall"].status is Status.PASS


def test_opening_that_a_boot_forgets_turns_red(host_view: Hosts) -> None:
    rule, *_ = rules = [f"allow from 192.0.2.1{n} proto vrrp" for n in (2, 3)]
    tables = [f"allow from 192.0.2.1{n} to any port 8444 proto tcp" for n in (2, 3)]
    live = frozenset({*rules, *tables, "allow 9443/tcp"})
    text = recorded_ruleset("opened-by-kube-ha")
    view = host_view(change=facts(packet_filter=text, firewall=FirewallFact("ufw", live=live, kept=live)))
    assert findings_of(view)["host.firewall"].status is Status.PASS  # what is open for nothing stops nobody
    view = host_view(change=facts(packet_filter=text, firewall=FirewallFact("ufw", live=live)))
    assert_red(
        view,
        "host.firewall",
        "now and after a reboot",
        f"missing after a reboot: {rule}",
        "run deploy, which adds rules",
    )


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(facts(packet_filter=None), "nft is not installed", id="no tool"),
        pytest.param(facts(packet_filter='{"nftables": [{"table"'), "cannot parse the rules: ", id="cut short"),
    ],
)
def test_packet_filter_that_cannot_be_read_is_unknown(host_view: Hosts, change: Change, seen: str) -> None:
    assert_unmade(host_view(change=change), "host.firewall", seen)


def test_undecidable_packet_filter_is_skipped(host_view: Hosts) -> None:
    mark = '{"match": {"op": "==", "left": {"ct": {"key": "mark"}}, "right": 7}}'
    assert_skipped(host_view(change=dropping("input", mark)), "host.firewall", "VRRP from lb-2: ")
    both = host_view(change=dropping("input", mark, PROTOCOL % 47))
    assert findings_of(both)["host.firewall"].status is Status.PASS


def test_whole_policy_that_drops_turns_red(host_view: Hosts) -> None:
    assert findings_of(host_view(change=ruleset("policy-drop")))["host.firewall"].status is Status.FAIL
