"""The form of an inventory's files: what Nornir would pass over in silence, and what was made to do harm."""

import time
from pathlib import Path

import pytest

from nornir_kube_ha.cli.selection import CHECKOUT_INVENTORY, open_inventory
from nornir_kube_ha.errors import InventoryError, UsageError
from nornir_kube_ha.inventory.files import MAX_SIZE, problems_of_files

HOST = "lb-1:\n  hostname: 192.0.2.11\n"
LAUGHS = "".join(f"  {b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
BOMB = f"{HOST}  data:\n    x: &a [1, 2]\n{LAUGHS.replace('  ', '    ')}"


def problems(folder: Path, **files: str | bytes) -> list[tuple[str, str]]:
    (folder / "hosts.yaml").write_text(HOST)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(problem.key.removeprefix(f"{folder}/"), problem.message) for problem in problems_of_files(folder)]


@pytest.mark.parametrize("folder", [CHECKOUT_INVENTORY, CHECKOUT_INVENTORY / "example"])
def test_inventories_that_come_with_the_product_are_well_formed(folder: Path) -> None:
    assert [*problems_of_files(folder)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nobody yet\n",
        f"{HOST}  groups: [a, b]\n  data:\n  port: 22\n",
        "x: &x\n  port: 22\nlb-1:\n  <<: *x\n  data: {when: 2026-01-02, binary: !!binary aGk=, text: !!str 5}\n",
        f"{HOST}  data: {{a: &a [1], b: *a, c: *a}}\n",
    ],
)
def test_well_formed(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, hosts=text) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            f"{HOST}  group: [kube]\n",
            3,
            "host 'lb-1' has an unknown key 'group', which Nornir would ignore; known keys:",
        ),
        (f"{HOST}  role: master\n", 3, "host 'lb-1' has an unknown key 'role'"),
        (f"{HOST}  groups: kube\n", 3, "groups of host 'lb-1' must be a list of names, for example [kube], got 'kube'"),
        (f"{HOST}  groups: [[kube]]\n", 3, "must be a list of names"),
        (f"{HOST}  groups:\n", 3, "must be a list of names, for example [kube], got nothing"),
        (f"{HOST}  data: [1]\n", 3, "data of host 'lb-1' must be a mapping, got a list"),
        (f"{HOST}  connection_options:\n", 3, "connection_options of host 'lb-1' must be a mapping, got nothing"),
        (
            f"{HOST}  connection_options:\n    netmiko:\n      extra: {{}}\n",
            5,
            "connection 'netmiko' of host 'lb-1'",
        ),
        (f"{HOST}lb-2:\n", 3, "host 'lb-2' must be a mapping"),
        ("- lb-1\n", 1, "must be a mapping: a host a key, got a list"),
        ("lb-1\n", 1, "must be a mapping: a host a key, got 'lb-1'"),
        (f"{HOST}  data: {{a: b\n", 4, "expected"),
        (f"{HOST}  data: a: b\n", 3, "mapping values are not allowed here"),
        (f"{HOST}  data: *nobody\n", 3, "undefined alias"),
        (f"{HOST}  data: {{a: !!python/object/apply:os.system [reboot]}}\n", 3, "is not allowed: expected plain data"),
        (f"{HOST}  data: {{a: !vault 5}}\n", 3, "tag '!vault' is not allowed: expected plain data"),
        (f"{HOST}  data: {{a: &a [*a]}}\n", 3, "contains itself"),
        (BOMB, 10, "expands to more than 1000000 values by its aliases"),
        (f"{HOST}  data: {{a: {'[' * 700}{']' * 700}}}\n", 0, "is nested too deep"),
        (f"{HOST}  data: \0\n", 0, "is not valid YAML: unacceptable character"),
        (b"\xff\xfe\xfa", 0, "is not valid YAML: 'utf-8' codec"),
        (f"{HOST}  data: {{a: {'x' * MAX_SIZE}}}\n", 0, f"expected at most {MAX_SIZE}"),
    ],
)
def test_refused_soon_with_its_line(tmp_path: Path, text: str | bytes, line: int, words: str) -> None:
    begun = time.process_time()
    [(key, message)] = problems(tmp_path, hosts=text)
    assert time.process_time() - begun < 1
    assert key == (f"hosts.yaml line {line}" if line else "hosts.yaml")
    assert words in message
    assert len(message) < 300
    assert message.isprintable()


def test_all_files_are_checked_and_all_problems_reported(tmp_path: Path) -> None:
    found = problems(tmp_path, groups="kube:\n  usrname: ops\n  data: 5\n", defaults="dta: {}\nplatform: linux\n")
    assert [key for key, _ in found] == ["groups.yaml line 2", "groups.yaml line 3", "defaults.yaml line 1"]


def test_command_refuses_it_before_anything_else(tmp_path: Path) -> None:
    problems(tmp_path, hosts=BOMB)
    with pytest.raises(InventoryError, match=r"hosts\.yaml line 10: expands .* by its aliases"):
        open_inventory(tmp_path)


def test_duplicate_key_is_refused_with_its_line(tmp_path: Path) -> None:
    problems(tmp_path, hosts=f"{HOST}{HOST}")
    with pytest.raises((InventoryError, UsageError), match="line 3"):
        open_inventory(tmp_path)
