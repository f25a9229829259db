"""What the docs take from the code is what the code says."""

import re
import runpy
from pathlib import Path

import pytest
from tests.lab.defects import DEFECTS

from nornir_kube_ha.checks import CHECKS

DOCS = Path(__file__).resolve().parents[2] / "docs"


PAGES = runpy.run_path(str(DOCS / "reference.py"))["PAGES"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_the_docs_take_from_the_code_is_what_it_says(path: Path) -> None:
    assert path.read_text() == PAGES[path](), "run `make docs`"


def test_the_readme_counts_right() -> None:
    text = (DOCS.parent / "README.md").read_text()
    assert f"{len(CHECKS)} checks, held to {len(DEFECTS)} defects" in text


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        assert (page.parent / target.partition("#")[0]).exists(), target
