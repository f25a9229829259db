"""The alert rules as Prometheus itself reads them, and what they do with series over time."""

import shutil
import subprocess
from pathlib import Path

import pytest
from rig.lab import ROOT
from ruamel.yaml import YAML
from tests.support.prometheus import program

MONITORING = ROOT / "docs/monitoring"
SERIES = Path(__file__).with_name("alerts.test.yaml")


def promtool(*arguments: str | Path) -> str:
    completed = subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def test_rules_fire_and_resolve_as_documented() -> None:
    assert "SUCCESS" in promtool("test", "rules", SERIES)


def test_each_rule_is_seen_to_fire_and_not_to_fire() -> None:
    rules = {rule["alert"] for group in YAML().load(MONITORING / "alerts.yaml")["groups"] for rule in group["rules"]}
    seen: dict[str, set[bool]] = {name: set() for name in rules}
    for test in YAML().load(SERIES)["tests"]:
        for each in test["alert_rule_test"]:
            seen[each["alertname"]].add(bool(each["exp_alerts"]))
    assert [name for name, outcomes in seen.items() if outcomes != {True, False}] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configuration as a reader copies it, with a password of their own."""
    shutil.copytree(MONITORING, tmp_path / "prometheus")
    (tmp_path / "prometheus/haproxy-password").write_text("only-for-the-lab")
    return tmp_path / "prometheus"


def test_prometheus_takes_configuration_and_rules(folder: Path) -> None:
    said = promtool("check", "config", folder / "prometheus.yml")
    assert "11 rules found" in said
