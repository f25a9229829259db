"""What a keepalived.conf says, however it is written."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.changes import Hosts, findings_of
from tests.support.foreign import with_file

from nornir_kube_ha.daemons import parse_keepalived_conf
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.firewall import openings_of
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.vrrp_compatibility import differences
from nornir_kube_ha.rollout.preflight import blockers

GUIDE = """\
global_defs {
    router_id LVS_1
}
vrrp_script chk {
    script "killall -0 haproxy"
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    advert_int 1
    virtual_ipaddress {
        192.0.2.10/24
    }
    track_script {
        chk
    }
}
"""
AUTHENTICATION = "    authentication {\n        auth_type PASS\n        auth_pass hush-one\n    }\n"
VERSION_2 = GUIDE.replace("    router_id LVS_1\n", "    vrrp_version 2\n")


def between(old: str, new: str) -> tuple[str, ...]:
    return differences(*(parse_keepalived_conf(each.encode()) for each in (old, new)))


def with_lines(lines: str) -> str:
    return VERSION_2.replace("    interface eth0\n", f"    interface eth0\n{lines}")


def test_statements_know_their_lines() -> None:
    text = GUIDE.replace("vrrp_instance VI_1 {", "vrrp_instance VI_1 # ours\n\n{").encode()
    conf = parse_keepalived_conf(text)
    found = {each.keyword: (each.first, each.last) for each in conf.statements}
    assert found == {"global_defs": (1, 3), "vrrp_script": (4, 6), "vrrp_instance": (7, 20)}
    lines = text.decode().split("\n")
    instance = conf.vrrp_instances[0].statement
    assert lines[instance.first - 1].startswith("vrrp_instance")
    assert lines[instance.last - 1] == "}"
    [vips] = [each for each in instance.block if each.keyword == "virtual_ipaddress"]
    assert [(each.words, each.first) for each in vips.block] == [(("192.0.2.10/24",), 15)]
    assert conf.scripts == {"chk": "killall -0 haproxy"}


def test_password_is_in_no_repr() -> None:
    assert "hush-one" not in repr(parse_keepalived_conf(with_lines(AUTHENTICATION).encode()))


def test_nesting_has_no_bottom_that_is_reached() -> None:
    conf = parse_keepalived_conf(b"a {" * 50_000 + b"}" * 49_999 + b"\nvrrp_instance x { virtual_router_id 7 }\n}\n")
    assert len(conf.statements) == 1
    closed = parse_keepalived_conf(b"a {" * 50_000 + b"}" * 50_000 + b"\nvrrp_instance x {\nvirtual_router_id 7\n}\n")
    assert closed.virtual_router_ids == {"7"}


@pytest.mark.parametrize(
    "written",
    [
        "virtual_router_id 51 # 52",
        "virtual_router_id 051",
        'virtual_router_id "51"',
        "virtual_router_id\t51\r",
        "! virtual_router_id 7\n    virtual_router_id 51",
        "virtual_router_id 7\n    virtual_router_id 51",  # keepalived takes the last one
    ],
)
def test_vrid_is_read_as_keepalived_reads_it(written: str) -> None:
    conf = parse_keepalived_conf(GUIDE.replace("virtual_router_id 51", written).encode())
    assert conf.virtual_router_ids == {"51"}


# keepalived.conf(5): vrrp_version is 2 by default, and 3 for IPv6; `version` of an instance goes before it.
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (GUIDE, VERSION_2, ()),
        (GUIDE, VERSION_2.replace("vrrp_version 2", "vrrp_version 3"), ("vrrp_version none -> 3",)),
        (
            GUIDE.replace("192.0.2.10", "2001:db8::10"),
            VERSION_2.replace("192.0.2.10", "2001:db8::10").replace("n 2", "n 3"),
            (),
        ),
        (with_lines("    version 3\n"), VERSION_2, ("vrrp_version 3 -> 2",)),
        ("# vrrp_version 3\n" + GUIDE, VERSION_2, ()),
    ],
)
def test_version_that_is_not_written_is_keepaliveds_own(old: str, new: str, words: tuple[str, ...]) -> None:
    assert between(old, new) == words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (AUTHENTICATION, "", ("authentication PASS -> none",)),
        (AUTHENTICATION, AUTHENTICATION.replace("PASS", "AH"), ("authentication PASS -> AH",)),
        (AUTHENTICATION, AUTHENTICATION.replace("hush-one", "hush-two"), ("authentication PASS -> another PASS",)),
        (AUTHENTICATION, AUTHENTICATION.replace("hush-one", '"hush-one" # the same'), ()),
        ("    advert_int 1.0\n", "", ()),
        ("    advert_int 2\n", "", ("advert_int 2 -> 1",)),
    ],
)
def test_version_2_must_agree_on_more(old: str, new: str, words: tuple[str, ...]) -> None:
    bare = VERSION_2.replace("    advert_int 1\n", "") if "advert_int" in old else VERSION_2
    assert between(bare.replace("    state MASTER\n", old), VERSION_2.replace("    state MASTER\n", new)) == words


def test_version_3_has_no_authentication() -> None:
    old = with_lines(AUTHENTICATION).replace("vrrp_version 2", "vrrp_version 3")
    assert between(old, VERSION_2.replace("vrrp_version 2", "vrrp_version 3")) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("192.0.2.10/24\n", "192.0.2.10/24 # ours\n        # 192.0.2.99\n"),
        ("192.0.2.10/24\n", "! 192.0.2.98 {\n        192.0.2.10/24\n"),
        ("192.0.2.10/24\n    }\n", "192.0.2.10/24\n    } # }\n    # }\n"),
        ("virtual_ipaddress {", "virtual_ipaddress # of the API\n    {"),
        ("vrrp_instance VI_1 {", "vrrp_instance VI_1\n{"),
        ("\n", "\r"),
        ("advert_int 1\n", ""),
        ("advert_int 1\n", "advert_int 1.0\n"),
        ("interface eth0", 'interface "eth0"'),
        ("    }\n    track", "    }\n    virtual_ipaddress {\n    }\n    track"),
    ],
)
def test_what_is_written_otherwise_is_no_difference(old: str, new: str) -> None:
    other = VERSION_2.replace(old, new)
    assert other != VERSION_2
    assert between(other, VERSION_2) == ()
    assert between(VERSION_2, other) == ()


def test_addresses_of_a_second_block_are_on_the_wire_too() -> None:
    second = VERSION_2.replace(
        "    track_script", "    virtual_ipaddress {\n        192.0.2.11\n    }\n    track_script"
    )
    assert between(second, VERSION_2) == ("virtual_ipaddress 192.0.2.10/24, 192.0.2.11 -> 192.0.2.10/24",)


def test_address_in_a_comment_is_not_a_vip_of_keepalived(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    """An address that somebody else gave to the host stops the deploy, whatever a comment says."""
    words = "is already an address of this host, and not set by keepalived"
    for text, is_told in (
        ("# 192.0.2.10/32 will be the VIP\n", True),
        ("vrrp_instance x {\n unicast_peer {\n  192.0.2.10\n }\n}\n", True),
        ("vrrp_instance x {\n virtual_ipaddress {\n  192.0.2.10 dev eth0\n }\n}\n", False),
        ("vrrp_instance x {\n virtual_ipaddress_excluded { 192.0.2.10/24 }\n}\n", False),
        ("static_ipaddress {\n 192.0.2.10/24 dev eth0\n}\n", False),
    ):
        facts = with_file(healthy["lb-1"], KEEPALIVED_CONF, text.encode())
        found = [*blockers(intent.clusters[0], intent.node("lb-1"), {**healthy, "lb-1": facts})]
        assert any(words in each for each in found) is is_told, text


def test_vip_of_another_spelling_is_keepaliveds() -> None:
    conf = parse_keepalived_conf(b"vrrp_instance x {\n virtual_ipaddress {\n  2001:DB8:0::10/64\n }\n}\n")
    assert [str(each) for each in conf.assigned] == ["2001:db8::10"]


def test_peers_of_every_instance_are_let_through(intent: Intent) -> None:
    text = "".join(
        f"vrrp_instance VI_{each} {{\n unicast_peer {{\n  192.0.2.{each} # 192.0.2.77\n }}\n}}\n" for each in (51, 52)
    )
    cluster, node = intent.clusters[0], intent.node("lb-1")
    found = openings_of([ConfigFile(KEEPALIVED_CONF, f"# unicast_peer {{ 192.0.2.66 }}\n{text}")], cluster, node)
    assert {each.what for each in found} == {
        f"VRRP {way} 192.0.2.{each}" for each in (51, 52) for way in ("to", "from")
    }


def test_file_that_is_included_within_an_instance_is_named() -> None:
    conf = parse_keepalived_conf(b"vrrp_instance x {\n virtual_router_id 7\n include vips.conf\n}\ninclude conf.d/*\n")
    assert conf.does == ("vrrp_instance x, VRID 7", "include vips.conf", "include conf.d/*")


@pytest.mark.parametrize(
    ("line", "is_red"), [("track_file x {\n file /x\n}\n", True), ("# no track_file here\n", False)]
)
def test_comment_needs_no_watch(host_view: Hosts, line: str, is_red: bool) -> None:
    def change(facts: Facts) -> Facts:
        assert facts.liveness
        found = with_file(facts, KEEPALIVED_CONF, f"{line}{GUIDE}".encode())
        return replace(found, liveness=replace(facts.liveness, watches=0))

    seen = findings_of(host_view(change=change))["keepalived.able"].seen
    assert ("no inotify watch" in seen) is is_red
