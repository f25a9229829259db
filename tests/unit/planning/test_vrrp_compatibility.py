"""What nodes must agree on to hear each other: no change of it goes from host to host."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.world import ALL, World, failure_of, rolled

from nornir_kube_ha.daemons import parse_keepalived_conf
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning import vrrp_compatibility


def differences(old: str, new: str) -> tuple[str, ...]:
    return vrrp_compatibility.differences(*(parse_keepalived_conf(text.encode()) for text in (old, new)))


@pytest.fixture
def conf(world: World) -> str:
    """A keepalived.conf of ours."""
    return world.healthy["lb-1"].files[KEEPALIVED_CONF].content.decode()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vrrp_version 3", "vrrp_version 2", ("vrrp_version 3 -> 2",)),
        ("virtual_router_id 68", "virtual_router_id 69", ("virtual_router_id 68 -> 69",)),
        ("interface eth0", "interface eth1", ("interface eth0 -> eth1",)),
        ("192.0.2.10", "192.0.2.20", ("virtual_ipaddress 192.0.2.10/32 -> 192.0.2.20/32",)),
        (
            "        192.0.2.10/32",
            "        192.0.2.10/32\n        192.0.2.20/32",
            ("virtual_ipaddress 192.0.2.10/32 -> 192.0.2.10/32, 192.0.2.20/32",),
        ),
        (  # which no advert names
            "    virtual_ipaddress {",
            "    virtual_ipaddress_excluded {\n        2001:db8::10/64 preferred_lft 0\n    }\n    virtual_ipaddress {",
            (),
        ),
        ("unicast_peer {", "peers {", ("unicast_peer some -> none",)),
        ("priority 180", "priority 100", ()),
        ("advert_int 0.05", "advert_int 0.1", ()),  # version 3's adverts say how often they come
        ("        192.0.2.12", "        192.0.2.19", ()),  # a peer is replaced
    ],
)
def test_what_must_be_the_same_on_all_nodes(conf: str, old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in conf
    assert differences(conf, conf.replace(old, new)) == words


def test_interval_must_be_the_same_where_adverts_do_not_tell_it(conf: str) -> None:
    second = conf.replace("vrrp_version 3", "vrrp_version 2")
    assert differences(second, second.replace("advert_int 0.05", "advert_int 1")) == ("advert_int 0.05 -> 1",)


@pytest.mark.field_report("C2")
def test_other_virtual_routers_than_ours_need_not_hear_them(conf: str) -> None:
    other = "vrrp_instance x {\n virtual_router_id 51\n virtual_ipaddress {\n  192.0.2.77\n }\n}\n"
    assert differences(other, conf) == ()
    assert "vrrp_version none -> 3" in differences(other.replace("51", "68"), conf)
    assert "vrrp_version none -> 3" in differences(other.replace("192.0.2.77", "192.0.2.10"), conf)


SECOND = """
vrrp_instance VI-kube-master-69 {
    interface eth0
    virtual_router_id 69
    advert_int 0.05
    unicast_peer {
        192.0.2.12
    }
    virtual_ipaddress {
        192.0.2.20/32
    }
}
"""


def test_another_virtual_router_is_spoken_among_those_that_have_it(conf: str) -> None:
    assert differences(conf, conf + SECOND) == ()
    assert differences(conf + SECOND, conf) == ()


def test_each_virtual_router_must_be_the_same_on_all_nodes(conf: str) -> None:
    both = conf + SECOND
    assert differences(both, both.replace("192.0.2.20/32", "192.0.2.30/32")) == (
        "VRID 69: virtual_ipaddress 192.0.2.20/32 -> 192.0.2.30/32",
    )


def test_an_address_does_not_go_from_one_virtual_router_to_another_host_by_host(conf: str) -> None:
    other = SECOND.replace("-69 {", "-70 {").replace("virtual_router_id 69", "virtual_router_id 70")
    assert differences(conf + SECOND, conf + other) == ("192.0.2.20: virtual_router_id 69 -> 70",)


OTHERS = [
    ("", "", "VI-kube-master", "VI_1"),
    ("", "", "VI-kube-master", '"VI-kube-master"'),
    ("(?m)^", "  ", "", ""),
    ("(?m)^ +", "", "", ""),
    (r"(?m)^\}", " }", "", ""),
]


@pytest.mark.parametrize(("pattern", "by", "old", "new"), OTHERS)
def test_a_foreign_file_is_recognised_by_its_settings_on_the_wire(
    conf: str, pattern: str, by: str, old: str, new: str
) -> None:
    other = re.sub(pattern, by, conf) if pattern else conf.replace(old, new)
    assert other != conf
    assert differences(other, conf) == ()
    assert differences(other.replace("virtual_router_id 68", "virtual_router_id 51"), conf) == (
        "virtual_router_id 51 -> 68",
    )
    moved = other.replace("192.0.2.10/32", "192.0.2.99/32")
    assert differences(moved, conf) == ("virtual_ipaddress 192.0.2.99/32 -> 192.0.2.10/32",)


@pytest.fixture
def other_version(world: World) -> World:
    """Three hosts that serve, with another version of VRRP than the inventory wants."""

    def changed(facts: Facts) -> Facts:
        file = facts.files[KEEPALIVED_CONF]
        file = replace(file, content=file.content.replace(b"vrrp_version 3", b"vrrp_version 2"))
        return replace(facts, files={**facts.files, KEEPALIVED_CONF: file})

    world.facts = {host: changed(facts) for host, facts in world.facts.items()}
    return world


def test_such_a_change_is_refused_and_the_refusal_says_how_long_it_would_take(
    other_version: World, run_of: Callable[..., Run]
) -> None:
    report = rolled(other_version, run_of("deploy"))
    assert failure_of(report, "lb-1") == (
        "PreflightError: vrrp_version 2 -> 3: nodes with and without this change ignore each other's adverts, so hosts "
        "cannot change one by one. Pass --accept-outage to change all nodes at once, which leaves "
        "the VIP without a holder "
        "for about 0.8 s; nothing was changed"
    )
    assert not other_version.order("stage", "commit", "services")


def test_with_the_users_word_all_nodes_change_at_once(other_version: World, run_of: Callable[..., Run]) -> None:
    report = rolled(other_version, run_of("deploy"), accept_outage=True)
    steps = other_version.order("commit", "services", "look")
    assert sorted(steps[:3]) == [(host, "look") for host in ALL]
    assert sorted(steps[3:9]) == [(host, step) for host in ALL for step in ("commit", "services")]
    assert report.passed


@pytest.mark.field_report("D5")
@pytest.mark.parametrize("length", ["/24", "/28", ""])
def test_prefix_length_of_a_vip_is_not_on_the_wire(conf: str, length: str) -> None:
    assert differences(conf.replace("192.0.2.10/32", f"192.0.2.10{length}"), conf) == ()
