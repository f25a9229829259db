from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from nornir_kube_ha.lab import network
from nornir_kube_ha.lab.errors import LabError, LabRequestError
from nornir_kube_ha.lab.hosts import hosts_file
from nornir_kube_ha.lab.layout import LabHost, Layout
from nornir_kube_ha.lab.network import control_commands, host_commands, host_namespace, mac_of, port_of


def host(name: str, address: str, port: int | None = None) -> LabHost:
    return LabHost(name, "eth0", IPv4Interface(address), port)


def layout(*hosts: LabHost, vips: tuple[str, ...] = ("10.71.0.10/24",)) -> Layout:
    return Layout("unit", hosts, tuple(map(IPv4Interface, vips)))


def control(lab: Layout) -> list[str]:
    return [str(address) for address in lab.control_addresses]


def test_controller_takes_the_highest_free_address() -> None:
    assert control(layout(host("a", "10.71.0.11/24"))) == ["10.71.0.254/24"]


def test_controller_avoids_hosts_and_virtual_addresses() -> None:
    lab = layout(host("a", "10.71.0.254/24"), host("b", "10.71.0.252/24"), vips=("10.71.0.253/32",))
    assert control(lab) == ["10.71.0.251/24"]


def test_controller_has_an_address_in_each_network() -> None:
    lab = layout(host("a", "10.71.0.11/24"), host("b", "10.70.0.11/29"))
    assert control(lab) == ["10.70.0.14/29", "10.71.0.254/24"]


def test_full_network_is_refused() -> None:
    lab = layout(host("a", "10.71.0.1/30"), host("b", "10.71.0.2/30"))
    with pytest.raises(LabRequestError, match=r"10\.71\.0\.0/30 has no address left"):
        _ = lab.control_addresses


@pytest.mark.parametrize("name", ["", "../x", "a b", "-a", "a\n", "é", "a" * 64, ".."])
def test_host_names_that_must_not_reach_a_path_are_refused(name: str) -> None:
    with pytest.raises(LabRequestError):
        host(name, "10.71.0.11/24")


@pytest.mark.parametrize("name", ["", "a-b", "UP", "longer-than", "ninechars"])
def test_lab_names_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(LabRequestError):
        Layout(name, (host("a", "10.71.0.11/24"),))


@pytest.mark.parametrize("interface", ["lo", "", "eth0 type", "sixteen-letters-", "-h"])
def test_interfaces_that_cannot_be_are_refused(interface: str) -> None:
    with pytest.raises(LabRequestError):
        LabHost("a", interface, IPv4Interface("10.71.0.11/24"))


def test_clashes_are_refused_by_name() -> None:
    with pytest.raises(LabRequestError, match=r"duplicate host name: a$"):
        layout(host("a", "10.71.0.11/24"), host("a", "10.71.0.12/24"))
    with pytest.raises(LabRequestError, match=r"duplicate address: 10\.71\.0\.10$"):
        layout(host("a", "10.71.0.10/24"))
    with pytest.raises(LabRequestError, match=r"10\.71\.0\.0/16 and 10\.71\.5\.0/24 overlap"):
        layout(host("a", "10.71.0.11/16"), host("b", "10.71.5.1/24"))
    with pytest.raises(LabRequestError, match="no host"):
        layout()


def test_host_name_is_what_the_inventory_says_as_far_as_it_can() -> None:
    assert host("LB_1.example.com", "10.71.0.1/24").hostname == "LB-1.example.com"
    assert host("a_", "10.71.0.1/24").hostname == "a"


def test_every_host_knows_every_name() -> None:
    lab = layout(host("a", "10.71.0.11/24"), host("b", "10.71.0.12/24"))
    assert hosts_file(lab).splitlines()[-2:] == ["10.71.0.11 a", "10.71.0.12 b"]


def test_no_namespace_gets_a_default_route() -> None:
    lab = layout(host("a", "10.71.0.11/24"), host("b", "10.70.0.11/24"), vips=("172.16.0.1/32",))
    commands = [*control_commands(lab), *(line for each in lab.hosts for line in host_commands(lab, each))]
    assert not [line for line in commands if "default" in line or " 0.0.0.0" in line]
    assert "route add 10.70.0.0/24 via 10.71.0.254" in host_commands(lab, lab.hosts[0])
    assert "route add 172.16.0.1 dev lab" in control_commands(lab)


def test_names_fit_the_kernel_and_tell_hosts_apart() -> None:
    long = [f"control-plane-node-{number}" for number in range(100)]
    assert all(len(port_of(name)) <= 15 for name in long)
    assert len({port_of(name) for name in long}) == len({mac_of(name) for name in long}) == len(long)
    assert port_of("lb-1") == "p-lb-1"
    assert int(mac_of("lb-1")[:2], 16) & 0b11 == 0b10  # locally administered, unicast
    assert host_namespace("a", "b-c") == "kube-ha-a-b-c"


def test_namespace_that_cannot_be_taken_away_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "NETNS", tmp_path)
    (tmp_path / "kube-ha-x").mkdir()  # no more to be unlinked than what is mounted elsewhere
    with pytest.raises(LabError, match=r"removing .*kube-ha-x: .*; .* may be mounted over itself"):
        network.remove_namespace("kube-ha-x")
