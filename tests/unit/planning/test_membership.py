"""Who joins a cluster, and who was part of it: nodes that do not hear each other would both hold the VIP."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.support.foreign import VIP_77, with_file

from nornir_kube_ha.facts import Advert, Facts, Heard
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.membership import (
    FormerPeer,
    further_addresses,
    is_member,
    joining,
    strangers_to,
    why_not_to_join,
)
from nornir_kube_ha.tasks.former import parse_former_peers

GONE = ip_address("192.0.2.13")


@pytest.fixture
def cluster(intent: Intent) -> Cluster:
    """The lab's."""
    return intent.clusters[0]


def without_peer(facts: Facts, address: str = "192.0.2.13") -> Facts:
    """A host that sends a node no adverts."""
    content = facts.files[KEEPALIVED_CONF].content.replace(f"        {address}\n".encode(), b"")
    return with_file(facts, KEEPALIVED_CONF, content)


def stopped(facts: Facts) -> Facts:
    """A host whose keepalived does not run."""
    return replace(
        facts, units={**facts.units, "keepalived": replace(facts.units["keepalived"], active_state="inactive")}
    )


@pytest.mark.field_report(
    "C6",
    "found by trial",
    "A node with the package's sample file is changed first and becomes a second holder.",
    "A host whose live file is not the cluster's joins last, and is stopped again if it holds the VIP beside another.",
)
@pytest.mark.parametrize(
    "content", [VIP_77, b"", b"# sample\nvrrp_instance VI_1 {\n virtual_ipaddress {\n 10.0.0.1\n }\n}"]
)
def test_host_with_any_other_file_joins(cluster: Cluster, healthy: Mapping[str, Facts], content: bytes) -> None:
    facts = {**healthy, "lb-3": with_file(healthy["lb-3"], KEEPALIVED_CONF, content)}
    assert joining(cluster, ["lb-1", "lb-2", "lb-3"], facts) == ("lb-3",)


def test_node_with_an_old_file_joins_if_no_peer_lists_it(cluster: Cluster, healthy: Mapping[str, Facts]) -> None:
    facts = {**healthy, "lb-1": without_peer(healthy["lb-1"]), "lb-3": stopped(healthy["lb-3"])}
    assert joining(cluster, ["lb-3"], facts) == ("lb-3",)
    assert strangers_to(cluster, "lb-3", facts) == ("lb-1",)
    assert joining(cluster, ["lb-3"], {**healthy, "lb-3": stopped(healthy["lb-3"])}) == ()


def test_foreign_file_with_the_cluster_s_vip_and_vrid_is_a_member(
    cluster: Cluster, healthy: Mapping[str, Facts]
) -> None:
    adopted = VIP_77.replace(b"192.0.2.77/24", b"192.0.2.10/24").replace(b"51", b"68")
    assert is_member(cluster, with_file(healthy["lb-3"], KEEPALIVED_CONF, adopted))
    assert not is_member(cluster, with_file(healthy["lb-3"], KEEPALIVED_CONF, adopted.replace(b"68", b"69")))


def test_node_has_its_old_address_beside_a_new_one(cluster: Cluster, healthy: Mapping[str, Facts]) -> None:
    assert not further_addresses(cluster, {"lb-3": healthy["lb-3"]}) & {node.address for node in cluster.nodes}
    moved = cluster.nodes[2].model_copy(update={"address": ip_address("192.0.2.33")})
    assert GONE in further_addresses(Cluster("demo", (*cluster.nodes[:2], moved)), healthy)
    assert GONE in healthy["lb-1"].keepalived_conf.peers


def test_host_must_not_join_alone_where_the_vip_answers(cluster: Cluster, healthy: Mapping[str, Facts]) -> None:
    lb_3 = replace(healthy["lb-3"], heard=Heard(frozenset(), frozenset()))
    assert "lb-1, lb-2, not seen by this run" in why_not_to_join(cluster, "lb-3", {"lb-3": lb_3})
    told = frozenset({Advert(ip_address("192.0.2.11"), "02:00:00:00:00:01", 68, 180)})
    knowing = replace(lb_3, heard=Heard(told, frozenset()))
    assert why_not_to_join(cluster, "lb-3", {"lb-3": knowing}) == ""
    alone = replace(lb_3, reachable=replace(lb_3.reachable, ping=False))
    assert why_not_to_join(cluster, "lb-3", {"lb-3": alone}) == ""
    assert why_not_to_join(cluster, "lb-3", {**healthy, "lb-3": lb_3}) == ""


@pytest.mark.parametrize(
    ("lines", "may"),
    [
        ("answers 192.0.2.13 ping\n@0 answers 192.0.2.13 port 8443", True),
        ("answers 192.0.2.13 ARP", True),
        ("answers 192.0.2.13 ping\n@0 rejects 192.0.2.13", False),
        ("answers 192.0.2.13 port 8443\n@0 rejects 192.0.2.13", True),
        ("answers 192.0.2.99 ping\n@0 rejects nonsense\n@0 other 192.0.2.13", False),
        ("", False),
    ],
)
def test_what_a_former_node_answers(lines: str, may: bool) -> None:
    text = "".join(f"\n@0 {line}\n" for line in lines.split("\n@0 ") if line) + "\n@0 end\n"
    found = parse_former_peers(text, "0", [GONE])
    assert list(found) == [GONE]
    assert found[GONE].may_take_over is may


def test_silent_machine_is_forgotten() -> None:
    assert not FormerPeer().may_take_over
