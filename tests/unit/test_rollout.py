from collections.abc import Callable

import pytest
from nornir.core import Nornir

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.rollout import batches


@pytest.mark.parametrize(
    ("hosts", "order"),
    [
        (["lb-1", "lb-2", "lb-3"], (("lb-2", "lb-3"), ("lb-1",))),
        (["lb-3", "lb-2"], (("lb-2", "lb-3"),)),
        (["lb-1"], (("lb-1",),)),
        ([], ()),
        (["somebody-else"], ()),
    ],
)
def test_backups_go_before_the_master(intent: Intent, hosts: list[str], order: tuple[tuple[str, ...], ...]) -> None:
    assert batches(intent, hosts) == order


def test_masters_of_all_clusters_go_last(nornir_of: Callable[..., Nornir]) -> None:
    other = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}
    intent = load_intent(nornir_of({"lb-4": {"role": "master", **other}, "lb-5": {"role": "backup", **other}}))
    assert batches(intent, [node.name for node in intent.nodes]) == (("lb-2", "lb-3", "lb-5"), ("lb-1", "lb-4"))
