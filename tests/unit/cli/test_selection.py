"""From a command line to the hosts that it means."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir

from nornir_kube_ha.cli import selection
from nornir_kube_ha.cli.selection import enter_lab, find_inventory, open_inventory, select
from nornir_kube_ha.errors import InventoryError, UsageError
from nornir_kube_ha.lab import door
from nornir_kube_ha.lab.errors import LabDownError

NornirOf = Callable[..., Nornir]
Filters = tuple[tuple[str, str], ...]
ALL = ("lb-1", "lb-2", "lb-3")

INVENTORY = Path("mine")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Inventories in every place that is looked at; the working folder is the one with ./inventory in it."""
    monkeypatch.chdir(tmp_path)
    places = {name: tmp_path / name for name in ("given", "named", "inventory", "checkout")}
    for folder in places.values():
        folder.mkdir()
        (folder / "hosts.yaml").write_text("{}\n")
    monkeypatch.setenv("KUBE_HA_INVENTORY", str(places["named"]))
    monkeypatch.setattr(selection, "CHECKOUT_INVENTORY", places["checkout"])
    return places


def test_inventory_is_looked_for_in_order(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_inventory(folders["given"]) == folders["given"]
    assert find_inventory(None) == folders["named"]
    monkeypatch.delenv("KUBE_HA_INVENTORY")
    assert find_inventory(None) == folders["inventory"]
    (folders["inventory"] / "hosts.yaml").unlink()
    assert find_inventory(None) == folders["checkout"]
    (folders["checkout"] / "hosts.yaml").unlink()
    with pytest.raises(UsageError, match="kube-ha init DIR"):
        find_inventory(None)


@pytest.mark.parametrize("given", ["no-such-folder", "empty"])
def test_inventory_that_is_named_is_not_replaced_by_another(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    assert folders["inventory"].is_dir()
    Path("empty").mkdir()
    with pytest.raises(UsageError, match=rf"inventory {given}: expected a folder with hosts.yaml"):
        find_inventory(Path(given))
    monkeypatch.setenv("KUBE_HA_INVENTORY", given)
    with pytest.raises(UsageError, match=rf"inventory {given}: expected a folder with hosts.yaml"):
        find_inventory(None)


def test_inventory_may_be_a_configuration_file_of_nornir(folders: dict[str, Path]) -> None:
    (folders["given"] / "hosts.yaml").write_text("lb-1: {data: {role: master}}\n")
    config = Path("config.yaml")
    config.write_text(
        f"inventory:\n  plugin: SimpleInventory\n  options: {{host_file: {folders['given']}/hosts.yaml}}\n"
        "runner: {plugin: serial}\nlogging: {enabled: true}\n"
    )
    assert find_inventory(config) == config.resolve()
    nornir = open_inventory(config, forks=3)
    assert list(nornir.inventory.hosts) == ["lb-1"]
    assert not Path("nornir.log").exists()  # it would hold every task's arguments


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts.yaml", "lb-1: [\n"),
        ("hosts.yaml", "lb-1: !!python/object/apply:os.system ['false']\n"),
        ("hosts.yaml", "- lb-1\n"),
        ("hosts.yaml", "lb-1: text\n"),
        ("hosts.yaml", "lb-1: {groups: [nobody]}\n"),
        ("hosts.yaml", "lb-1: {port: [1]}\nlb-1: {}\n"),
        ("groups.yaml", "kube: 7\n"),
        ("defaults.yaml", "- 7\n"),
        ("config.yaml", "inventory: {plugin: NoSuchInventory}\n"),
        ("config.yaml", "inventory: [\n"),
        ("config.yaml", "no_such_section: {}\n"),
    ],
)
def test_inventory_that_cannot_be_read_says_which(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "hosts.yaml").write_text("lb-1: {}\n")
    (tmp_path / name).write_text(text)
    path = tmp_path / name if name == "config.yaml" else tmp_path
    with pytest.raises((InventoryError, UsageError), match=re.escape(str(path))):
        open_inventory(path)


def test_groups_that_are_each_others_parents_are_refused(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text("lb-1: {groups: [a]}\n")
    (tmp_path / "groups.yaml").write_text("a: {groups: [b]}\nb: {groups: [a]}\n")
    with pytest.raises(UsageError, match="groups a and b include themselves as a parent"):
        open_inventory(tmp_path)


@pytest.mark.parametrize("dry_run", [True, False])
def test_dry_run_is_nornirs_own(folders: dict[str, Path], *, dry_run: bool) -> None:
    assert open_inventory(folders["given"], dry_run=dry_run).data.dry_run is dry_run


@pytest.mark.parametrize(
    ("filters", "limit", "names"),
    [
        ((), (), ALL),
        ((("role", "backup"),), (), ("lb-2", "lb-3")),
        ((("role", "master"),), (), ("lb-1",)),
        ((("role", "backup"), ("rack", "2")), (), ("lb-3",)),  # all must match
        ((("cluster", "demo"),), (), ALL),  # a group's value
        ((("groups", "kube"),), (), ALL),  # an item of a list
        ((("name", "lb-2"),), (), ("lb-2",)),
        ((("hostname", "192.0.2.12"),), (), ("lb-2",)),
        ((), ("lb-3", "lb-1"), ("lb-1", "lb-3")),  # the inventory's order
        ((("role", "backup"),), ("lb-3", "lb-1"), ("lb-3",)),
    ],
)
def test_selected(nornir_of: NornirOf, filters: Filters, limit: tuple[str, ...], names: tuple[str, ...]) -> None:
    nornir = nornir_of({"lb-1": {"rack": 1}, "lb-2": {"rack": 1}, "lb-3": {"rack": 2}})
    assert select(nornir, filters, limit) == names


@pytest.mark.parametrize(
    ("filters", "limit", "words"),
    [
        ((("role", "slave"),), (), "no host matches role=slave; known hosts: lb-1, lb-2, lb-3"),
        (
            (("role", "master"), ("name", "lb-2")),
            (),
            "no host matches role=master and name=lb-2; known hosts: lb-1, lb-2, lb-3",
        ),
        ((("no_such_key", "None"),), (), "no host matches no_such_key=None"),
        ((), ("lb-9", "lb-1", "lb-8"), "--limit: no host called lb-8, lb-9; known hosts: lb-1, lb-2, lb-3"),
        ((("role", "backup"),), ("lb-1",), "no host matches role=backup"),
        ((), ("switch",), "no host called switch"),  # it is not ours
    ],
)
def test_nothing_selected_is_an_error(
    nornir_of: NornirOf, filters: Filters, limit: tuple[str, ...], words: str
) -> None:
    nornir = nornir_of(strangers={"switch": {}}, defaults={})
    with pytest.raises(UsageError, match=re.escape(words)):
        select(nornir, filters, limit)


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labs that were entered, instead of entering them."""
    labs: list[str] = []
    monkeypatch.setattr(door, "enter", labs.append)
    monkeypatch.setattr(door, "is_there", lambda namespace: namespace == "kube-ha-demo")
    return labs


def test_hosts_of_a_lab_are_reached_in_the_lab(nornir_of: NornirOf, entered: list[str]) -> None:
    enter_lab(nornir_of(group={"lab": "demo"}), ALL, INVENTORY)
    assert entered == ["demo"]


def test_hosts_of_ones_own_are_not(nornir_of: NornirOf, entered: list[str]) -> None:
    enter_lab(nornir_of(), ALL, INVENTORY)
    assert entered == []


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        ({"lb-3": {"lab": "demo"}}, "lab demo, the network"),
        ({"lb-1": {"lab": "a"}, "lb-2": {"lab": "a"}, "lb-3": {"lab": "b"}}, "lab a, lab b"),
    ],
)
def test_hosts_of_two_places_are_not_reached_at_once(
    nornir_of: NornirOf, entered: list[str], hosts: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=f"the selected hosts are in {words}; run the command for each alone"):
        enter_lab(nornir_of(hosts), ALL, INVENTORY)
    assert entered == []


def test_only_the_hosts_that_are_meant_count(nornir_of: NornirOf, entered: list[str]) -> None:
    enter_lab(nornir_of({"lb-3": {"lab": "demo"}}), ("lb-1", "lb-2"), INVENTORY)
    assert entered == []


@pytest.mark.parametrize("lab", ["noneup", "Not a name"])
def test_lab_that_is_down_names_the_command(nornir_of: NornirOf, lab: str) -> None:
    with pytest.raises(LabDownError, match=f"kube-ha lab up -i {INVENTORY}"):
        enter_lab(nornir_of(group={"lab": lab}), ALL, INVENTORY)


@pytest.mark.parametrize("lab", [["demo"], {"name": "demo"}])
def test_invalid_lab_name_is_a_usage_error(nornir_of: NornirOf, entered: list[str], lab: object) -> None:
    with pytest.raises((UsageError, LabDownError)):
        enter_lab(nornir_of(group={"lab": lab}), ALL, INVENTORY)
    assert entered == []
