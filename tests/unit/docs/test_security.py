"""Each thing that SECURITY.md says an inventory cannot do has tests, and they are there under these names."""

import re

import pytest
from rig.lab import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
SECTION = TEXT.partition("## What an inventory cannot do")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (?!cannot|---)([^|]+) \| [^|]+ \| ([^|]+) \|$", SECTION, re.MULTILINE)


@pytest.mark.parametrize(("cannot", "shown"), ROWS, ids=[row[0] for row in ROWS])
def test_what_an_inventory_cannot_do_is_shown(cannot: str, shown: str) -> None:
    assert cannot
    files = ""
    for name in re.findall(r"`((?:tests/unit/[\w/]*)?test_\w+(?:\.py)?)`", shown):
        if name.endswith(".py"):
            files = (ROOT / name).read_text()
        else:
            assert f"def {name}(" in files
    assert files


def test_there_are_rows() -> None:
    assert len(ROWS) >= 8


@pytest.mark.parametrize("path", sorted({*re.findall(r"`(tests/[\w/]+\.py)`", TEXT)}))
def test_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()
