"""`interface: auto`: the look at a host finds the interface that has the node's address, and the plan has its name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_interface

import pytest
from nornir.core import Nornir

from nornir_kube_ha.errors import PreflightError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.intent import layouts_of
from nornir_kube_ha.planning.found import as_found, refuse_unfound, with_interfaces
from nornir_kube_ha.tasks import get_plan, render_config

NornirOf = Callable[..., Nornir]
AUTO = {"interface": "auto"}
OTHER_INTERFACE = ("ens18", ip_interface("192.0.2.12/24"))


@pytest.fixture
def nornir(nornir_of: NornirOf) -> Nornir:
    """lb-1 and lb-2 find their interface, lb-3 names it."""
    return nornir_of({"lb-1": AUTO, "lb-2": AUTO})


@pytest.fixture
def seen(healthy: Mapping[str, Facts]) -> dict[str, Facts]:
    """lb-2 has its address on another interface than lb-1."""
    others = tuple(each for each in healthy["lb-2"].addresses if str(each[1].ip) != "192.0.2.12")
    return {**healthy, "lb-2": replace(healthy["lb-2"], addresses=(*others, OTHER_INTERFACE))}


def interfaces(nornir: Nornir, seen: Mapping[str, Facts]) -> dict[str, str]:
    return {node.name: node.interface for node in as_found(load_intent(nornir), seen).nodes}


def test_each_node_gets_the_interface_with_its_address(nornir: Nornir, seen: dict[str, Facts]) -> None:
    assert interfaces(nornir, seen) == {"lb-1": "eth0", "lb-2": "ens18", "lb-3": "eth0"}


def test_node_that_was_not_looked_at_waits(nornir: Nornir, seen: dict[str, Facts]) -> None:
    del seen["lb-2"]
    assert interfaces(nornir, seen) == {"lb-1": "eth0", "lb-2": "auto", "lb-3": "eth0"}


def test_named_interface_stays_though_another_has_the_address(nornir_of: NornirOf, seen: dict[str, Facts]) -> None:
    intent = load_intent(nornir_of())
    assert with_interfaces(intent, seen) is intent
    refuse_unfound(intent.node("lb-2"), seen["lb-2"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "no interface has 192.0.2.12"),
        ((OTHER_INTERFACE, ("eth0", OTHER_INTERFACE[1])), "ens18 and eth0 have 192.0.2.12"),
    ],
)
def test_host_fails_unless_exactly_one_interface_has_the_address(
    nornir: Nornir, seen: dict[str, Facts], more: tuple[tuple[str, object], ...], words: str
) -> None:
    others = tuple(each for each in seen["lb-2"].addresses if str(each[1].ip) != "192.0.2.12")
    seen["lb-2"] = replace(seen["lb-2"], addresses=(*others, *more))  # type: ignore[arg-type]
    intent = load_intent(nornir)
    assert interfaces(nornir, seen)["lb-2"] == "auto"
    results = nornir.run(task=get_plan, raise_on_error=False, intent=intent, facts=seen)
    assert [*results.failed_hosts] == ["lb-2"]
    error = results["lb-2"][0].exception
    assert isinstance(error, PreflightError)
    assert str(error) == f"lb-2: interface auto: {words}; name the interface in the inventory"


def test_files_and_firewall_rules_name_the_interface(nornir: Nornir, seen: dict[str, Facts]) -> None:
    results = nornir.run(task=render_config, intent=load_intent(nornir), facts=seen)
    results.raise_on_error()
    for name, interface in (("lb-1", "eth0"), ("lb-2", "ens18")):
        text = "".join(file.content for file in results[name][0].result)
        assert f"    interface {interface}\n" in text
        assert "auto" not in {word.strip('";') for word in text.split()}


def test_same_files_as_with_the_name(nornir: Nornir, nornir_of: NornirOf, healthy: Mapping[str, Facts]) -> None:
    found = nornir.run(task=render_config, intent=load_intent(nornir), facts=healthy)
    named = nornir_of()
    given = named.run(task=render_config, intent=load_intent(named), facts=healthy)
    assert {name: found[name][0].result for name in found} == {name: given[name][0].result for name in given}


def test_lab_has_one_interface(nornir_of: NornirOf) -> None:
    lab = {"lab": "auto1"}
    nornir = nornir_of({name: {**AUTO, **lab} for name in ("lb-1", "lb-2", "lb-3")})
    [layout] = layouts_of(load_intent(nornir))
    assert {host.interface for host in layout.hosts} == {"eth0"}
