"""What a user installs: the built wheel, alone in an empty environment."""

import subprocess
import zipfile
from pathlib import Path

import pytest
from rig.lab import ROOT


def run(*command: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that holds the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run("uv", "venv", "--quiet", "--python", "python3", str(folder / "env"), cwd=folder)
    run("uv", "pip", "install", "--quiet", "--python", str(folder / "env/bin/python"), str(wheel), cwd=folder)
    return folder


def test_the_wheel_is_one_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"nornir_kube_ha"}
    for name in ("py.typed", "tasks/facts.sh", "templates/haproxy.cfg.j2", "lab/boot.sh", "example/hosts.yaml"):
        assert f"nornir_kube_ha/{name}" in names


def test_the_command_works_and_its_inventory_is_written(installed: Path) -> None:
    kube_ha = str(installed / "env/bin/kube-ha")
    assert "deploy" in run(kube_ha, "--help", cwd=installed).stdout
    assert "--dry-run" in run(kube_ha, "deploy", "--help", cwd=installed).stdout
    run(kube_ha, "init", "mine", cwd=installed)
    assert run(kube_ha, "verify", "-i", "mine", "--list-hosts", cwd=installed).stdout.split() == [
        "lb-1",
        "lb-2",
        "lb-3",
    ]
    without = run(kube_ha, "deploy", cwd=installed, check=False)
    assert without.returncode == 2
    assert "kube-ha init" in without.stderr


def test_templates_load_and_nothing_at_the_top_is_called_as_our_folders(installed: Path) -> None:
    code = """
import importlib.util
from nornir_kube_ha.templating import our_environment
print(sorted(our_environment().list_templates()))
print([name for name in ("tasks", "runbooks", "templates", "lab", "inventory") if importlib.util.find_spec(name)])
"""
    loaded, at_the_top = run(str(installed / "env/bin/python"), "-c", code, cwd=installed).stdout.splitlines()
    assert "'haproxy.cfg.j2'" in loaded
    assert at_the_top == "[]"
