"""Who wrote a live configuration file, and what ends when a deploy replaces it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from rig.samples import NONCE
from tests.support.foreign import VIP_77, WEB, with_file

from nornir_kube_ha.daemons import parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.facts import Facts, parse_facts
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign import cluster_in_header, foreign_files, is_ours

BOTH = frozenset({HAPROXY_CFG, KEEPALIVED_CONF})


@pytest.fixture
def cluster(intent: Intent) -> Cluster:
    """The lab's."""
    return intent.clusters[0]


@pytest.fixture
def lb_3(healthy: Mapping[str, Facts]) -> Facts:
    """A backup, all well."""
    return healthy["lb-3"]


@pytest.mark.field_report(
    "C1",
    "autobase#787, doc-caasp#508",
    "The play overwrites the haproxy.cfg of another service, whose frontends are gone.",
    "The deploy refuses before it changes anything and names the frontends with their ports.",
)
def test_foreign_file_is_named_with_its_listeners(cluster: Cluster, lb_3: Facts) -> None:
    (found,) = foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, WEB), BOTH)
    assert str(found) == (
        "/etc/haproxy/haproxy.cfg was not written by kube-ha, and haproxy runs with it: replacing it ends frontend web "
        "(*:80,[::]:80), listen mqtt (0.0.0.0:1883, unix@/run/x.sock), backend b"
    )


@pytest.mark.field_report(
    "C2",
    "keepalived#1692",
    "The other keepalived.conf is overwritten and its VIP ends.",
    "The deploy refuses before it changes anything and names the VIP, its instance and its VRID.",
)
def test_foreign_virtual_routers_are_named_with_their_vips(cluster: Cluster, lb_3: Facts) -> None:
    (found,) = foreign_files(cluster, with_file(lb_3, KEEPALIVED_CONF, VIP_77), BOTH)
    assert found.does == (
        "VIP 192.0.2.77/24 (vrrp_instance VI 1, VRID 51)",
        "VIP 192.0.2.78 (vrrp_instance VI_2, VRID 52)",
        "VIP 2001:db8::78/64 (vrrp_instance VI_2, VRID 52)",
    )


def test_peers_of_either_family_are_read() -> None:
    assert sorted(map(str, parse_keepalived_conf(VIP_77).peers)) == ["192.0.2.12", "2001:db8::12"]


@pytest.mark.parametrize("ends", [b"\r\n", b"\r", b"\n\t\n"])
def test_line_ends_of_others_are_read(ends: bytes) -> None:
    conf = parse_keepalived_conf(VIP_77.replace(b"\n", ends))
    assert [router.virtual_router_id for router in conf.vrrp_instances] == ["51", "52"]
    assert conf.vrrp_instances[0].addresses == ("192.0.2.77/24",)
    assert [str(each) for each in parse_haproxy_cfg(WEB.replace(b"\n", ends)).sections if each.binds] == [
        "frontend web (*:80,[::]:80)",
        "listen mqtt (0.0.0.0:1883, unix@/run/x.sock)",
    ]


@pytest.mark.parametrize(
    ("text", "does"),
    [
        (b"virtual_server 10.0.0.1 80 {\n delay_loop 6\n}\n", ("virtual_server 10.0.0.1 80",)),
        (b"include /etc/keepalived/conf.d/*.conf\n", ("include /etc/keepalived/conf.d/*.conf",)),
        (b"vrrp_instance x{\nvirtual_router_id 7\n}", ("vrrp_instance x, VRID 7",)),
        (b"vrrp_instance x {\nvirtual_ipaddress {\n10.0.0.1", ("VIP 10.0.0.1 (vrrp_instance x, VRID unknown)",)),
        (b"vrrp_script x {\nscript true\n}\n# vrrp_instance y {\n", ()),
        (b"}}}\n{{{", ()),
        (b"", ()),
    ],
)
def test_what_else_a_keepalived_conf_does(text: bytes, does: tuple[str, ...]) -> None:
    assert parse_keepalived_conf(text).does == does


@pytest.mark.parametrize(
    "text",
    [b"\n" * 10**6, b"x\n" * 400_000, b"vrrp_instance x{" * 12_000, b'"' * 10**6, b"x\n\n" * 10**5, b"'\\" * 10**6],
)
def test_hostile_text_is_read_within_a_second(text: bytes) -> None:
    begun = time.process_time()
    parse_keepalived_conf(text)
    parse_haproxy_cfg(text)
    cluster_in_header(text)
    assert time.process_time() - begun < 3


def test_message_is_bounded(cluster: Cluster, lb_3: Facts) -> None:
    text = b"".join(b"frontend f%d\n bind :%d\n" % (number, number) for number in range(3000))
    (found,) = foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, text + b"frontend " + b"x" * 9999), BOTH)
    assert str(found).endswith("frontend f7 (:7) and 2993 more")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"# Written by nornir-kube-ha for cluster demo. Changes made here are undone by the next deploy.\n", "demo"),
        (b"global\n  # Written by nornir-kube-ha for cluster a.b. Changes made here are undone.\r\n", "a.b"),
        (b"# Written by nornir-kube-ha for cluster demo", "demo"),
        (b"log Written by nornir-kube-ha for cluster demo. Changes made here", None),
        (b"# mine\n", None),
    ],
)
def test_cluster_in_a_header(text: bytes, name: str | None) -> None:
    assert cluster_in_header(text) == name


def test_our_file_that_was_changed_by_hand_is_drift(cluster: Cluster, lb_3: Facts) -> None:
    changed = with_file(lb_3, HAPROXY_CFG, lb_3.files[HAPROXY_CFG].content + WEB)
    assert foreign_files(cluster, changed, BOTH) == ()


@pytest.mark.parametrize("kind", ["written", "plain", "good", "kept", "packaged"])
def test_file_without_our_header_may_be_ours_or_a_packages(cluster: Cluster, lb_3: Facts, kind: str) -> None:
    origins = {HAPROXY_CFG: Origin(kind, "demo" if kind in {"written", "plain"} else "")}
    assert foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, WEB, origins=origins), BOTH) == ()


@pytest.mark.parametrize("kind", ["before", "unknown"])
def test_files_from_before_are_foreign(cluster: Cluster, lb_3: Facts, kind: str) -> None:
    facts = with_file(lb_3, HAPROXY_CFG, WEB, origins={HAPROXY_CFG: Origin(kind)})
    assert len(foreign_files(cluster, facts, BOTH)) == 1


def test_nothing_ends_with_a_unit_that_neither_runs_nor_starts_at_boot(cluster: Cluster, lb_3: Facts) -> None:
    unit = replace(lb_3.units["haproxy"], active_state="inactive", enabled=False)
    units = {**lb_3.units, "haproxy": unit}
    assert foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, WEB, units=units), BOTH) == ()
    units["haproxy"] = replace(unit, enabled=True)
    (found,) = foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, WEB, units=units), BOTH)
    assert "haproxy starts with it at boot" in str(found)


def test_unchanged_file_is_not_an_obstacle(cluster: Cluster, lb_3: Facts) -> None:
    assert foreign_files(cluster, with_file(lb_3, HAPROXY_CFG, WEB), frozenset({KEEPALIVED_CONF})) == ()


def renamed(facts: Facts, *, vip: bytes = b"192.0.2.10") -> Facts:
    """The host with files that were written for a cluster of another name."""
    for path in BOTH:
        content = facts.files[path].content.replace(b"cluster demo.", b"cluster old.").replace(b"192.0.2.10/32", vip)
        facts = with_file(facts, path, content)
    return facts


def test_cluster_that_was_renamed_is_the_same_one(cluster: Cluster, lb_3: Facts) -> None:
    facts = renamed(lb_3)
    assert cluster_in_header(facts.files[KEEPALIVED_CONF].content) == "old"
    assert all(is_ours(cluster, facts, path) for path in BOTH)


def test_files_written_for_another_cluster_are_protected(cluster: Cluster, lb_3: Facts) -> None:
    haproxy, keepalived = foreign_files(cluster, renamed(lb_3, vip=b"192.0.2.99/24"), BOTH)
    assert (haproxy.written_for, keepalived.written_for) == ("old", "old")
    assert str(keepalived) == (
        "/etc/keepalived/keepalived.conf was written for cluster old, and keepalived runs with it: replacing it ends "
        "VIP 192.0.2.99/24 (vrrp_instance VI-kube-master, VRID 68)"
    )


def test_host_says_where_its_files_come_from(recorded: Callable[[str], str]) -> None:
    said = (
        f"@{NONCE} origin {HAPROXY_CFG} written demo\n\n@{NONCE} kept_peers\n192.0.2.12\n::1:\n999.1.1.1\n2001:db8::1"
    )
    facts = parse_facts(recorded("facts-master").replace(f"@{NONCE} clock_end", f"{said}\n\n@{NONCE} clock_end"), NONCE)
    assert facts.origins == {HAPROXY_CFG: Origin("written", "demo")}
    assert sorted(map(str, facts.kept_peers)) == ["192.0.2.12", "2001:db8::1"]
