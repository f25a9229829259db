"""The way back: which files, on which hosts, and what is said where there are none."""

from collections.abc import Callable

import pytest
from tests.support.world import ALL, GOOD, World, statuses

from nornir_kube_ha.cli.lists.generations import list_generations
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.runbooks.rollback import CHECKS, rollback

LIVE = "@generation 000008 1700000001 good 123456789abc root@noc-1 live"
UNPROVEN = "@generation 000009 1700000002 unproven 23456789abcd root@noc-1 other"


@pytest.fixture
def kept(world: World) -> World:
    """Three hosts that are well, and have kept a haproxy.cfg with a line more."""
    world.generations = dict.fromkeys(ALL, f"{GOOD}\n{LIVE}\n{UNPROVEN}")
    return world


def test_every_host_goes_back_as_a_deploy_goes_forward(kept: World, run_of: Callable[..., Run]) -> None:
    report = rollback(run_of("rollback"))
    assert kept.order("generations") == [(host, "generations") for host in ALL]
    assert kept.order("stage", "commit", "services", "release") == [
        *((host, "stage") for host in ALL),
        *((host, step) for host in ("lb-2", "lb-3", "lb-1") for step in ("commit", "services")),
        *((host, "release") for host in ALL),
    ]
    assert "+# by hand" in report.hosts["lb-1"].diff
    assert (report.changed, report.exit_code) == (True, 0)
    assert {finding.id for finding in report.hosts["lb-1"].findings} == CHECKS  # not what the inventory says


def test_dry_run_says_what_would_come_back_and_changes_nothing(kept: World, run_of: Callable[..., Run]) -> None:
    report = rollback(run_of("rollback", dry_run=True))
    assert not kept.order("stage", "commit", "services", "take")
    assert report.hosts["lb-2"].plan == (f"write {HAPROXY_CFG}", "reload haproxy")


def test_what_a_run_replaced_may_be_asked_for_good_or_not(
    kept: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run_script = kept.run_script

    def sending(task: object, script: str, *, timeout: float) -> object:
        asked.append(script.splitlines()[-1])
        return run_script(task, script, timeout=timeout)  # type: ignore[arg-type]

    monkeypatch.setattr("nornir_kube_ha.tasks.generations.run_script", sending)
    rollback(run_of("rollback"), to_before="23456789abcd")
    assert asked[3:] == ["show_generation 000009"] * 3


def test_of_a_run_that_put_a_host_back_the_first_generation_is_meant(world: World, run_of: Callable[..., Run]) -> None:
    put_back = UNPROVEN.replace("000009", "000010")  # the files that failed, kept as they were replaced again
    world.generations = dict.fromkeys(ALL, f"{GOOD}\n{UNPROVEN}\n{put_back}")
    run = run_of("rollback")
    told: list[str] = []
    run.tell = told.append
    rollback(run, to_before="23456789abcd")
    assert "lb-1: restoring 9: never passed every check" in next(line for line in told if line.startswith("lb-1: rest"))


def test_list_changes_nothing_and_names_every_generation_newest_first(
    kept: World, run_of: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    report = list_generations(run_of("rollback"), allow_unreachable=False)
    assert {step for _, step in kept.steps} == {"look", "generations"}
    assert capsys.readouterr().out.splitlines()[:4] == [
        "lb-1",
        "  9: never passed every check, replaced 2023-11-14 22:13:22 UTC by run 23456789abcd of root@noc-1",
        "  8: live now, replaced 2023-11-14 22:13:21 UTC by run 123456789abc of root@noc-1",
        "  7: good, replaced 2023-11-14 22:13:20 UTC by run 0123456789ab of root@noc-1",
    ]
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("run_id", "words"),
    [
        ("", "no generation that passed every check and has both daemons' files"),
        ("ffffffffffff", "no complete generation replaced by run ffffffffffff"),
    ],
)
def test_one_host_that_has_nothing_to_go_back_to_stops_all(
    kept: World, run_of: Callable[..., Run], run_id: str, words: str
) -> None:
    kept.generations = {**kept.generations, "lb-3": LIVE}
    if run_id:
        kept.generations = {}
    report = rollback(run_of("rollback"), to_before=run_id)
    failure = report.hosts["lb-3"].failure
    assert failure
    assert failure.type == "NothingKeptError"
    assert failure.message.startswith(words)
    assert "No host was changed" in failure.message
    assert not kept.order("stage", "commit", "services", "take")
    assert (statuses(report)["lb-3"], report.exit_code) == ("failed", 1)
