"""The tables of the benchmark."""

from pathlib import Path

import pytest
from benchmarks import table
from benchmarks.contestants import Contestant, floor, guide, ours
from benchmarks.jobs import Job
from benchmarks.measuring import Taken
from benchmarks.trials import Trial


def trial(contestant: Contestant, seconds: float, wrong: str = "") -> Trial:
    return Trial(contestant, Taken(0, "", seconds, seconds / 2, 30), 1, 2, wrong)


def test_medians_stand_beside_the_floor_s_and_kube_ha_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PAGE", tmp_path / "page.md")
    done = [trial(floor.FLOOR, 1), *(trial(ours.OURS, seconds) for seconds in (9, 4, 3))]
    done += [trial(guide.GUIDE, 20), trial(guide.GUIDE, 1, "nobody has logged in")]
    table.record_job(Job.NO_OP, 3, done, "make bench")
    rows = [line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("|")][2:]
    assert rows == [
        "| floor | 1.00 | 1 | 0.25 | 0.50 | 1 | 0.25 | 30 | 1 | 2 | 1 of 1 |",
        "| ours | 4.00 | 4 | 1 | 2.00 | 4 | 1 | 30 | 1 | 2 | 3 of 3 |",
        "| the guide | 20.00 | 20 | 5 | 10.00 | 20 | 5 | 30 | 1 | 2 | 1 of 2 |",
    ]


def test_who_was_never_right_has_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PAGE", tmp_path / "page.md")
    table.record_job(Job.NO_OP, 3, [trial(ours.OURS, 4), trial(floor.FLOOR, 1, "exit status 1")], "make bench")
    rows = [line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("|")][2:]
    assert rows == [
        f"| floor | {' | '.join('-' * 9)} | 0 of 1 |",
        "| ours | 4.00 | - | 1 | 2.00 | - | 1 | 30 | 1 | 2 | 1 of 1 |",
    ]
