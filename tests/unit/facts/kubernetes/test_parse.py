"""What a host prints of its kubeconfigs and of connections past haproxy."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest
from nornir.core import Nornir
from tests.support.inventories import IPV6, OF_IPV6

from nornir_kube_ha.facts.kubernetes.connections import (
    DirectConnections,
    Incoming,
    Outgoing,
    parse_direct_connections,
)
from nornir_kube_ha.facts.kubernetes.kubeconfigs import Kubeconfig, parse_kubeconfigs
from nornir_kube_ha.facts.wire import direct_filter
from nornir_kube_ha.inventory.load import load_intent


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, None),
        ("", ()),
        ("server https://lost:1", ()),
        (
            "file /a b\nserver https://x:6443\nserver unreadable\nfile /c\nodd",
            (Kubeconfig("/a b", ("https://x:6443", "unreadable")), Kubeconfig("/c", ())),
        ),
    ],
)
def test_kubeconfigs(text: str | None, found: object) -> None:
    assert parse_kubeconfigs(text) == found


def test_direct_connections() -> None:
    text = "in 2 192.0.2.50\nmore 3\nout 1 192.0.2.12:6443 a b\nin 1 [2001:db8::5]\n"
    assert parse_direct_connections(text) == DirectConnections(
        (Outgoing("a b", "192.0.2.12:6443", 1),),
        (Incoming(ip_address("2001:db8::5"), 1), Incoming(ip_address("192.0.2.50"), 2)),
        3,
    )
    assert parse_direct_connections(None) is None
    assert parse_direct_connections("") == DirectConnections()


@pytest.mark.parametrize("text", ["in x 192.0.2.50", "in 1", "out 1 192.0.2.12:6443", "in 1 lb-1"])
def test_malformed_line_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_direct_connections(text)


def test_filter_leaves_out_the_nodes_haproxies(nornir_of: Callable[..., Nornir]) -> None:
    [cluster] = load_intent(nornir_of()).clusters
    nodes = " and not dst 192.0.2.11 and not dst 192.0.2.12 and not dst 192.0.2.13"
    assert direct_filter(cluster, cluster.nodes[1]) == (
        f"dst 192.0.2.11:6443 or ( sport = :6443{nodes} ) or dst 192.0.2.13:6443"
    )
    [cluster] = load_intent(nornir_of(OF_IPV6, group=IPV6)).clusters
    assert "and not dst [2001:db8::11]" in direct_filter(cluster, cluster.nodes[0])
