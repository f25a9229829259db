"""Contestants of the benchmark end with the same hosts, and one that does not is found out.

Ansible and pyinfra are not among them: they would have to be installed first, and take half a minute more. `make bench`
holds them to the same.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.contestants import floor, guide, ours
from benchmarks.jobs import Job
from benchmarks.measuring import take
from benchmarks.site import Site, site
from benchmarks.trials import trials
from tests.support.labs import PROCESS


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    with site(3, f"bench{PROCESS}") as place:
        yield place


def test_what_is_in_place_is_left_so_by_all(place: Site) -> None:
    done = {trial.contestant: trial for trial in trials(place, Job.NO_OP, 1, (floor.FLOOR, ours.OURS, guide.GUIDE))}
    assert [trial.wrong for trial in done.values()] == ["", "", ""]
    assert (done[floor.FLOOR].logins, done[floor.FLOOR].sessions) == (1, 1)
    assert (done[ours.OURS].logins, done[ours.OURS].sessions) == (1, 1)
    assert done[guide.GUIDE].logins > 10


def test_a_login_and_a_look_are_nothing_more(place: Site) -> None:
    done = [*trials(place, Job.VERIFY, 1, (floor.LOGIN, floor.LOOK))]
    assert [(trial.wrong, trial.logins, trial.sessions) for trial in done] == [("", 1, 1)] * 2
    login, look = (trial.taken.seconds for trial in done)
    assert look > login + 0.3  # for which it listens at least


def test_who_changes_nothing_where_something_differs_does_not_count(place: Site) -> None:
    idle = replace(floor.LOGIN, jobs=frozenset({Job.CHANGED}))
    [trial] = trials(place, Job.CHANGED, 1, (idle,))
    assert "lb-3: files are not as rendered" in trial.wrong
    assert "lb-3: no daemon was told" in trial.wrong


def test_a_change_is_made_by_the_floor(place: Site) -> None:
    [trial] = trials(place, Job.CHANGED, 1, (floor.FLOOR,))
    assert not trial.wrong


def test_what_a_command_leaves_running_is_counted_and_ended(tmp_path: Path) -> None:
    taken = take(["sh", "-c", "yes >/dev/null & sleep 0.5; echo $!; exit 3"], tmp_path)
    assert taken.status == 3
    assert taken.cpu > 0.1
    assert 0.5 < taken.seconds < 5
    left = Path(f"/proc/{int(taken.output)}/cmdline")
    assert not left.exists() or not left.read_bytes()  # a zombie has none
