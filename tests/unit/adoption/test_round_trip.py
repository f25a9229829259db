"""Our own files, adopted, give the intent that they were rendered from."""

from collections.abc import Callable
from ipaddress import ip_interface

import pytest
from rig.lab import ROOT
from tests.support.adoption import Adopted, rendered

from nornir_kube_ha.adoption import Running, SourceFile
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.names import HAPROXY_CA, HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent

INVENTORIES = ROOT / "tests/config/inventory"


def running(node: Node, files: dict[str, bytes]) -> Running:
    return Running(
        node.name,
        (SourceFile(HAPROXY_CFG, files[HAPROXY_CFG]),),
        (SourceFile(KEEPALIVED_CONF, files[KEEPALIVED_CONF]),),
        (("eth0", ip_interface(f"{node.address}/{node.vip.network.prefixlen}")),),
        ca=files.get(HAPROXY_CA, b"").decode(),
        ca_path=HAPROXY_CA,
    )


@pytest.mark.parametrize("name", ["ours", "guide", "dual", "ipv6", "two"])
def test_our_own_files_give_the_same_intent(name: str, adopted: Callable[[list[Running]], Adopted]) -> None:
    nornir = open_inventory(INVENTORIES / name)
    intent = load_intent(nornir)
    files = rendered(intent, nornir, haproxy="2.4.22")  # which still has nbproc
    made = adopted([running(node, files[node.name]) for node in intent.nodes])
    found = made.intent()
    for node in intent.nodes:
        assert found.node(node.name).model_dump() == node.model_dump(), node.name
    assert not made.everything_said.strip()


def test_our_own_listeners_are_rendered_the_same(adopted: Callable[[list[Running]], Adopted]) -> None:
    nornir = open_inventory(INVENTORIES / "listeners")
    intent = load_intent(nornir)
    files = rendered(intent, nornir)
    made = adopted([running(node, files[node.name]) for node in intent.nodes])
    assert [*made.intent().nodes[0].haproxy.listeners] == [*intent.nodes[0].haproxy.listeners]
    assert {name: own[HAPROXY_CFG] for name, own in made.rendered().items()} == {
        name: own[HAPROXY_CFG] for name, own in files.items()
    }
    assert not made.everything_said.strip()
