from ipaddress import IPv4Address, IPv4Interface

import pytest

from nornir_kube_ha.intent import Apiserver, Cluster, HAProxy, Intent, Keepalived, Node
from nornir_kube_ha.lab.errors import LabRequestError
from nornir_kube_ha.lab.intent import layout_of, layout_of_both, layouts_of
from nornir_kube_ha.lab.layout import LabHost


def cluster(
    name: str, nodes: dict[str, str], apiservers: dict[str, str], vip: str, lab: str | None = "unit"
) -> Cluster:
    servers = tuple(
        Apiserver(name=each, address=IPv4Address(where.partition(":")[0]), port=int(where.partition(":")[2] or 6443))
        for each, where in apiservers.items()
    )
    return Cluster(
        name,
        tuple(
            Node.model_construct(
                name=node,
                cluster=name,
                role="backup",
                address=IPv4Address(address),
                interface="ens3",
                vip=IPv4Interface(vip),
                virtual_router_id=1,
                apiservers=servers,
                lab=lab,
                haproxy=HAProxy.model_construct(),
                keepalived=Keepalived.model_construct(),
            )
            for node, address in nodes.items()
        ),
    )


def test_apiservers_of_load_balancer_nodes_run_there() -> None:
    both = {"a": "10.0.0.1", "b": "10.0.0.2"}
    lab = layout_of("unit", [cluster("c", both, {"x": "10.0.0.1:7443"}, "10.0.0.9/28")])
    assert lab.hosts == (
        LabHost("a", "ens3", IPv4Interface("10.0.0.1/28"), 7443),
        LabHost("b", "ens3", IPv4Interface("10.0.0.2/28"), None),
    )
    assert lab.vips == (IPv4Interface("10.0.0.9/28"),)


def test_apiservers_elsewhere_get_hosts_of_their_own() -> None:
    lab = layout_of("unit", [cluster("c", {"a": "10.0.0.1"}, {"a": "10.0.0.5", "cp": "10.0.1.6"}, "10.0.0.9/32")])
    assert [(each.name, str(each.address), each.apiserver_port) for each in lab.hosts] == [
        ("a", "10.0.0.1/24", None),
        ("c-a", "10.0.0.5/24", 6443),  # the node's name is taken
        ("cp", "10.0.1.6/24", 6443),
    ]


def test_clusters_share_a_lab_by_its_name() -> None:
    intent = Intent(
        (
            cluster("one", {"a": "10.0.0.1"}, {"x": "10.0.0.1"}, "10.0.0.9/24"),
            cluster("two", {"b": "10.0.0.2"}, {"x": "10.0.0.2"}, "10.0.0.10/24"),
            cluster("three", {"c": "10.0.0.1"}, {"x": "10.0.0.1"}, "10.0.0.9/24", lab="other"),
            cluster("real", {"d": "10.9.0.1"}, {"x": "10.9.0.1"}, "10.9.0.9/24", lab=None),
        )
    )
    assert [(lab.name, [each.name for each in lab.hosts]) for lab in layouts_of(intent)] == [
        ("unit", ["a", "b"]),
        ("other", ["c"]),
    ]


def test_an_inventory_without_a_lab_is_refused() -> None:
    real = cluster("real", {"d": "10.9.0.1"}, {"x": "10.9.0.1"}, "10.9.0.9/24", lab=None)
    with pytest.raises(LabRequestError, match="lab: NAME"):
        layouts_of(Intent((real,)))


def test_two_ports_on_one_host_are_refused() -> None:
    with pytest.raises(LabRequestError, match=r"got several at 10\.0\.0\.5"):
        layout_of("unit", [cluster("c", {"a": "10.0.0.1"}, {"x": "10.0.0.5:1", "y": "10.0.0.5:2"}, "10.0.0.9/24")])


BEFORE = cluster("c", {"a": "10.0.0.1", "b": "10.0.0.2"}, {"x": "10.0.0.1", "y": "10.0.0.5"}, "10.0.0.9/24")


def test_lab_of_two_states_has_the_hosts_and_vips_of_both() -> None:
    after = cluster("c", {"b": "10.0.0.2", "d": "10.0.0.4"}, {"y": "10.0.0.5", "z": "10.0.0.6"}, "10.0.0.10/24")
    lab = layout_of_both("unit", Intent((BEFORE,)), Intent((after,)))
    assert [(host.name, host.apiserver_port) for host in lab.hosts] == [
        ("a", 6443),
        ("b", None),
        ("d", None),
        ("y", 6443),
        ("z", 6443),
    ]
    assert lab.vips == (IPv4Interface("10.0.0.9/24"), IPv4Interface("10.0.0.10/24"))


def test_apiserver_that_the_new_state_forgets_still_runs() -> None:
    after = cluster("c", {"a": "10.0.0.1", "b": "10.0.0.2"}, {"y": "10.0.0.5"}, "10.0.0.9/24")
    assert layout_of_both("unit", Intent((BEFORE,)), Intent((after,))).host("a").apiserver_port == 6443


def test_lab_of_one_state_is_that_of_its_inventory() -> None:
    assert layout_of_both("unit", None, Intent((BEFORE,))) == layout_of("unit", [BEFORE])


def test_host_that_is_another_machine_in_the_new_state_is_refused() -> None:
    after = cluster("c", {"a": "10.0.0.3", "b": "10.0.0.2"}, {"y": "10.0.0.5"}, "10.0.0.9/24")
    with pytest.raises(
        LabRequestError, match=r"a is bookworm with 10\.0\.0\.1 on ens3, then bookworm with 10\.0\.0\.3"
    ):
        layout_of_both("unit", Intent((BEFORE,)), Intent((after,)))
