"""Whether Kubernetes' components on the nodes, and other clients, go through the VIP."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.support.changes import Change, Clusters, Hosts, assert_red, assert_unmade, facts, findings_of

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Facts, Probe
from nornir_kube_ha.facts.kubernetes.connections import DirectConnections, Incoming, Outgoing
from nornir_kube_ha.facts.kubernetes.kubeconfigs import Kubeconfig

CHECK, DIRECT = "endpoint.kubeconfigs", "endpoint.direct_clients"
KUBELET, SCHEDULER = "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/scheduler.conf"
ADMIN, OWN, OTHER = "/etc/kubernetes/admin.conf", "https://192.0.2.11:6443", "https://192.0.2.12:6443"


def with_files(*files: tuple[str, str]) -> Change:
    return facts(kubeconfigs=tuple(Kubeconfig(path, tuple(servers.split())) for path, servers in files))


def of_version(version: str, *files: tuple[str, str]) -> Change:
    def change(found: Facts) -> Facts:
        seen = replace(found.reachable, version=Probe(200, "", f'{{"gitVersion": "{version}"}}'))
        return replace(with_files(*files)(found), reachable=seen)

    return change


def connected(*clients: Outgoing | Incoming, more: int = 0) -> Change:
    outgoing = tuple(each for each in clients if isinstance(each, Outgoing))
    incoming = tuple(each for each in clients if isinstance(each, Incoming))
    return facts(direct_connections=DirectConnections(outgoing, incoming, more))


@pytest.mark.parametrize(
    ("path", "server"),
    [
        pytest.param(ADMIN, "https://192.0.2.10:8443", id="the endpoint"),
        pytest.param(SCHEDULER, OWN, id="kubeadm's own apiserver"),
        pytest.param("/etc/kubernetes/controller-manager.conf", "https://127.0.0.1:6443", id="on the loopback"),
        pytest.param("/var/lib/rancher/rke2/agent/kubelet.kubeconfig", "https://127.0.0.1:6443", id="RKE2"),
        pytest.param("/var/lib/rancher/k3s/agent/kubelet.kubeconfig", "https://localhost:6444", id="k3s"),
        pytest.param("/var/lib/k0s/kubelet.conf", "https://[::1]:7443", id="k0s"),
    ],
)
def test_what_a_kubeconfig_may_name(host_view: Hosts, path: str, server: str) -> None:
    assert findings_of(host_view(change=with_files((path, server))))[CHECK].status is Status.PASS


@pytest.mark.parametrize(
    ("path", "server"),
    [
        pytest.param(KUBELET, OTHER, id="another apiserver"),
        pytest.param(ADMIN, OWN, id="the node's own apiserver"),
        pytest.param(SCHEDULER, OTHER, id="another node's scheduler"),
        pytest.param(SCHEDULER, "https://192.0.2.11:16443", id="another port of the node"),
        pytest.param(SCHEDULER, "https://192.0.2.10:6443", id="past haproxy at the VIP"),
        pytest.param(ADMIN, "https://192.0.2.10:6443", id="another port at the VIP"),
        pytest.param(ADMIN, "https://192.0.2.10", id="no port"),
        pytest.param(ADMIN, "https://k8s.example.org:8443", id="an unknown name"),
        pytest.param("/root/.kube/config", "https://127.0.0.1:6443", id="the loopback"),
        pytest.param("/var/lib/rancher/rke2/agent/kubelet.kubeconfig", OTHER, id="RKE2 at one apiserver"),
        pytest.param(ADMIN, f"https://192.0.2.10:8443 {OTHER}", id="one cluster of two"),
    ],
)
def test_kubeconfig_that_names_anything_else_is_named(host_view: Hosts, path: str, server: str) -> None:
    view = host_view(change=with_files((path, server)))
    words = (
        "names https://192.0.2.10:8443",
        f"{path} names {server.rsplit(maxsplit=1)[-1]}",
        "`server: https://192.0.2.10:8443`",
    )
    assert_red(view, CHECK, *words, status=Status.WARN)


@pytest.mark.parametrize(
    ("version", "status"),
    [("v1.33.0", Status.PASS), ("v1.40.1", Status.PASS), ("v1.32.9", Status.WARN), ("", Status.WARN)],
)
def test_kubelets_of_newer_kubeadms_use_their_own_apiserver(host_view: Hosts, version: str, status: Status) -> None:
    assert findings_of(host_view(change=of_version(version, (KUBELET, OWN))))[CHECK].status is status
    assert findings_of(host_view(change=of_version(version, (KUBELET, OTHER))))[CHECK].status is Status.WARN


def test_endpoint_may_be_a_name_in_any_case(host_view: Hosts) -> None:
    group = {"control_plane_endpoint": "k8s.example.org:8443"}
    view = host_view(change=with_files((ADMIN, "https://K8S.example.org:8443"), (KUBELET, OTHER)), group=group)
    assert f"{KUBELET} names {OTHER}" in findings_of(view)[CHECK].seen
    assert ADMIN not in findings_of(view)[CHECK].seen


def test_pass_says_what_uses_the_nodes_own_apiserver(host_view: Hosts) -> None:
    view = host_view(change=with_files((ADMIN, "https://192.0.2.10:8443"), (SCHEDULER, OWN)))
    words = f"1 of 2 name it; the node's own apiserver or load balancer, as installed: {SCHEDULER}"
    assert findings_of(view)[CHECK].seen == words


@pytest.mark.parametrize("servers", ["", "unreadable"])
def test_file_whose_server_was_not_seen_does_not_pass(host_view: Hosts, servers: str) -> None:
    view = host_view(change=with_files((ADMIN, servers)))
    assert_unmade(view, CHECK, f"{ADMIN}: its server was not seen", Status.WARN)


def test_node_without_kubeconfigs_passes_and_one_that_was_not_asked_does_not(host_view: Hosts) -> None:
    found = findings_of(host_view(change=with_files()))[CHECK]
    assert (found.status, found.seen) == (Status.PASS, "the node has no kubeconfig")
    assert_unmade(host_view(change=facts(kubeconfigs=None)), CHECK, "not seen", Status.WARN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            connected(Outgoing("kubelet", "192.0.2.12:6443", 2)),
            "lb-1: process kubelet is connected to apiserver lb-2 192.0.2.12:6443 (2 connections)",
            id="a process of a node",
        ),
        pytest.param(
            connected(Incoming(ip_address("192.0.2.50"), 1)),
            "192.0.2.50 is connected to lb-1's apiserver (1 connection)",
            id="another machine",
        ),
        pytest.param(connected(more=7), "7 further clients", id="too many to list"),
    ],
)
def test_client_past_haproxy_is_named(cluster_view: Clusters, change: Change, words: str) -> None:
    view = cluster_view({"lb-1": change})
    assert_red(view, DIRECT, "through haproxy", words, "verify.direct_clients", status=Status.WARN)


@pytest.mark.parametrize(
    "clients",
    [
        pytest.param([], id="nobody"),
        pytest.param([Incoming(ip_address("192.0.2.13"), 3)], id="a node, whose own look names its processes"),
        pytest.param([Incoming(ip_address("192.0.2.10"), 1)], id="a node from the VIP"),
        pytest.param([Incoming(ip_address("127.0.0.2"), 1)], id="the node's loopback"),
        pytest.param([Incoming(ip_address("10.244.3.4"), 1)], id="a network that may"),
        pytest.param([Outgoing("k3s-server", "192.0.2.12:6443", 1)], id="a process that may"),
        pytest.param([Outgoing("kubelet", "192.0.2.11:6443", 1)], id="the node's own apiserver at another address"),
    ],
)
def test_these_clients_are_meant_to_be_there(cluster_view: Clusters, clients: Iterable[Outgoing | Incoming]) -> None:
    group = {"verify": {"direct_clients": ["10.244.0.0/16", "k3s-server"]}}
    found = findings_of(cluster_view({"lb-1": connected(*clients)}, group=group))[DIRECT]
    assert (found.status, found.seen) == (Status.PASS, "no other connection")


def test_connections_that_were_not_seen_do_not_pass(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-2": facts(direct_connections=None)})
    assert_unmade(view, DIRECT, "not seen on lb-2", Status.WARN)
    assert_unmade(cluster_view(unseen=["lb-3"]), DIRECT, "not seen: lb-3", Status.WARN)
