"""The house has floors, and arrows only go down: a room imports from its own files and from the floors below."""

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.lab import ROOT

import nornir_kube_ha
from nornir_kube_ha.planning.lease import Lease

HERE = Path(__file__).parent
HOUSE = Path(nornir_kube_ha.__file__).parent
FLOORS = (
    {"addresses", "duration", "files", "lazy", "nearest", "sections", "text", "versions"},
    {"daemons", "errors", "templating"},
    {"intent"},
    {"failover", "firewall"},
    {"facts"},
    {"planning"},
    {"adoption", "checks", "lease", "snapshots"},
    {"inventory", "lab", "report"},
    {"ssh"},
    {"tasks"},
    {"engine"},
    {"rollout"},
    {"trials"},
    {"cli"},
    {"api_arguments", "runbooks"},
    {"api"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
NO_ROOM = {"example", "templates"}  # sent to hosts, or copied


def modules() -> Iterator[tuple[str, Path]]:
    """Room and path of each module."""
    for entry in sorted(HOUSE.iterdir()):
        if entry.is_dir() and entry.name not in NO_ROOM | {"__pycache__"}:
            yield from ((entry.name, path) for path in sorted(entry.rglob("*.py")))
        elif entry.suffix == ".py" and entry.stem != "__init__":
            yield entry.stem, entry


def names_imported(path: Path) -> Iterator[str]:
    """What a module imports, wherever in it that stands, as `module.name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def imported(path: Path) -> Iterator[str]:
    """Rooms that a module imports from."""
    return (name.split(".")[1] for name in names_imported(path) if name.startswith("nornir_kube_ha."))


def sources() -> list[Path]:
    """Every Python module that is no test."""
    folders = ("src", "tasks", "runbooks", "lab", "rig", "campaigns", "benchmarks", "examples", "docs")
    return [
        path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in str(path)
    ]


def test_arrows_only_go_down() -> None:
    upwards = [
        f"{path.relative_to(HOUSE)} imports {other}"
        for room, path in modules()
        for other in imported(path)
        if other != room and FLOOR_OF[other] >= FLOOR_OF[room]
    ]
    assert upwards == []


def test_the_lab_is_known_through_its_door() -> None:
    inside = [
        f"{path.relative_to(HOUSE)} imports {name}"
        for room, path in modules()
        if room != "lab" and path.name != "lab.py"  # the lab's own command line
        for name in names_imported(path)
        if name.startswith("nornir_kube_ha.lab.") and not name.startswith("nornir_kube_ha.lab.door")
    ]
    assert inside == []


def test_only_tests_know_tests() -> None:
    paths = sources()
    assert len(paths) > 200
    assert [str(path) for path in paths for name in names_imported(path) if name.split(".")[0] == "tests"] == []
    assert [str(path) for path in paths if '"-m", "tests.' in path.read_text()] == []  # nor starts one of them


def test_no_test_imports_another() -> None:
    paths = [*(ROOT / "tests").rglob("*.py")]
    found = [f"{path.relative_to(ROOT)} imports {name}" for path in paths for name in names_imported(path)]
    assert [each for each in found if " imports tests.support" in each]
    assert [each for each in found if re.search(r" imports tests\b(?!\.support\.)", each)] == []


def test_tests_stand_in_the_room_that_they_test() -> None:
    folders = {path.parent.relative_to(HERE).parts[0] for path in HERE.glob("*/**/test_*.py")}
    assert folders <= FLOOR_OF.keys() | {"templates", "docs", "rig", "campaigns", "benchmarks"}


def test_every_room_says_what_is_in_it() -> None:
    rooms = {room for room, _ in modules()}
    assert rooms == FLOOR_OF.keys()
    for room in rooms:
        path = HOUSE / room / "__init__.py"
        assert ast.get_docstring(ast.parse((path if path.exists() else HOUSE / f"{room}.py").read_text())), room


def test_documented_places_of_before_still_work_and_warn() -> None:
    with pytest.warns(DeprecationWarning, match=r"nornir_kube_ha\.planning\.lease"):
        old = importlib.import_module("nornir_kube_ha.lease")
    assert old.Lease is Lease
    assert importlib.import_module("nornir_kube_ha.inventory").load_intent is nornir_kube_ha.load_intent


FEW_FILES, FEW_LINES, FEW_STATEMENTS = 15, 300, 40
CROWDED = {"tasks": "a noun a file: an operator looks for a task by its noun"}
LONG_MODULES = {
    "lab/control_plane/stand_in.py": "one file, since it is copied to hosts",
    "src/nornir_kube_ha/trials/client_runner.py": "one object: each method is about the same client",
}
LONG_FUNCTIONS = {"_facts": "a line for each field of Facts"}


def test_no_room_is_crowded() -> None:
    folders = Counter(path.parent for path in sources() if path.stem not in {"__init__", "__main__"})
    crowded = {str(folder.relative_to(ROOT)) for folder, count in folders.items() if count > FEW_FILES}
    assert crowded - {"src/nornir_kube_ha/tasks"} == CROWDED.keys()  # and the link to it


def test_modules_are_short() -> None:
    long = {str(path.relative_to(ROOT)) for path in sources() if len(path.read_text().splitlines()) > FEW_LINES}
    assert long == LONG_MODULES.keys()


def test_functions_are_short() -> None:
    long = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (node.end_lineno or 0) - body[0].lineno >= FEW_STATEMENTS:
                    long.add(node.name)
    assert long == LONG_FUNCTIONS.keys()
