"""The report's formats: by name, and as files in a folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.lazy import later
from nornir_kube_ha.report import RENDERINGS
from nornir_kube_ha.report.model import Report

FORMATS: Mapping[str, tuple[str, Callable[[Report], str]]] = {
    name: (file, later(RENDERINGS[rendering]))
    for name, file, rendering in (
        ("terminal", "report.txt", "to_text"),
        ("json", "report.json", "to_json"),
        ("junit", "report.xml", "to_junit"),
        ("nagios", "report.nagios", "to_nagios"),
        ("prometheus", "report.prom", "to_prometheus"),
        ("markdown", "report.md", "to_markdown"),
        ("html", "report.html", "to_html"),
    )
}
"""File name and rendering of each format."""


def write_report(report: Report, folder: Path) -> None:
    """Write the report in every format. Each file is replaced atomically, so that a reader never sees half of it.

    Arguments:
        report: the run's report
        folder: an existing folder

    Raises:
        OSError: a file could not be written; the others were
    """
    problems: dict[str, list[str]] = {}
    number = None
    for name, render in FORMATS.values():
        text = render(report)
        try:
            write_file(folder / name, text if text.endswith("\n") else f"{text}\n")
        except OSError as error:
            problems.setdefault(error.strerror or str(error), []).append(name)
            number = error.errno
    if problems:
        words = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in problems.items())
        raise OSError(number, f"the report in {folder} is incomplete: {words}")
