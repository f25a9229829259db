"""The report as one HTML page without external files."""

from datetime import UTC, datetime
from functools import cache

import jinja2

from nornir_kube_ha.report.api_costs import NOT_MEASURED
from nornir_kube_ha.report.cluster_summary import FEW
from nornir_kube_ha.report.fault_costs import OUTCOME_STATUSES, counts_of, way_of
from nornir_kube_ha.report.html.clusters import Anchors, parts_of, topics_of
from nornir_kube_ha.report.html.faults import fault_parts_of, fault_topics_of
from nornir_kube_ha.report.model import HOST_STATUSES, Report
from nornir_kube_ha.report.words import in_seconds, in_words, pieces
from nornir_kube_ha.text import clean

MINUTE = 60  # seconds


def to_html(report: Report) -> str:
    """Return the report as one self-contained HTML page, without scripts."""
    anchors = Anchors()
    faults_anchor, steps_anchor = anchors.of("faults"), anchors.of("steps")
    faults = fault_parts_of(report.faults, anchors)
    parts = parts_of(report, anchors)
    return (
        _environment()
        .get_template("page.j2")
        .render(
            report=report,
            parts=parts,
            few=FEW,
            topics=topics_of(parts, fault_topics_of(faults)),
            faults=faults,
            faults_anchor=faults_anchor,
            steps_anchor=steps_anchor,
            kinds={**OUTCOME_STATUSES, **HOST_STATUSES},
            not_measured=NOT_MEASURED,
            fault_counts=counts_of(report),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nornir_kube_ha", "report/html/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"utc": _utc, "duration": _duration, "pieces": pieces, "lines": _lines}
    environment.filters |= {"seconds": in_seconds, "in_words": in_words, "way": way_of}
    return environment


def _shown(value: object) -> object:
    """Remove control characters from every value on the page, since values include hosts' output."""
    return clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, MINUTE)
    return f"{minutes:.0f} min {int(rest)} s" if minutes else f"{rest:.1f} s"


def _lines(value: str) -> list[tuple[str, str]]:
    """Return each line with its kind in a diff: `added`, `removed`, `place`, or "" for any other."""
    lines = value.strip("\n").split("\n")
    if not any(line.startswith("@@ ") for line in lines):
        return [(line, "") for line in lines]
    kinds = {"+": "added", "-": "removed", "@": "place"}
    return [(line, kinds.get(line[:1], "")) for line in lines]
