"""The endpoint that clients go by: a name, or one of the VIPs, and never an address beside them."""

from collections.abc import Callable

import pytest
from nornir.core import Nornir

from nornir_kube_ha.errors import InventoryError
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]


@pytest.mark.field_report(
    "F3",
    "found by trial",
    "kubeadm takes any address",
    "an endpoint that is an address and no VIP is an inventory error",
)
@pytest.mark.parametrize(
    "name", ["192.0.2.11", "192.0.2.77", "[2001:db8::11]", "3221225994", "0xc000020a", "192.0.2.010", "127.1"]
)
def test_address_other_than_a_vip_is_refused(nornir_of: NornirOf, name: str) -> None:
    with pytest.raises(InventoryError) as caught:
        load_intent(nornir_of(group={"control_plane_endpoint": f"{name}:8443"}))
    found = [each for each in caught.value.problems if each.key == "control_plane_endpoint"]
    assert [each.host for each in found] == ["lb-1", "lb-2", "lb-3"]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("k8s.example.org", {}),
        ("k8s", {}),
        ("192.0.2.10", {}),
        ("192.0.2.20", {"additional_vips": ["192.0.2.20/24"]}),
        ("cafe", {}),
    ],
)
def test_name_or_vip_is_taken(nornir_of: NornirOf, name: str, group: dict[str, object]) -> None:
    assert load_intent(nornir_of(group={**group, "control_plane_endpoint": f"{name}:8443"})).nodes
