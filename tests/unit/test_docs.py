"""What the docs take from the code is what the code says."""

import re
import runpy
from pathlib import Path

import pytest

from nornir_kube_ha.checks import CLUSTER_CHECKS, HOST_CHECKS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_settings_are_those_of_the_models() -> None:
    page = runpy.run_path(str(DOCS / "reference.py"))["page"]
    assert (DOCS / "settings.md").read_text() == page(), "run `make docs`"


def test_every_check_is_told() -> None:
    told = re.findall(r"`([a-z]+\.[a-z_]+)`", (DOCS / "report.md").read_text().partition("## Checks")[2])
    known = [*(check.id for check in HOST_CHECKS), *(check.id for check in CLUSTER_CHECKS)]
    assert sorted(told) == sorted(known)


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        assert (page.parent / target.partition("#")[0]).exists(), target
