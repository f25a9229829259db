"""The report in each of its formats: by name, and as files in a folder."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from nornir_kube_ha.files import write_file
from nornir_kube_ha.report.html import to_html
from nornir_kube_ha.report.junit import to_junit
from nornir_kube_ha.report.machine import to_json
from nornir_kube_ha.report.markdown import to_markdown
from nornir_kube_ha.report.model import Report
from nornir_kube_ha.report.nagios import to_nagios
from nornir_kube_ha.report.prometheus import to_prometheus
from nornir_kube_ha.report.terminal import print_report

_PAGE_WIDTH = 120  # characters, of the report as plain text in a file


def to_text(report: Report) -> str:
    """The report as a terminal shows it, without colours.

    Arguments:
        report: the run's report
    """
    page = io.StringIO()
    print_report(report, Console(file=page, width=_PAGE_WIDTH, highlight=False, color_system=None))
    return page.getvalue()


FORMATS: Mapping[str, tuple[str, Callable[[Report], str]]] = {
    "terminal": ("report.txt", to_text),
    "json": ("report.json", to_json),
    "junit": ("report.xml", to_junit),
    "nagios": ("report.nagios", to_nagios),
    "prometheus": ("report.prom", to_prometheus),
    "markdown": ("report.md", to_markdown),
    "html": ("report.html", to_html),
}
"""Each format's file name, and how the report becomes it."""


def write_report(report: Report, folder: Path) -> None:
    """Write the report in every format. Each file is there whole or not at all: whoever reads it never sees half.

    Arguments:
        report: the run's report
        folder: where to; it is there

    Raises:
        OSError: a file cannot be written
    """
    for name, render in FORMATS.values():
        text = render(report)
        write_file(folder / name, text if text.endswith("\n") else f"{text}\n")
