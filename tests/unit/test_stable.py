"""What docs/stability.md promises is still there: each name of stable.json, as of the last release.

Names may be added at any time. One that goes is deprecated first, and leaves stable.json with a new minor version. To
write down what a release adds:

    KUBE_HA_UPDATE_GOLDEN=1 .venv/bin/pytest tests/unit/test_stable.py
"""

import argparse
import inspect
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from tests.support.reports import FAULTS, PASSED, failover, host, report_of, through_api

import nornir_kube_ha
from nornir_kube_ha import errors, report, tasks
from nornir_kube_ha.checks import CHECKS, Finding, Status
from nornir_kube_ha.cli.main import make_parser
from nornir_kube_ha.cli.options.examples import CODES
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.failover.faults import FAULTS as FAULTS_BY_NAME
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.intent import Apiserver, Backend, Listener, Node, Settings, VirtualRouter
from nornir_kube_ha.intent.names import MANAGED_PATHS
from nornir_kube_ha.report import HostState, to_junit, to_nagios, to_prometheus
from nornir_kube_ha.report.files import FORMATS
from nornir_kube_ha.report.model import SCHEMA

STABLE = Path(__file__).parent / "data/stable.json"
ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "src/nornir_kube_ha/report/schema.json"
PAGE = (ROOT / "docs/stability.md").read_text(encoding="utf-8")
UPDATE = "KUBE_HA_UPDATE_GOLDEN"
DEAF = FaultReport("vip-move", "the VIP is moved to another node", FAULTS[0].limit, (through_api(),))
YET = Finding("vip.readyz", Status.WARN, "HTTP 200", "no apiserver answers yet: curl: (35)", "kubeadm init")
STATE = HostState("MASTER", True, {"lb-1": "UP"})  # noqa: FBT003


def exported(module: Any) -> Iterator[str]:  # noqa: ANN401
    """Names, and each argument of a function."""
    for name in module.__all__:
        yield name
        if inspect.isfunction(value := getattr(module, name)):
            yield from (f"{name}({argument}=)" for argument in inspect.signature(value).parameters)


def keys(model: type[Settings], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Each command, and each option of one."""
    yield parser.prog
    for action in parser._actions:  # noqa: SLF001 - argparse has no public name for it
        yield from (f"{parser.prog} {option}" for option in action.option_strings)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
            for each in action.choices.values():
                yield from commands(each)
        elif action.option_strings:
            yield from (f"{parser.prog} {action.option_strings[-1]} {choice}" for choice in action.choices or ())


def error_classes() -> Iterator[str]:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, KubeHaError):
            yield f"{name} ends with {value.exit_code}"
            yield from (f"{name} is a {base.__name__}" for base in value.__mro__[1:-2])


def report_fields(schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Each field that the report's schema describes, by its place there."""
    for name, inner in schema.items():
        if isinstance(inner, dict):
            here = place if name in {"properties", "items", "additionalProperties"} else f"{place}/{name}"
            yield from [here] if "description" in inner else []
            yield from report_fields(inner, here)


def metrics(text: str) -> Iterator[str]:
    """Each Prometheus metric, with its labels."""
    for family in text_string_to_metric_families(text):
        yield f"{family.name} {' '.join(sorted(family.samples[0].labels))}".strip()


@cache
def names() -> dict[str, list[str]]:
    """All names of now, by kind."""
    reports = (report_of(host(PASSED, YET, state=STATE)), failover(*FAULTS, DEAF))
    found = {
        "nornir_kube_ha": exported(nornir_kube_ha),
        "nornir_kube_ha.tasks": exported(tasks),
        "nornir_kube_ha.report": report.__all__,
        "inventory keys": [
            *keys(Node, ""),
            *keys(Apiserver, "apiservers[]."),
            *keys(VirtualRouter, "virtual_routers[]."),
            *keys(Listener, "haproxy.listeners[]."),
            *keys(Backend, "haproxy.listeners[].servers[]."),
        ],
        "command line": commands(make_parser()),
        "exit codes": map(str, CODES),
        "errors": error_classes(),
        "checks": CHECKS,
        "faults": FAULTS_BY_NAME,
        "report formats": (f"{name} {file}" for name, (file, _) in FORMATS.items()),
        "report schema": [str(SCHEMA), *report_fields(json.loads(PUBLISHED.read_text(encoding="utf-8")))],
        "junit suites": (suite.name for each in reports for suite in JUnitXml.fromstring(to_junit(each).encode())),
        "nagios figures": (label for each in reports for label in re.findall(r"'([^']+)'=", to_nagios(each))),
        "prometheus metrics": (name for each in reports for name in metrics(to_prometheus(each))),
        "managed files": MANAGED_PATHS,
    }
    return {kind: sorted(set(each)) for kind, each in found.items()}


def kinds() -> dict[str, list[str]]:
    if os.environ.get(UPDATE):
        STABLE.write_text(json.dumps(names(), indent=1) + "\n", encoding="utf-8")
    promised: dict[str, list[str]] = json.loads(STABLE.read_text(encoding="utf-8"))
    return promised


def test_every_kind_of_name_is_promised() -> None:
    promised = kinds()
    assert promised.keys() == names().keys()
    assert all(promised.values())


@pytest.mark.parametrize("kind", kinds())
def test_promised_names_are_still_there(kind: str) -> None:
    assert set(kinds()[kind]) - set(names()[kind]) == set()


@pytest.mark.parametrize("path", sorted({*re.findall(r"`(tests/[\w/.]+)`", PAGE)}))
def test_file_that_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted({*re.findall(r"`(?:(?:tests/)?[\w/.]+::)?(test_\w+)`", PAGE)}))
def test_test_that_the_page_names_is_there(name: str) -> None:
    assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
