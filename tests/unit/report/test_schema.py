"""The JSON report and its published schema say the same, by jsonschema."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.support.reports import (
    FAILED,
    FAULTS,
    MISSED,
    NEVER_MADE,
    NOT_HEALED,
    PASSED,
    REFUSED,
    SKIPPED,
    UNENDED,
    UNKNOWN,
    WARNED,
    failover,
    host,
    hostile_faults,
    hostile_report,
    lost,
    report_of,
)

from nornir_kube_ha.checks import Status
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.trial import Outcome
from nornir_kube_ha.report import HostState, Report, to_json
from nornir_kube_ha.report.model import SCHEMA

PUBLISHED: dict[str, Any] = json.loads((resources.files("nornir_kube_ha.report") / "schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(PUBLISHED)
STATE = HostState("MASTER", True, {"lb-1": "UP 1/2"})  # noqa: FBT003
WHOLE = report_of(
    host(PASSED, WARNED, FAILED, SKIPPED, UNKNOWN, state=STATE),
    lost(),
    host(failure=REFUSED),
    faults=(replace(MISSED, trials=MISSED.trials[-1:]),),
)


def parts(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize(
    "report",
    [
        WHOLE,
        hostile_report(),
        report_of(),
        report_of(host(PASSED), clusters={}),
        report_of(replace(host(), plan=("reload haproxy",), changed=True), cluster=(), dry_run=True),
        report_of(host(PASSED, state=replace(STATE, vrrp=None, apiservers={})), runbook="deploy"),
        report_of(host(PASSED), started=WHOLE.finished.replace(microsecond=0)),
        failover(*FAULTS, NOT_HEALED, UNENDED, NEVER_MADE),
        failover(*hostile_faults()),
    ],
    ids=[
        "whole",
        "hostile",
        "no host",
        "no cluster",
        "dry run",
        "daemons do not answer",
        "no fraction",
        "faults",
        "hostile faults",
    ],
)
def test_report_is_as_the_schema_says(report: Report) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(to_json(report)))] == []


def test_schema_is_of_this_version_and_knows_every_status() -> None:
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA
    assert PUBLISHED["$defs"]["check"]["properties"]["status"]["enum"] == [status.value for status in Status]
    assert PUBLISHED["$defs"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert [*PUBLISHED["$defs"]["limit"]["properties"]] == [field.name for field in fields(Limit)]


def test_every_field_is_described_and_required_and_no_other_is_allowed() -> None:
    objects = [part for part in parts(PUBLISHED) if part.get("type") == "object"]
    assert len(objects) == 28
    for part in objects:
        fields = part.get("properties", {})
        assert sorted(part.get("required", [])) == sorted(fields)
        assert (part["additionalProperties"] is False) is bool(fields), "a map by name has no fields"
        assert all(field["description"].endswith(".") for field in fields.values())


def paths(node: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    """Every place in a document, but the document itself."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*before, key)
        yield from paths(value, *before, key)


def at(document: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401
    for key in path:
        document = document[key]
    return document


WHOLE_TEXT = to_json(WHOLE)


def fresh() -> Any:  # noqa: ANN401
    return json.loads(WHOLE_TEXT)


PATHS = [*paths(fresh())]
# Keyed by a name, not by a field: whichever names there are is right.
MAPS = [("hosts",), ("clusters",), ("clusters", "demo", "apiservers"), ("hosts", "lb-1", "state", "apiservers")]


def test_any_value_of_another_type_is_refused() -> None:
    for path in PATHS:
        document = fresh()
        parent = at(document, path[:-1])
        # Half a second is a time, and a place without a figure takes one.
        parent[path[-1]] = {} if isinstance(parent[path[-1]], float | None) else 0.5
        assert not VALIDATOR.is_valid(document), path


def test_any_field_that_is_missing_is_refused() -> None:
    for path in PATHS:
        if isinstance(path[-1], str) and path[:-1] not in MAPS:
            document = fresh()
            del at(document, path[:-1])[path[-1]]
            assert not VALIDATOR.is_valid(document), path


def test_any_field_that_is_too_many_is_refused() -> None:
    for path in [(), *PATHS]:
        document = fresh()
        if isinstance(inner := at(document, path), dict):
            inner["more"] = 0.5
            assert not VALIDATOR.is_valid(document), path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("started",), "yesterday"),
        (("started",), "2026-01-02T03:04:05"),  # of which zone?
        (("run_id",), ""),
        (("hosts", "lb-1", "status"), "pass"),
        (("hosts", "lb-1", "role"), "MASTER"),
        (("hosts", "lb-1", "error"), ""),
        (("hosts", "lb-1", "checks", 0, "status"), "passed"),
        (("hosts", "lb-1", "checks", 0, "id"), ""),
        (("clusters", "demo", "port"), 65536),
        (("clusters", "demo", "port"), "8443"),
        (("faults", 0, "outcome"), "fail"),
        (("faults", 0, "limit", "seconds"), -1),
        (("faults", 0, "trials", 0, "new", "failed"), 0.5),
        (("faults", 0, "trials", 0, "new", "total"), None),
        (("faults", 0, "trials", 0, "phases", 0, "holders"), "lb-1"),
    ],
)
def test_wrong_value_is_refused(path: tuple[str | int, ...], value: str | float | None) -> None:
    document = fresh()
    at(document, path[:-1])[path[-1]] = value
    assert not VALIDATOR.is_valid(document)
