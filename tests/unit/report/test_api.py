"""Waiting time of Kubernetes API clients, in every format."""

import io
import json
from dataclasses import replace
from importlib import resources

import jsonschema
import pytest
from rich.console import Console
from tests.support.reports import LIMIT, failover, handed_over, through_api

from nornir_kube_ha.failover.limit import ApiLimit
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import to_html, to_json, to_junit, to_markdown, to_nagios, to_prometheus
from nornir_kube_ha.report.api_costs import NOT_MEASURED, api_rows
from nornir_kube_ha.report.formats.terminal import print_report
from nornir_kube_ha.report.html.axis import excerpts
from nornir_kube_ha.report.html.lanes import WIDE
from nornir_kube_ha.report.html.timeline import timeline
from nornir_kube_ha.report.html.trial_words import sentences

SCHEMA = resources.files("nornir_kube_ha.report") / "schema.json"
LIMITED = replace(LIMIT, api=ApiLimit(read=0.3, write=0.3, watch=0.3))
DEAF = FaultReport("vip-move", "the VIP is moved to another node", LIMITED, (through_api(),))
WITHOUT = replace(DEAF, trials=(handed_over(),))
TWICE = replace(DEAF, trials=(through_api(), through_api()))


def text(fault: FaultReport, width: int) -> str:
    stream = io.StringIO()
    print_report(failover(fault), Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 200])
def test_terminal_has_a_row_for_each_kind_of_client(width: int) -> None:
    found = text(DEAF, width)
    for words in (
        "address",
        "read",
        "cached",
        "write",
        "watch",
        "0.3 s",
        "10.0 s",
        "1 ended (1 by timeout), 0 events missed",
    ):
        assert words in found
    assert "0 acknowledged writes lost" in found
    assert NOT_MEASURED not in found


def test_every_format_says_what_was_not_measured() -> None:
    report = failover(WITHOUT)
    assert NOT_MEASURED in " ".join(text(WITHOUT, 300).split())
    assert "was not measured: no kubeconfig" in to_html(report)
    assert "was not measured: no kubeconfig" in to_junit(report)
    assert "no kubeconfig" in to_markdown(report)
    [fault] = json.loads(to_json(report))["faults"]
    assert (fault["trials"][0]["api"], fault["statistics"]["api"]) == (None, None)


def test_json_has_each_figure_and_keeps_to_its_schema() -> None:
    document = json.loads(to_json(failover(DEAF)))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    [fault] = document["faults"]
    api = fault["trials"][0]["api"]
    assert api["watch"]["silence"] == fault["statistics"]["api"]["watch"]["max"] == 10.0
    assert api["watch"]["ended"] == {"timeout": 1}
    assert api["read"]["failed"] == api["write"]["failed"] > 0
    assert (api["lost"], api["missed"]) == (0, 0)
    assert fault["limit"]["api"]["watch"] == 0.3


def test_machine_formats_have_the_longest_wait_of_each_kind() -> None:
    report = failover(TWICE)
    metrics = to_prometheus(report)
    assert 'client="watch",cluster="demo",fault="vip-move",statistic="p99"} 10' in metrics
    assert 'what="acknowledged_writes_lost"} 0' in metrics
    assert 'what="watches_ended"} 2' in metrics
    assert ".watch'=10.000s;;0.3;0" in to_nagios(report)


def test_human_formats_have_tables_and_words() -> None:
    report = failover(DEAF)
    assert "| watch | 10.0 s | a watch receives the event of a write | 0.3 s |" in to_markdown(report)
    page = to_html(report)
    assert "Waiting time of Kubernetes API clients" in page
    assert "10.0 s until a watch receives the event of a write" in page
    assert "watch, until a watch receives the event of a write: 10.0 s; 1 ended (1 by timeout)" in to_junit(report)
    assert any("Through the Kubernetes API, watch: 10.0 s at most" in each for each in sentences(through_api()))


def test_timeline_has_a_lane_for_each_kind_with_its_longest_wait() -> None:
    trial = through_api()
    drawn = timeline(trial, excerpts(trial)[0], WIDE)
    words = [each.text for each in drawn.texts]
    assert [each for each in words if each in {"reads", "writes", "watches"}] == ["reads", "writes", "watches"]
    assert "outage 10.0 s" in words
    assert not {"reads", "writes", "watches"} & {
        each.text for each in timeline(handed_over(), excerpts(handed_over())[0], WIDE).texts
    }


def test_rows_tell_median_p99_and_maximum_over_trials() -> None:
    assert [len(row.figures) for row in api_rows(TWICE)] == [3, 3, 3, 3, 3]
    assert api_rows(WITHOUT) == ()
