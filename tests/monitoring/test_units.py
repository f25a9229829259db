"""The units of docs/monitoring, as systemd reads them and as kube-ha takes their command."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from rig.lab import ROOT

from nornir_kube_ha.cli.main import make_parser

UNITS = [*sorted((ROOT / "docs/monitoring").glob("kube-ha-verify.*"))]
PROGRAM = "/usr/local/bin/kube-ha"


def read(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # keys keep their case
    unit.read_string(path.read_text())
    return unit


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a program that is on this machine."""
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, "/bin/true"))
    return sorted(tmp_path.iterdir())


def test_systemd_takes_the_units(units: list[Path]) -> None:
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: run `./setup.sh`, as `make test` does"
    completed = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=60
    )
    assert (completed.returncode, completed.stdout + completed.stderr) == (0, "")


def test_systemd_would_refuse_a_wrong_one(units: list[Path]) -> None:
    units[0].write_text(units[0].read_text().replace("SuccessExitStatus=1 4", "SuccessExitStatus=red"))
    command = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Failed to parse value" in completed.stdout + completed.stderr


def test_command_of_the_service_is_one_of_ours() -> None:
    service = read(UNITS[0])["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program == PROGRAM
    parsed = make_parser().parse_args(words)
    assert str(parsed.history) == f"/var/lib/{service['StateDirectory']}"
    assert str(parsed.report_dir) in service["ReadWritePaths"].split()
    assert parsed.notify == "env:KUBE_HA_WEBHOOK"
    page = (ROOT / "docs/monitoring.md").read_text()
    assert "KUBE_HA_WEBHOOK=https://..." in page
    assert f"chgrp kube-ha {parsed.report_dir}" in page


def test_timer_starts_the_service_a_minute_after_it_has_ended() -> None:
    service, timer = UNITS
    assert (service.suffix, timer.suffix) == (".service", ".timer")
    assert "Unit" not in read(timer)["Timer"]  # the service of its own name
    assert read(timer)["Timer"]["OnUnitInactiveSec"] == "1min"
