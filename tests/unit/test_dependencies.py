"""The lowest versions that may be installed beside us are safe ones: an operator's environment may hold old ones."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from rig.lab import ROOT

PYPROJECT = ROOT / "pyproject.toml"
SAFE = {
    "colorama": "0.4",
    "cryptography": "50",  # CVE-2026-69247; CVE-2026-39892 (46.0.7), CVE-2026-34073 (46.0.6), CVE-2026-26007 (46.0.5)
    "jinja2": "3.1.6",  # CVE-2025-27516: `|attr('format')` leads out of the sandbox
    "netmiko": "4.8",
    "nornir": "3.6",
    "nornir-jinja2": "1",
    "nornir-netmiko": "1.0.1",
    "nornir-utils": "0.2",
    "paramiko": "5.1",  # 5.0: no SHA-1 in key exchanges; CVE-2023-48795 (3.4)
    "prometheus-client": "0.25",
    "pydantic": "2.11",  # CVE-2024-3772 (2.4)
    "rich": "14",
    "ruamel-yaml": "0.18",
    "shtab": "1.13",
}
"""The lowest version of each that nothing is known against, and that the tests pass with."""


def requirements() -> dict[str, Requirement]:
    listed = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    return {requirement.name: requirement for requirement in map(Requirement, listed)}


def test_each_dependency_was_looked_at() -> None:
    assert requirements().keys() == SAFE.keys()


@pytest.mark.field_report("H6")
@pytest.mark.parametrize("name", SAFE)
def test_nothing_older_can_be_installed(name: str) -> None:
    [lowest] = [each.version for each in requirements()[name].specifier if each.operator == ">="]
    assert Version(lowest) >= Version(SAFE[name])


@pytest.mark.parametrize("name", SAFE)
def test_what_is_locked_is_not_older(name: str) -> None:
    lock = (PYPROJECT.parent / "uv.lock").read_text()
    versions = re.findall(rf'^name = "{re.escape(name)}"\nversion = "([^"]+)"', lock, re.MULTILINE)
    assert max(map(Version, versions)) >= Version(SAFE[name])
