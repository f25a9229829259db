"""Write field-reports.md from the marks on the tests."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
MARK = "field_report"
INTRODUCTION = """\
# Field reports

Written by `make docs` from the marks on the tests. Each row is a failure of a set-up of keepalived and haproxy that was
reported in public, or found by trying one; reports are named by repository and number. "The guide" is the shell guide
that this project started from. Each test fails if the case stops being handled.

| # | reported as | with the guide | here | test |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """A test of the case that a field report describes.

    Arguments:
        row: number of the report in this project, `A1`
        texts: what was reported, the result with the guide's set-up, the result here; empty on a row's further tests
        test: place of the test, `tests/unit/planning/test_plan.py::test_name`
    """

    row: str
    texts: tuple[str, ...]
    test: str


def field_reports_page() -> str:
    """Return field-reports.md.

    Raises:
        LookupError: no test, or more than one, gives a row's texts
    """
    rows: dict[str, list[Marked]] = {}
    for marked in marked_tests():
        rows.setdefault(marked.row, []).append(marked)
    return INTRODUCTION + "".join(_line(rows[row]) for row in sorted(rows, key=_rank))


def _rank(row: str) -> tuple[str, int]:
    return row[0], int(row[1:])


def _line(marks: list[Marked]) -> str:
    texts = [marked.texts for marked in marks if marked.texts]
    if len(texts) != 1:
        raise LookupError(f"row {marks[0].row}: expected its texts on one test, found them on {len(texts)}")
    tests = "<br>".join(f"`{marked.test}`" for marked in marks)
    return f"| {marks[0].row} | {' | '.join(texts[0])} | {tests} |\n"


def marked_tests() -> Iterator[Marked]:
    """Yield every marked test, file by file, without importing any."""
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if MARK not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                where = f"{path.relative_to(TESTS.parent)}::{node.name}"
                yield from (Marked(row, tuple(texts), where) for row, *texts in _marks(node))


def _marks(test: ast.FunctionDef) -> Iterator[tuple[str, ...]]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{MARK}":
            row, *texts = map(ast.literal_eval, decorator.args)
            if not re.fullmatch(r"[A-J]\d{1,2}", row) or len(texts) not in {0, 3}:
                raise LookupError(f"{test.name}: expected a row and three texts, or a row alone")
            yield row, *texts
