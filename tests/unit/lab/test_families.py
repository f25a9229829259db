"""Labs of IPv6, and of both families."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from nornir.core import Nornir
from tests.support.inventories import DUAL, IPV6, OF_IPV6

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.hosts import hosts_file
from nornir_kube_ha.lab.intent import layout_of
from nornir_kube_ha.lab.layout import Layout
from nornir_kube_ha.lab.network import control_commands, host_commands

NornirOf = Callable[..., Nornir]


@pytest.fixture(scope="module")
def ipv6(nornir_of: NornirOf) -> Layout:
    return layout_of("unit", [*load_intent(nornir_of(OF_IPV6, group=IPV6)).clusters])


@pytest.fixture(scope="module")
def dual(nornir_of: NornirOf) -> Layout:
    return layout_of("unit", [*load_intent(nornir_of(group=DUAL)).clusters])


def test_a_lab_of_ipv6_has_no_ipv4(ipv6: Layout) -> None:
    assert [str(each.address) for each in ipv6.hosts] == ["2001:db8::11/64", "2001:db8::12/64", "2001:db8::13/64"]
    assert [str(each) for each in ipv6.control_addresses] == ["2001:db8::ffff:ffff:ffff:fffe/64"]
    assert "address add 2001:db8::11/64 nodad dev eth0" in host_commands(ipv6, ipv6.hosts[0])
    assert hosts_file(ipv6).splitlines()[-1] == "2001:db8::13 lb-3"


def test_hosts_have_an_address_in_each_vips_network(dual: Layout) -> None:
    assert [[str(each) for each in host.also] for host in dual.hosts] == [
        *(["2001:db8::1/64"], ["2001:db8::2/64"], ["2001:db8::3/64"])
    ]
    assert [str(each) for each in dual.control_addresses] == ["192.0.2.254/24", "2001:db8::ffff:ffff:ffff:fffe/64"]
    assert host_commands(dual, dual.hosts[0])[1:3] == [
        "address add 192.0.2.11/24 brd + dev eth0",
        "address add 2001:db8::1/64 nodad dev eth0",
    ]


def test_nobody_has_a_way_out(ipv6: Layout, dual: Layout) -> None:
    for lab in (ipv6, dual):
        commands = [*control_commands(lab), *(line for host in lab.hosts for line in host_commands(lab, host))]
        assert not [line for line in commands if line.startswith("route")]


def test_networks_of_one_family_meet_at_the_controllers_address_in_it(nornir_of: NornirOf) -> None:
    apiservers = [{"name": "far", "address": "2001:db8:1::5"}, {"name": "v4", "address": "192.0.2.5"}]
    lab = layout_of("unit", [*load_intent(nornir_of(OF_IPV6, group={**IPV6, "apiservers": apiservers})).clusters])
    commands = host_commands(lab, lab.host("lb-1"))
    assert "route add 2001:db8:1::/64 via 2001:db8::ffff:ffff:ffff:fffe" in commands
    assert not [line for line in commands if "192.0.2" in line]  # no way there that this host could go


def test_a_vip_alone_in_its_network_is_reached_on_the_link(nornir_of: NornirOf) -> None:
    group = {"additional_vips": ["2001:db8::10/128"]}
    lab = layout_of("unit", [*load_intent(nornir_of(group=group)).clusters])
    assert "route add 2001:db8::10 dev eth0" in host_commands(lab, lab.hosts[0])
    assert "route add 2001:db8::10 dev lab" in control_commands(lab)


def test_certificates_name_addresses_of_both_families(dual: Layout, tmp_path: Path) -> None:
    addresses: list[IPAddress] = [vip.ip for vip in dual.vips]
    pki.ensure_ca(tmp_path)
    pki.ensure_apiserver_certificate(tmp_path, addresses)
    certificate = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == addresses


def test_certificates_name_the_endpoint(nornir_of: NornirOf, tmp_path: Path) -> None:
    group = {"control_plane_endpoint": "k8s.example.org:8443"}
    lab = layout_of("unit", [*load_intent(nornir_of(group=group)).clusters])
    pki.ensure_ca(tmp_path)
    pki.ensure_apiserver_certificate(tmp_path, [vip.ip for vip in lab.vips], lab.dns)
    certificate = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "k8s.example.org" in names.get_values_for_type(x509.DNSName)


def test_endpoint_that_is_an_address_is_no_dns_name(nornir_of: NornirOf) -> None:
    group = {"control_plane_endpoint": "192.0.2.10:8443", "additional_vips": ["2001:db8::10/64"]}
    assert layout_of("unit", [*load_intent(nornir_of(group=group)).clusters]).dns == ()
