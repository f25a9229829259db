"""What others import: the names of the tasks, and one package that holds all of it."""

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path

import pytest
from rig.lab import ROOT

import nornir_kube_ha
from nornir_kube_ha import tasks
from nornir_kube_ha.tasks import FORMER

SOURCE = ROOT / "src" / "nornir_kube_ha"


ENDPOINT = "get_endpoint"  # logs in to no host, so it is no task of Nornir's
COMMAND = "start_command"  # what it starts is its caller's
TASKS = sorted(set(tasks.__all__) - {ENDPOINT})


def test_every_task_is_exported() -> None:
    modules = [
        importlib.import_module(f"{tasks.__name__}.{info.name}") for info in pkgutil.iter_modules(tasks.__path__)
    ]
    found = {
        name
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and getattr(inspect.signature(function).return_annotation, "__name__", "") == "Result"
    }
    assert found == set(TASKS)
    assert list(tasks.__all__) == sorted(tasks.__all__)
    assert ENDPOINT in tasks.__all__


def test_tasks_take_what_nornir_gives_them() -> None:
    for name in TASKS:
        signature = inspect.signature(getattr(tasks, name))
        assert next(iter(signature.parameters)) == "task"
        only_reads = name.startswith(("get_", "render_", "watch_", "wait_for_")) or name == COMMAND
        assert ("dry_run" in signature.parameters) is not only_reads, name


@pytest.mark.parametrize("name", FORMER)
def test_former_names_still_work_and_warn(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"{name} is called {FORMER[name]} now"):
        assert getattr(tasks, name) is getattr(tasks, FORMER[name])


def test_tasks_document_their_result() -> None:
    for name in TASKS:
        assert "Result object with the following attributes set:" in (inspect.getdoc(getattr(tasks, name)) or ""), name


def test_package_is_typed() -> None:
    assert (Path(nornir_kube_ha.__file__).parent / "py.typed").is_file()


def test_every_linked_folder_is_in_the_wheel_and_in_the_sdist() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    sources = build["targets"]["wheel"]["sources"]
    links = {path.name: path.resolve() for path in SOURCE.iterdir() if path.is_symlink()}
    mapped = {target.removeprefix("nornir_kube_ha/"): ROOT / source for source, target in sources.items() if target}
    assert links == mapped
    assert set(build["targets"]["wheel"]["only-include"]) == set(sources)
    assert {f"/src/*/{name}" for name in links} == set(build["exclude"])
    assert {source.partition("/")[0] for source in sources} <= set(build["targets"]["sdist"]["only-include"])
