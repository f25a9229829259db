"""The lowest versions that pyproject.toml allows do the work: an operator's environment may hold them."""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOLS = {
    *("html5lib", "hypothesis", "jsonschema", "junitparser", "nornir-rich", "prometheus-client"),
    *("pytest", "pytest-timeout", "pytest-xdist"),
}
"""What the tests below import."""
BASE = (
    *(
        "test_templating",
        "templates/test_guide",
        "tasks/test_tasks",
        "planning/test_plan",
        "intent/test_virtual_routers",
    ),
    *("inventory/test_errors", "inventory/test_merge", "inventory/test_files"),
    *("report/test_schema", "report/test_html", "report/test_junit", "report/test_prometheus", "report/test_terminal"),
    *("test_api", "cli/test_command", "ssh/test_login", "engine/test_runner"),
)
CREDENTIAL = "test_apiservers_are_asked_with_a_credential_only"
WORK = {
    "": [f"tests/unit/{name}.py" for name in BASE],
    "kubernetes": ["tests/unit/inventory/test_kubeconfig.py", f"tests/unit/cli/test_verify_command.py::{CREDENTIAL}"],
}
"""Tests by extra that meet each dependency, and time nothing. The extra needs a newer pydantic: an environment each."""


def run(*command: str, folder: Path) -> str:
    storage = {"HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment | storage, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=WORK)
def extra(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def lowest(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that has this checkout, the lowest versions, and what the tests need."""
    folder = tmp_path_factory.mktemp("lowest")
    python = str(folder / "env/bin/python")
    tools = [each for each in PYPROJECT["dependency-groups"]["dev"] if Requirement(each).name in TOOLS]
    run("uv", "venv", "--quiet", "--python", "python3", str(folder / "env"), folder=folder)
    install = ("uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct")
    run(*install, "--editable", f"{ROOT}[{extra}]" if extra else str(ROOT), *tools, folder=folder)
    return folder


def test_versions_are_the_lowest(extra: str, lowest: Path) -> None:
    freeze = run("uv", "pip", "freeze", "--python", str(lowest / "env/bin/python"), folder=lowest)
    installed = dict(line.split("==") for line in freeze.splitlines() if "==" in line)
    project = PYPROJECT["project"]
    for requirement in map(Requirement, project["optional-dependencies"][extra] if extra else project["dependencies"]):
        (bound,) = (Version(each.version).release for each in requirement.specifier if each.operator == ">=")
        assert Version(installed[requirement.name]).release[: len(bound)] == bound, requirement


@pytest.mark.timeout(1200)
def test_they_do_the_work(extra: str, lowest: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "--numprocesses", "2")
    done = run(str(lowest / "env/bin/python"), "-m", "pytest", *options, *WORK[extra], folder=lowest)
    assert " skipped" not in done
