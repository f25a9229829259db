"""Production's inventory becomes a lab's: the same clusters, and none of its logins, secrets or credentials."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rig.samples import DATA, GROUP, HOSTS
from ruamel.yaml import YAML
from tests.support.inventories import DUAL, IPV6, OF_IPV6, SECOND_ROUTER

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.errors import InventoryError
from nornir_kube_ha.intent import Node
from nornir_kube_ha.inventory.lab_copy import StandIns, lab_copy, suite_of, write_inventory
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.intent import layout_of_both

REPLACED = {"lab", "lab_suite", "lab_control_plane", "login", "kubeconfig", "host_keys", "templates", "apiserver_ca"}
ADDRESSES = {name: f"192.0.2.1{number}" for number, name in enumerate(HOSTS, 1)}
CERTIFICATE = (DATA / "ca.crt").read_text()
OTHER = CERTIFICATE.replace("a", "b")
AUTHORITY = "ca.crt"
BY_REFERENCE: dict[str, Any] = {
    "haproxy": {"stats": {"password": {"env": "NOBODY_HAS_SET_THIS"}}},
    "login": {"password": {"file": "no/such/file"}, "sudo_password": {"pass": "no/such/entry"}},
    "kubeconfig": "~/.kube/production",
}
SECOND = {
    f"b-{number}": {
        "role": "master" if number == 1 else "backup",
        "cluster": "second",
        "vip": "198.51.100.10/24",
        "virtual_router_id": 70,
        "address": f"198.51.100.1{number}",
        "apiservers": [{"name": "b", "address": "198.51.100.99"}],
    }
    for number in (1, 2)
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an inventory of three hosts to a folder, changed as given, and return the folder."""

    def make(
        name: str = "production",
        hosts: dict[str, Any] | None = None,
        group: dict[str, Any] | None = None,
        **level: Any,  # noqa: ANN401 - whatever stands beside the data
    ) -> Path:
        data = {each: {**HOSTS.get(each, {}), **(hosts or {}).get(each, {})} for each in {**HOSTS, **(hosts or {})}}
        common = {"haproxy": {"stats": {"password": "correct-horse-battery"}}, **GROUP, **(group or {})}
        groups = {"kube": {"data": common, **level}}
        tree = {
            each: {"hostname": ADDRESSES.get(each, f"{each}.example.org"), "groups": ["kube"], "data": of}
            for each, of in data.items()
        }
        folder = tmp_path / name
        folder.mkdir()
        (folder / AUTHORITY).write_text(CERTIFICATE)
        for file, content in (("hosts", tree), ("groups", groups)):
            YAML().dump(content, folder / f"{file}.yaml")
        return folder

    return make


def copy(folder: Path, stand_ins: StandIns, *, is_first: bool = True) -> dict[str, Any]:
    return lab_copy(open_inventory(folder), stand_ins, is_first=is_first)


def settings(node: Node) -> dict[str, Any]:
    """All that a node's files are rendered from, except what a rehearsal replaces."""
    tree = node.model_dump(exclude=REPLACED)
    del tree["haproxy"]["stats"]["password"]
    return tree


SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "bond with a VLAN": {"group": {"interface": "bond0.100"}},
    "bridge": {"group": {"interface": "br0"}},
    "IPv6": {"hosts": OF_IPV6, "group": IPV6},
    "both families": {"group": DUAL},
    "two routers": {"group": {"virtual_routers": [SECOND_ROUTER]}},
    "several clusters": {"hosts": SECOND},
    "secrets by reference": {"group": BY_REFERENCE},
    "jump host, another user and port": {
        "username": "ops",
        "port": 2222,
        "connection_options": {"netmiko": {"extras": {"ssh_config_file": "~/.ssh/production", "allow_agent": True}}},
    },
    "keys of other automation": {"group": {"foreign_keys": ["site"], "site": {"token": "secret"}}},
    "host keys of any kind": {"group": {"host_keys": "insecure-accept-any"}},
    "a name for the endpoint": {"group": {"control_plane_endpoint": "k8s.example.org:8443"}},
    "a lab's own": {"group": {"lab": "demo", "lab_control_plane": "real"}},
    "generated password": {"group": {"haproxy": {"stats": {"generate_password": True}}}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_copy_means_the_same_clusters(write: Callable[..., Path], tmp_path: Path, shape: str) -> None:
    production = open_inventory(write(**SHAPES[shape]))
    stand_ins = StandIns("unit", tmp_path)
    (tmp_path / AUTHORITY).write_text(CERTIFICATE)
    folder = write_inventory(lab_copy(production, stand_ins, is_first=True), tmp_path / "copy")
    before, after = load_intent(production, read_files=False), load_intent(open_inventory(folder))
    assert [*map(settings, after.nodes)] == [*map(settings, before.nodes)]
    assert {node.lab for node in after.nodes} == {"unit"}
    assert {node.host_keys for node in after.nodes} == {"strict"}
    assert {node.kubeconfig for node in after.nodes} == {None}
    layout = layout_of_both("unit", None, after)
    for node in after.nodes:
        host = layout.host(node.name)
        assert (host.address.ip, host.interface) == (node.address, node.interface)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_login_of_production_is_left(write: Callable[..., Path], tmp_path: Path, shape: str) -> None:
    tree = copy(write(**SHAPES[shape]), StandIns("unit", tmp_path))
    for host in tree.values():
        assert (host["username"], host["port"], host["hostname"]) == (
            "root",
            22,
            host["data"].get("address", host["hostname"]),
        )
        extras = host["connection_options"]["netmiko"]["extras"]
        assert extras["key_file"] == "/var/lib/kube-ha/lab/unit/id_ed25519"
        assert extras["alt_key_file"] == "/var/lib/kube-ha/lab/unit/known_hosts"
        assert {"login", "kubeconfig", "host_keys", "site"}.isdisjoint(host["data"])
    said = json.dumps(tree)
    for secret in ("correct-horse", "NOBODY_HAS", "no/such", "production", ".ssh", "token"):
        assert secret not in said.replace(str(tmp_path), "")


def test_file_is_readable_by_its_owner_only(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_inventory(copy(write(), StandIns("unit", tmp_path)), tmp_path / "copy")
    assert folder.stat().st_mode & 0o077 == 0


def test_same_password_has_the_same_stand_in_and_another_has_another(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    stand_ins = StandIns("unit", tmp_path)
    secrets = [
        copy(write(name, group={"haproxy": {"stats": {"password": source}}}), stand_ins)["lb-1"]["data"]["haproxy"]
        for name, source in (("one", {"env": "A"}), ("two", {"env": "A"}), ("three", {"env": "B"}))
    ]
    first, second, third = (each["stats"]["password"] for each in secrets)
    assert first == second != third
    assert min(map(len, (first, third))) >= 12


def test_vrrps_password_is_not_read_and_has_a_stand_in(write: Callable[..., Path], tmp_path: Path) -> None:
    keepalived = {"vrrp_version": 2, "advert_int": 1, "unicast": False, "events": False}
    source = {"auth_pass": {"file": "no/such/file"}}
    tree = copy(write(group={"keepalived": keepalived | source}), StandIns("unit", tmp_path))
    passwords = {host["data"]["keepalived"]["auth_pass"] for host in tree.values()}
    assert [len(each) for each in passwords] == [8]
    assert "no/such" not in json.dumps(tree)
    load_intent(open_inventory(write_inventory(tree, tmp_path / "copy")), read_files=False)


def test_apiservers_stand_for_a_listener_s_servers(write: Callable[..., Path], tmp_path: Path) -> None:
    web = {"port": 80, "mode": "http", "check": "http", "check_path": "/a", "check_port": 81, "send_proxy": "v2"}
    listeners = {"web": {**web, "servers": [{"address": "198.51.100.7"}]}, "rke2": {"port": 9345}}
    haproxy = {"stats": {"password": "correct-horse-battery"}, "listeners": listeners}
    tree = copy(write(group={"haproxy": haproxy}), StandIns("unit", tmp_path))
    [node, *_] = load_intent(open_inventory(write_inventory(tree, tmp_path / "copy")), read_files=False).nodes
    own = [(each.name, each.address, each.port) for each in node.apiservers]
    for name in listeners:
        assert [(each.name, each.address, each.port) for each in node.servers_of(name)] == own
    copied = node.haproxy.listeners["web"]
    assert (copied.mode, copied.check, copied.check_port, copied.send_proxy) == ("http", "tcp", None, None)


def test_templates_stay_where_they_are(write: Callable[..., Path], tmp_path: Path) -> None:
    production = write(group={"templates": "own"})
    assert copy(production, StandIns("unit", tmp_path))["lb-2"]["data"]["templates"] == str(production / "own")


def ca_of(tree: dict[str, Any], host: str = "lb-1") -> str:
    return Path(tree[host]["data"]["apiserver_ca"]).name


def test_first_states_ca_is_the_labs_and_another_one_is_a_strangers(write: Callable[..., Path], tmp_path: Path) -> None:
    stand_ins, old, new = StandIns("unit", tmp_path), write("old"), write("new")
    (new / AUTHORITY).write_text(OTHER)
    assert ca_of(copy(old, stand_ins)) == "ca.crt"
    assert ca_of(copy(new, stand_ins, is_first=False)) == "stranger.crt"


def test_ca_is_known_by_its_certificate_and_not_by_its_file(write: Callable[..., Path], tmp_path: Path) -> None:
    stand_ins, old, new = StandIns("unit", tmp_path), write("old"), write("new", group={"apiserver_ca": "other.crt"})
    (new / "other.crt").write_text(f"# the same\n\n{CERTIFICATE}\n")
    copy(old, stand_ins)
    assert ca_of(copy(new, stand_ins, is_first=False)) == "ca.crt"


def test_bundle_of_old_and_new_ca_trusts_both(write: Callable[..., Path], tmp_path: Path) -> None:
    stand_ins, old, new = StandIns("unit", tmp_path), write("old"), write("new")
    (new / AUTHORITY).write_text(CERTIFICATE + OTHER)
    copy(old, stand_ins)
    assert ca_of(copy(new, stand_ins, is_first=False)) == "both.crt"


def test_wrong_ca_of_one_host_is_a_strangers(write: Callable[..., Path], tmp_path: Path) -> None:
    stand_ins, old = StandIns("unit", tmp_path), write("old")
    new = write("new", hosts={"lb-2": {"apiserver_ca": "other.crt"}})
    (new / "other.crt").write_text(OTHER)
    copy(old, stand_ins)
    tree = copy(new, stand_ins, is_first=False)
    assert (ca_of(tree), ca_of(tree, "lb-2")) == ("ca.crt", "stranger.crt")


def test_first_ca_ever_is_taken_for_right(write: Callable[..., Path], tmp_path: Path) -> None:
    stand_ins, new = StandIns("unit", tmp_path), write("new")
    old = write("old", group={"apiserver_ca": None})
    assert copy(old, stand_ins)["lb-1"]["data"]["apiserver_ca"] is None
    assert ca_of(copy(new, stand_ins, is_first=False)) == "ca.crt"


def test_ca_of_another_cluster_is_a_strangers(write: Callable[..., Path], tmp_path: Path) -> None:
    hosts = {name: {**data, "apiserver_ca": "other.crt"} for name, data in SECOND.items()}
    stand_ins, old, new = StandIns("unit", tmp_path), write("old", hosts=hosts), write("new", hosts=SECOND)
    (old / "other.crt").write_text(OTHER)
    copy(old, stand_ins)
    tree = copy(new, stand_ins, is_first=False)
    assert (ca_of(tree), ca_of(tree, "b-1")) == ("ca.crt", "stranger.crt")


def test_ca_that_cannot_be_read_is_named(write: Callable[..., Path], tmp_path: Path) -> None:
    production = write(group={"apiserver_ca": "gone.crt"})
    with pytest.raises(InventoryError, match=r"lb-1: apiserver_ca: .*gone\.crt"):
        copy(production, StandIns("unit", tmp_path))


@pytest.mark.parametrize(
    ("platform", "suite"),
    [
        ("linux", "bookworm"),
        (None, "bookworm"),
        ("debian 11", "bullseye"),
        ("Debian GNU/Linux 12 (bookworm)", "bookworm"),
        ("debian_13", "trixie"),
        ("debian-13.1", "trixie"),
        ("rockylinux 9", "dnf"),
        ("el9", "dnf"),
        ("Red Hat Enterprise Linux 8", "dnf"),
        ("ubuntu 22.04", "bookworm"),
    ],
)
def test_release_is_the_platforms(platform: str | None, suite: str) -> None:
    assert suite_of(platform) == suite
