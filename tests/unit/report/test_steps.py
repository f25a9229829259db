"""The steps of a rehearsal, in each format."""

import json
from dataclasses import replace
from importlib import resources

import html5lib
import pytest
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from tests.support.reports import HOSTILE, PASSED, host, report_of

from nornir_kube_ha.report import Report, Step, to_html, to_json, to_junit, to_markdown, to_nagios, to_text
from nornir_kube_ha.report.files import FORMATS
from nornir_kube_ha.report.problems import problems

PUBLISHED = json.loads((resources.files("nornir_kube_ha.report") / "schema.json").read_text("utf-8"))
DIFF = "--- /etc/haproxy/haproxy.cfg\n+++ /etc/haproxy/haproxy.cfg\n@@ -1 +1 @@\n-balance roundrobin\n+balance source"
BOOTED = Step("boot the hosts", "passed", 3.25)
DEPLOYED = Step("deploy the new state under load", "passed", 9.5, changes={"lb-1": DIFF})
REFUSED = Step("deploy the new state under load", "failed", 9.5, "lb-2: GateError: no apiserver is up", {"lb-1": DIFF})
LEFT = Step("verify the new state", "unknown", words="not reached")
WENT = report_of(
    replace(host(PASSED), changed=True, diff=DIFF), host(PASSED), runbook="rehearse", steps=(BOOTED, DEPLOYED)
)
ENDED = replace(WENT, steps=(BOOTED, REFUSED, LEFT))
STRANGE = replace(WENT, steps=(Step(HOSTILE, "failed", 1.0, HOSTILE, {HOSTILE: HOSTILE}),))


def test_rehearsal_passes_only_if_each_step_does() -> None:
    assert (WENT.exit_code, WENT.ended_at) == (0, "")
    assert (ENDED.exit_code, ENDED.ended_at) == (1, "failed at step 2 of 3: deploy the new state under load")


def test_failed_step_is_a_problem() -> None:
    [found] = problems(ENDED)
    assert (found.what, found.seen) == (REFUSED.name, REFUSED.words)


def test_text_has_a_row_for_each_step_and_the_verdict() -> None:
    text = to_text(ENDED)
    assert "boot the hosts" in text
    assert "lb-2: GateError: no apiserver is up" in " ".join(text.split())
    assert "rehearse: NOT PASSED, failed at step 2 of 3: deploy the new state under load - " in text


def test_markdown_has_what_a_change_request_needs() -> None:
    text = to_markdown(ENDED)
    assert "**The rehearsal failed at step 2 of 3&#58; deploy the new state under load.**" in text
    assert "| 1. boot the hosts | pass | 3.2 | - | - |" in text
    assert "What changed on `lb-1`:\n\n```diff\n--- /etc/haproxy/haproxy.cfg\n" in text
    assert "What changed on `lb-2`" not in text


@pytest.mark.parametrize("report", [WENT, ENDED, STRANGE])
def test_json_is_as_its_schema_says(report: Report) -> None:
    tree = json.loads(to_json(report))
    assert [error.message for error in Draft202012Validator(PUBLISHED).iter_errors(tree)] == []
    assert [each["name"] for each in tree["steps"]] == [step.name for step in report.steps]


def test_json_has_the_diff_of_each_step() -> None:
    assert json.loads(to_json(ENDED))["steps"][1] == {
        "name": "deploy the new state under load",
        "status": "failed",
        "seconds": 9.5,
        "words": "lb-2: GateError: no apiserver is up",
        "changes": {"lb-1": DIFF},
    }


def test_junit_has_a_suite_of_steps() -> None:
    [steps] = (suite for suite in JUnitXml.fromstring(to_junit(ENDED).encode()) if suite.name == "steps")
    assert [(case.name, [each.message for each in case.result]) for case in steps] == [
        ("boot the hosts", []),
        ("deploy the new state under load", ["lb-2: GateError: no apiserver is up"]),
        ("verify the new state", ["not reached"]),
    ]


@pytest.mark.parametrize("report", [WENT, ENDED, STRANGE])
def test_page_is_strict_html(report: Report) -> None:
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(to_html(report))


def test_page_says_where_the_rehearsal_ended() -> None:
    page = to_html(ENDED)
    assert "The rehearsal failed at step 2 of 3: deploy the new state under load." in page
    assert "changed lb-1" in page
    assert ">Steps<" not in to_html(report_of(host(PASSED)))


@pytest.mark.parametrize("name", FORMATS)
def test_no_control_character_of_a_step_reaches_a_reader(name: str) -> None:
    _, render = FORMATS[name]
    assert "\x1b" not in render(STRANGE)


def test_pager_is_told_of_a_failed_step() -> None:
    assert to_nagios(ENDED).startswith("KUBE-HA CRITICAL")
