"""`python runbooks/deploy.py` with an interpreter that has no Nornir: one line, and no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rig.lab import ROOT

SCRIPTS = sorted(path for path in (ROOT / "runbooks").glob("*.py") if os.access(path, os.X_OK))


def run(python: list[str], script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*python, str(script), *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def bare(tmp_path: Path) -> list[str]:
    """An interpreter without anything installed."""
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.symlink_to(Path(sys.executable).resolve())
    return [str(python), "-S"]  # no site-packages


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the runbooks in a checkout without .venv."""
    return Path(shutil.copytree(ROOT / "runbooks", tmp_path / "checkout/runbooks"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_runbook_says_in_one_line_what_to_run(bare: list[str], checkout: Path, script: Path) -> None:
    done = run(bare, checkout / script.name, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {bare[0]} lacks Nornir or nornir-kube-ha; run: make -C {checkout.parent} setup")
    assert line.endswith(f"then kube-ha {script.stem.replace('_', '-')}")


def test_interpreter_of_the_checkout_is_named_where_there_is_one(bare: list[str], checkout: Path) -> None:
    there = checkout.parent / ".venv/bin/python"
    there.parent.mkdir(parents=True)
    there.touch()
    done = run(bare, checkout / "deploy.py", "--dry-run", "--limit", "lb 1")
    assert done.returncode == 2
    assert done.stderr.endswith(f"run: {there} {checkout / 'deploy.py'} --dry-run --limit 'lb 1'\n")


def test_runbook_runs_where_all_is_installed(checkout: Path) -> None:
    done = run([sys.executable], checkout / "verify.py", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: verify.py ")


def test_package_of_a_runbook_s_process_is_the_installed_one() -> None:
    code = "import nornir_kube_ha.text as text; print(text.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "runbooks", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(ROOT / "src/nornir_kube_ha/text.py")
