"""Alert rules and dashboard ask for metrics that there are, and each alert leads to what to do about it."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from rig.lab import ROOT
from rig.samples import DATA
from ruamel.yaml import YAML

MONITORING = ROOT / "docs/monitoring"
VERSIONS = ("2.2.9", "2.6.12", "3.0.11")
OF_PROMETHEUS = {"up": {"job", "instance"}}
OF_A_TARGET = {"job", "instance", "cluster"}  # labels that each scraped series has
SELECTOR = re.compile(r"\b(up|haproxy_\w+|kube_ha_\w+)\b(?:\{([^}]*)\})?")
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in YAML(typ="safe").load(MONITORING / "alerts.yaml")["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and the expression."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


def exported(version: str) -> dict[str, set[str]]:
    """Labels of each metric of haproxy's exporter, as a haproxy of this version gave them."""
    lines = (DATA / f"haproxy-metrics-{version}.txt").read_text(encoding="utf-8").splitlines()
    return {name: set(labels) for name, *labels in map(str.split, lines)}


def ours() -> dict[str, set[str]]:
    """Labels of each metric of the report."""
    stable = json.loads((DATA / "stable.json").read_text(encoding="utf-8"))["prometheus metrics"]
    return {name: set(labels) for name, *labels in map(str.split, stable)}


@pytest.mark.parametrize("version", VERSIONS)
def test_metrics_and_labels_exist(version: str) -> None:
    known = OF_PROMETHEUS | exported(version) | ours()
    for where, expression in expressions():
        found = SELECTOR.findall(expression)
        assert found, f"{where} asks for no metric"
        for name, matchers in found:
            assert name in known, where
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert labels <= known[name] | OF_A_TARGET, where


def test_each_alert_leads_to_its_section() -> None:
    site = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"]
    sections = re.findall(r"^### (\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["annotations"]["runbook_url"] == f"{site}/alerts.html#{rule['alert'].lower()}"
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_checks_of_the_page_exist() -> None:
    known = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    text = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:haproxy|keepalived|vrrp|vip|host)\.[a-z_]+)`", text)) - {"haproxy.global_lines"}
    assert len(named) >= 8
    assert [name for name in named if f"`{name}`" not in known] == []


def test_proxy_of_the_expressions_is_the_listener() -> None:
    names = {name for _, text in expressions() for name in re.findall(r'proxy="([^"]+)"', text)}
    assert names == {"kube-apiserver"}
    assert "listen kube-apiserver" in next((ROOT / "tests/config/golden/ours/lb-1").rglob("haproxy.cfg")).read_text()


def test_jobs_of_the_rules_are_scraped() -> None:
    jobs = YAML(typ="safe").load(MONITORING / "prometheus.yml")["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {"kube-ha-haproxy", "kube-ha-verify"}
    asked = {name for _, text in expressions() for name in re.findall(r'job="([^"]+)"', text)}
    assert asked == {"kube-ha-haproxy"}


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_dashboard_is_one_that_can_be_imported() -> None:
    assert "id" not in DASHBOARD  # Grafana's own number: with one, an import would replace another dashboard
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= DASHBOARD.keys()
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        assert panel["datasource"] == source
        assert panel["type"] in {"stat", "timeseries", "table", "state-timeline"}
        assert [target["datasource"] for target in panel["targets"]] == [source] * len(panel["targets"])
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "cluster"}
