"""The published JSON Schemas: current, referenced where an editor finds them, and as strict as the loader."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
import yaml
from jsonschema import Draft7Validator
from rig.lab import ROOT
from ruamel.yaml import YAML

from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.options.setup import KINDS
from nornir_kube_ha.cli.setup.schema import FOLDER
from nornir_kube_ha.intent import Settings
from nornir_kube_ha.intent.node import Node

SCHEMAS = {kind: json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8")) for kind in KINDS}
EXAMPLE = ROOT / "inventory/example"
INVENTORIES = sorted({path.parent for folder in ("inventory", "tests") for path in (ROOT / folder).rglob("hosts.yaml")})


def problems(kind: str, tree: Any) -> list[str]:  # noqa: ANN401
    return [error.message for error in Draft7Validator(SCHEMAS[kind]).iter_errors(tree)]


def read(path: Path) -> Any:  # noqa: ANN401
    return YAML(typ="safe").load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_one(kind: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("folder", INVENTORIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_inventories_of_this_repository_fit(folder: Path) -> None:
    found = [kind for kind in KINDS if (folder / f"{kind}.yaml").exists()]
    assert "hosts" in found
    assert {kind: problems(kind, read(folder / f"{kind}.yaml")) for kind in found} == {kind: [] for kind in found}
    for kind in found:  # where libyaml is installed, Nornir reads with it
        yaml.load((folder / f"{kind}.yaml").read_bytes(), Loader=yaml.CSafeLoader)


@pytest.mark.parametrize("file", sorted(ROOT.glob("inventory/**/*.yaml")), ids=lambda path: str(path.relative_to(ROOT)))
def test_inventory_names_its_schema(file: Path) -> None:
    [name] = re.findall(r"\A# yaml-language-server: \$schema=(\S+)\n", file.read_text(encoding="utf-8"))
    assert (file.parent / name).resolve() == (FOLDER / f"{file.stem}.json").resolve()


@pytest.mark.parametrize("given", [(), ("--vip", "192.0.2.100", "--nodes", "192.0.2.11,192.0.2.12")])
def test_first_inventory_names_the_installed_schema_and_fits(tmp_path: Path, given: tuple[str, ...]) -> None:
    assert cli.main(["init", str(tmp_path / "mine"), *given]) == 0
    for kind in KINDS:
        file = tmp_path / "mine" / f"{kind}.yaml"
        [address] = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", file.read_text(), re.MULTILINE)
        assert Path(unquote(urlparse(address).path)) == FOLDER / f"{kind}.json"
        assert problems(kind, read(file)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_printed(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert cli.main(["schema", kind]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMAS[kind]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"vrid": 7}, "'vrid' is not one of"),
    ({"name": "lb-1"}, "'name' is not one of"),
    ({"role": "slave"}, "'slave' is not one of"),
    ({"vip": "192.0.2.100"}, "is not valid under any"),
    ({"virtual_router_id": 256}, "is not valid under any"),
    ({"virtual_router_id": "automatic"}, "is not valid under any"),
    ({"haproxy": {"prot": 8443}}, "'prot' was unexpected"),
    ({"haproxy": {"port": 0}}, "less than the minimum"),
    ({"haproxy": {"inter": "soon"}}, "is not valid under any"),
    ({"haproxy": {"stats": {"password": {"environment": "X"}}}}, "is not valid under any"),
    ({"haproxy": {"stats": {"password": {"env": "X", "file": "y"}}}}, "is not valid under any"),
    ({"keepalived": {"check": {"wieght": 1}}}, "'wieght' was unexpected"),
    ({"apiservers": [{"name": "cp-1"}]}, "'address' is a required property"),
    ({"apiservers": []}, "should be non-empty"),
    ({"virtual_routers": [{"vip": "192.0.2.9/24", "master": "lb-1"}]}, "'virtual_router_id' is a required property"),
    ({"templates": ["a"]}, "is not of type 'string'"),
]
RIGHT: list[dict[str, Any]] = [
    {},
    {"virtual_router_id": "auto"},
    {"haproxy": {"timeouts": {"client": 5000}, "socket_mode": 660, "stats": {"password": {"pass": "kube-ha/stats"}}}},
    {"login": {"sudo_password": "typed-by-hand"}, "templates": "templates", "keepalived": {"timers": "fast"}},
    {"foreign_keys": ["site"], "site": "north"},
    {"vip": "2001:db8::1/64", "additional_vips": ["192.0.2.9/24"]},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("data", "words"), WRONG, ids=json.dumps)
def test_wrong_data_is_refused_at_each_level(kind: str, data: dict[str, Any], words: str) -> None:
    level = {"data": data}
    found = problems(kind, level if kind == "defaults" else {"lb-1": level})
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", RIGHT, ids=json.dumps)
def test_part_of_the_data_may_stand_at_any_level(kind: str, data: dict[str, Any]) -> None:
    level = {"data": data}
    assert problems(kind, level if kind == "defaults" else {"lb-1": level}) == []


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("hosts", {"hostnme": "192.0.2.11"}),
        ("hosts", {"groups": "kube"}),
        ("defaults", {"groups": ["kube"]}),
        ("groups", {"connection_options": {"netmiko": {"extras": {"session_log": "x"}}}}),
        ("groups", {"connection_options": {"netmiko": {"extra": {}}}}),
        ("hosts", {"port": "ssh"}),
    ],
)
def test_wrong_key_beside_the_data_is_refused(kind: str, level: dict[str, Any]) -> None:
    assert problems(kind, level if kind == "defaults" else {"kube": level})


def test_every_setting_is_there_with_its_meaning() -> None:
    definitions = SCHEMAS["hosts"]["definitions"]

    def check(model: type[Settings]) -> None:
        for name, field in model.model_fields.items():
            if model is Node and name == "name":
                continue
            each = definitions[model.__name__]["properties"][name]
            if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
                check(field.annotation)
            else:
                assert each["description"], name

    check(Node)


def test_example_with_a_typing_error_is_refused() -> None:
    tree = deepcopy(read(EXAMPLE / "groups.yaml"))
    tree["kube"]["data"]["interfce"] = tree["kube"]["data"].pop("interface")
    assert len(problems("groups", tree)) == 1
