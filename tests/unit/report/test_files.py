"""The report as files: every format, each whole or not there at all."""

import os
from pathlib import Path

import pytest
from tests.support.reports import report_of

from nornir_kube_ha.cli.options.runbook import OUTPUTS
from nornir_kube_ha.report.files import FORMATS, write_report


def test_options_name_every_format() -> None:
    assert tuple(FORMATS) == OUTPUTS


def test_every_format_is_written(tmp_path: Path) -> None:
    report = report_of()
    write_report(report, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(name for name, _ in FORMATS.values())
    for name, render in FORMATS.values():
        assert (tmp_path / name).read_text(encoding="utf-8").rstrip("\n") == render(report).rstrip("\n")


def test_a_later_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("old\n")
    inode = (tmp_path / "report.json").stat().st_ino
    write_report(report_of(), tmp_path)
    assert (tmp_path / "report.json").read_text().startswith("{")
    assert (tmp_path / "report.json").stat().st_ino != inode  # by rename: who reads the old one reads it to its end


def test_what_cannot_be_written_leaves_the_old_one_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "report.txt").write_text("old\n")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(report_of(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]
    assert (tmp_path / "report.txt").read_text() == "old\n"
