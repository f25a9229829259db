"""The report as one HTML page without external files."""

from datetime import UTC, datetime
from functools import cache

import jinja2

from nornir_kube_ha.report.api import NOT_MEASURED
from nornir_kube_ha.report.fault_page import KINDS, fault_parts_of, fault_topics_of
from nornir_kube_ha.report.faults import counts_of, in_seconds, in_words, way_of
from nornir_kube_ha.report.model import Report
from nornir_kube_ha.report.overview import FEW
from nornir_kube_ha.report.page import Anchors, parts_of, topics_of
from nornir_kube_ha.text import clean

MINUTE = 60  # seconds
HOST_STATUSES = ("passed", "failed", "unknown")


def to_html(report: Report) -> str:
    """Return the report as one self-contained HTML page, without scripts."""
    anchors = Anchors()
    faults_anchor = anchors.of("faults")
    faults = fault_parts_of(report.faults, anchors)
    parts = parts_of(report, anchors)
    hosts = [host.status for host in report.hosts.values()]
    return (
        _environment()
        .get_template("html.j2")
        .render(
            report=report,
            parts=parts,
            few=FEW,
            topics=topics_of(parts, fault_topics_of(faults)),
            faults=faults,
            faults_anchor=faults_anchor,
            kinds=KINDS,
            not_measured=NOT_MEASURED,
            fault_counts=counts_of(report),
            host_counts={status: hosts.count(status) for status in HOST_STATUSES},
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nornir_kube_ha", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"utc": _utc, "duration": _duration, "pieces": _pieces, "lines": _lines}
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


def _pieces(value: str) -> list[tuple[str, bool]]:
    """Split one of our own texts at the backticks around commands; return each piece, and whether it is a command."""
    pieces = value.split("`")
    if len(pieces) % 2 == 0:
        return [(value, False)]
    return [(piece, bool(number % 2)) for number, piece in enumerate(pieces) if piece]


def _lines(value: str) -> list[tuple[str, str]]:
    """Return each line with its kind in a diff: `added`, `removed`, `place`, or "" for any other."""
    lines = value.strip("\n").split("\n")
    if not any(line.startswith("@@ ") for line in lines):
        return [(line, "") for line in lines]
    kinds = {"+": "added", "-": "removed", "@": "place"}
    return [(line, kinds.get(line[:1], "")) for line in lines]
