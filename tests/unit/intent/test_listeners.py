"""Further ports behind the VIPs: what an inventory may say of them, and what haproxy.cfg gets."""

from collections.abc import Callable
from typing import Any

import pytest
from nornir.core import Nornir

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]
INGRESS = {"port": 443, "servers": [{"address": "192.0.2.31", "port": 30443}]}


def listeners(**named: Any) -> dict[str, Any]:  # noqa: ANN401 - what an inventory may say
    return {"haproxy": {"listeners": named}}


def server(**given: object) -> dict[str, Any]:
    return {**INGRESS, "servers": [given]}


@pytest.mark.parametrize(
    ("named", "key", "words"),
    [
        pytest.param({"web": {**INGRESS, "port": 8443}}, "web.port", "8443 is also haproxy.port", id="API's port"),
        pytest.param({"web": {**INGRESS, "port": 10080}}, "web.port", "also haproxy.stats.port", id="stats port"),
        pytest.param({"web": {**INGRESS, "port": 8444}}, "web.port", "also haproxy.peers_port", id="peers' port"),
        pytest.param({"web": {**INGRESS, "port": 6443}}, "web.port", "the port of the apiserver lb-1", id="apiserver"),
        pytest.param({"web": INGRESS, "more": INGRESS}, "", "web and more have the same port 443", id="each other's"),
        pytest.param({"web": server(address="192.0.2.10")}, "web.servers", "192.0.2.10 is a VIP", id="VIP"),
        pytest.param({"web": {"port": 9345}}, "web.servers", "lb-1 is this host, where haproxy", id="own port"),
        pytest.param({"web": server(address="0.0.0.0")}, "web", "expected an address to connect to", id="any address"),  # noqa: S104
        pytest.param({"web": server(address="worker-1")}, "web.servers.0.address", "host names are not", id="a name"),
        pytest.param({"web": {**INGRESS, "sources": ["10.0.0.1/8"]}}, "web.sources.0", "write 10.0.0.0/8", id="bits"),
        pytest.param({"web": {**INGRESS, "sources": ["2001:db8::/64"]}}, "web.sources", "no VIP of that", id="family"),
        pytest.param({"web": {**INGRESS, "sources": ["all"]}}, "web.sources.0", "not a valid IPv4 network", id="all"),
        pytest.param({"web": {**INGRESS, "prot": 1}}, "web.prot", "did you mean port?", id="unknown key"),
        pytest.param({"servers": {**INGRESS, "prot": 1}}, "servers.prot", "did you mean port?", id="named as a key"),
        pytest.param({"web": {**INGRESS, "mode": "udp"}}, "web.mode", "'tcp' or 'http'", id="mode"),
        pytest.param({"a b": INGRESS}, "a b", "should match pattern", id="name"),
        pytest.param({"web": {"servers": []}}, "web.port", "is missing", id="no port"),
        pytest.param({"kube-apiserver-2": INGRESS}, "", "a name that kube-ha's own sections", id="name of ours"),
        pytest.param({"web": {**INGRESS, "check_path": "/ # x"}}, "web.check_path", "should match", id="path"),
        pytest.param(
            {"web": {**INGRESS, "servers": [{"address": "192.0.2.31"}] * 2}}, "web", "more than once", id="server twice"
        ),
    ],
)
def test_what_cannot_be_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, named: dict[str, Any], key: str, words: str
) -> None:
    found = problems_of(nornir_of(group=listeners(**named)))
    assert [each for each in found if each.key == f"haproxy.listeners.{key}".rstrip(".") and words in each.message], (
        found
    )


def test_nodes_must_agree(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    other = {**INGRESS, "port": 444}
    [found] = problems_of(nornir_of(hosts={"lb-2": listeners(web=other)}, group=listeners(web=INGRESS)))
    assert (found.host, found.key) == ("lb-2", "haproxy.listeners.web.port")
    assert "444 differs from 443 on lb-1" in found.message
    [found] = problems_of(nornir_of(hosts={"lb-2": listeners(more=other)}, group=listeners(web=INGRESS)))
    assert (found.host, found.key) == ("lb-2", "haproxy.listeners")
    assert "more, web differs from web on lb-1" in found.message


def test_levels_are_merged_by_name(nornir_of: NornirOf) -> None:
    defaults = {"haproxy": {"stats": {"password": "only-for-the-lab"}, "listeners": {"web": {"mode": "http"}}}}
    intent = load_intent(nornir_of(defaults=defaults, group=listeners(web=INGRESS, more={**INGRESS, "port": 80})))
    found = intent.nodes[0].haproxy.listeners
    assert {name: (each.port, each.mode) for name, each in found.items()} == {"web": (443, "http"), "more": (80, "tcp")}


def test_servers_are_the_apiservers_hosts_if_none_are_given(nornir_of: NornirOf) -> None:
    apiservers = [{"name": "cp-1", "address": "192.0.2.21"}, {"address": "2001:db8::22"}]
    node = load_intent(nornir_of(group={**listeners(rke2={"port": 9345}), "apiservers": apiservers})).nodes[0]
    assert [(each.name, str(each)) for each in node.servers_of("rke2")] == [
        ("cp-1", "192.0.2.21:9345"),
        ("2001:db8::22", "[2001:db8::22]:9345"),
    ]


def test_nodes_are_among_the_sources(nornir_of: NornirOf) -> None:
    cluster = load_intent(
        nornir_of(group=listeners(web={**INGRESS, "sources": ["198.51.100.0/24"]}, all=INGRESS | {"port": 80}))
    ).clusters[0]
    assert [*map(str, cluster.sources_of("web"))] == [
        *("198.51.100.0/24", "192.0.2.11/32", "192.0.2.12/32", "192.0.2.13/32", "192.0.2.10/32")
    ]
    assert cluster.sources_of("all") == ()


def test_listener_gets_a_section_at_all_addresses(
    nornir_of: NornirOf, render: Callable[..., dict[str, dict[str, ConfigFile]]]
) -> None:
    both = {"additional_vips": ["2001:db8::10/64"]}
    text = render(nornir_of(group={**listeners(web=INGRESS), **both}))["lb-1"][HAPROXY_CFG].content
    assert "listen web\n    bind [::]:443 v4v6\n    mode tcp\n" in text
    assert "    server 192.0.2.31 192.0.2.31:30443 weight 1\n" in text
