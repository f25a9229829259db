"""What a user installs: the built wheel, alone in an empty environment. `make release` runs this on dist/."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from rig.lab import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*command: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, each built from this checkout: $KUBE_HA_DIST, or a new one."""
    if folder := os.environ.get("KUBE_HA_DIST"):
        return Path(folder).resolve()
    new = tmp_path_factory.mktemp("dist")
    run("uv", "build", "--quiet", "--wheel", "--sdist", "--out-dir", str(new), str(ROOT), cwd=new)
    return new


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that holds the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run("uv", "venv", "--quiet", "--python", "python3", str(folder / "env"), cwd=folder)
    run("uv", "pip", "install", "--quiet", "--python", str(folder / "env/bin/python"), str(wheel), cwd=folder)
    return folder


def test_both_are_fit_for_an_index(dist: Path) -> None:
    files = sorted(str(path) for path in dist.glob("nornir_kube_ha-*"))
    assert [Path(name).name for name in files] == [
        f"nornir_kube_ha-{VERSION}-py3-none-any.whl",
        f"nornir_kube_ha-{VERSION}.tar.gz",
    ]
    run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=dist)


def test_the_sdist_builds_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(sdist), cwd=tmp_path)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_checkout_is_installed_as_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_TOOL_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("UV_TOOL_BIN_DIR", str(tmp_path / "bin"))
    assert "uv tool install .\n" in (ROOT / "README.md").read_text()
    run("uv", "tool", "install", "--quiet", ".", cwd=ROOT)
    assert run(str(tmp_path / "bin/kube-ha"), "--version", cwd=tmp_path).stdout == f"nornir-kube-ha {VERSION}\n"


def test_the_wheel_is_one_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"nornir_kube_ha"}
    for name in ("py.typed", "tasks/facts.sh", "templates/haproxy.cfg.j2", "lab/boot.sh", "example/hosts.yaml"):
        assert f"nornir_kube_ha/{name}" in names
    assert "nornir_kube_ha/inventory/schema/hosts.json" in names


def test_the_command_works_and_its_inventory_is_written(installed: Path) -> None:
    kube_ha = str(installed / "env/bin/kube-ha")
    assert run(kube_ha, "--version", cwd=installed).stdout == f"nornir-kube-ha {VERSION}\n"
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


@pytest.fixture(scope="session")
def tool(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `kube-ha` as `uv tool install` leaves it; nothing else is in that folder."""
    folder = tmp_path_factory.mktemp("tool")
    environment = os.environ | {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    command = ("uv", "tool", "install", "--quiet", "--python", sys.executable, str(wheel))
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=240)
    return folder / "bin"


def test_tool_needs_no_other_program(tool: Path, tmp_path: Path) -> None:
    """No package of the lab and no other command is on PATH: an operator's machine has what pipx or uv installs."""

    def kube_ha(*arguments: str, code: int = 0) -> str:
        command = [str(tool / "kube-ha"), *arguments]
        environment = {"PATH": str(tool), "HOME": str(tmp_path), "KUBE_HA_STATS_PASSWORD": "correct-horse-battery"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert [path.name for path in tool.iterdir()] == ["kube-ha"]
    assert "next, in this order" in kube_ha("init", "mine", "--vip", "192.0.2.100", "--nodes", "127.0.0.11,127.0.0.12")
    schema = re.findall(r"\$schema=file://(\S+)", (tmp_path / "mine/hosts.yaml").read_text())
    assert Path(*schema).is_file()
    assert kube_ha("schema", "hosts") == Path(*schema).read_text()
    for shell in ("bash", "zsh", "fish"):
        assert "failover-test" in kube_ha("completion", shell)
    assert "lb-1\nlb-2\n" in kube_ha("deploy", "-i", "mine", "--list-hosts")
    (tmp_path / "mine/defaults.yaml").write_text(f"port: 1\n{(tmp_path / 'mine/defaults.yaml').read_text()}")
    assert "HostUnreachableError" in kube_ha("deploy", "-i", "mine", "--dry-run", code=4)  # nothing listens on port 1


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
