"""A roll-out whose change goes wrong in life: the gate, the way back, and who is left alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from tests.support.world import ALL, World, failure_of, kept_by, rolled, statuses, with_other_haproxy_cfg, without_ping

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, RemoteCommandError, RemoteTimeoutError, lost_lease
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.planning.lease import this_process
from nornir_kube_ha.rollout import gate
from nornir_kube_ha.rollout.policy import Share
from nornir_kube_ha.runbooks.deploy import deploy

FOREIGN = "75 0123456789ab 87 ops@noc-2 0123456789abcdef 4711 12345"


@pytest.fixture
def bad(stale: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Hosts whose new files are accepted, and do not serve. What they had is kept, and does."""
    good, sick = stale.healthy, {host: without_ping(facts) for host, facts in stale.healthy.items()}
    stale.healthy = sick
    commits: dict[str, int] = {}
    run_script = stale.run_script

    def sending(task: object, script: str, *, timeout: float) -> object:
        answer = run_script(task, script, timeout=timeout)  # type: ignore[arg-type]
        host = task.host.name  # type: ignore[attr-defined]
        if "\nSTALE=" in script:
            commits[host] = commits.get(host, 0) + 1
        if commits.get(host, 0) > 1:
            stale.facts[host] = with_other_haproxy_cfg(good[host])
        return answer

    for module in ("apply", "config", "generations", "lease", "packages", "services"):
        monkeypatch.setattr(f"nornir_kube_ha.tasks.{module}.run_script", sending)
    return stale


def test_host_that_fails_its_gate_goes_back_and_the_others_are_left_alone(
    bad: World, run_of: Callable[..., Run]
) -> None:
    report = rolled(bad, run_of("deploy"))
    assert bad.order("commit", "generations", "files") == [
        ("lb-2", "commit"),
        ("lb-2", "generations"),
        ("lb-2", "files"),
        ("lb-2", "commit"),
    ]
    assert sorted(bad.order("unstage")) == [("lb-1", "unstage"), ("lb-3", "unstage")]
    assert failure_of(report, "lb-2") == (
        "GateError: fails its checks 0 s after the change: vip.ping: expected 192.0.2.10 answers, "
        "seen 192.0.2.10 does not "
        "answer; its previous files were restored, and it passes the checks that it passed before"
    )
    assert report.exit_code == 1
    assert {finding.seen for finding in report.hosts["lb-1"].findings} == {
        "left as it was: the run stopped because lb-2 failed"
    }


def test_way_back_leads_to_before_the_runs_first_change(bad: World, run_of: Callable[..., Run]) -> None:
    run, asked = run_of("deploy"), list[str]()
    bad.generations = {host: f"{line}\n{line.replace('000007', '000008')}" for host, line in kept_by(run).items()}
    original = bad.run_script

    def sending(task: object, script: str, *, timeout: float) -> object:
        asked.extend(line for line in script.splitlines() if line.startswith("show_generation 0"))
        return original(task, script, timeout=timeout)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nornir_kube_ha.tasks.generations.run_script", sending)
        deploy(run)
    assert asked == ["show_generation 000007"]


def test_what_failed_before_the_change_closes_no_gate(stale: World, run_of: Callable[..., Run]) -> None:
    stale.facts = {host: without_ping(facts) for host, facts in stale.facts.items()}
    stale.healthy = {host: without_ping(facts) for host, facts in stale.healthy.items()}
    report = deploy(run_of("deploy"))
    assert [host for host, _ in stale.order("commit")] == ["lb-2", "lb-3", "lb-1"]
    assert statuses(report) == dict.fromkeys(ALL, "failed")  # but the report says that it does


def test_host_that_fails_its_gate_may_stay_as_it_is(bad: World, run_of: Callable[..., Run]) -> None:
    report = rolled(bad, run_of("deploy"), on_failure="stop")
    assert bad.order("commit", "files") == [("lb-2", "commit")]
    assert "back" not in failure_of(report, "lb-2")


def test_all_that_were_changed_may_go_back(bad: World, run_of: Callable[..., Run]) -> None:
    bad.healthy = {**bad.healthy, "lb-2": replace(bad.healthy["lb-2"], reachable=bad.facts["lb-2"].reachable)}
    report = rolled(bad, run_of("deploy"), on_failure="rollback-all")
    assert [host for host, _ in bad.order("commit")] == ["lb-2", "lb-3", "lb-3", "lb-2"]
    assert statuses(report)["lb-3"] == "failed"


def test_nothing_is_waited_for_on_a_host_that_may_fail(
    bad: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    well = {host: replace(facts, reachable=bad.facts[host].reachable) for host, facts in bad.healthy.items()}
    bad.healthy = {**well, "lb-2": bad.healthy["lb-2"]}
    monkeypatch.setattr(gate, "SETTLE_SECONDS", 1)
    report = rolled(bad, run_of("deploy"), max_fail=Share(1))
    assert statuses(report) == {"lb-1": "passed", "lb-2": "failed", "lb-3": "passed"}
    assert len(bad.order("look")) < 12, bad.order("look")


def test_some_hosts_may_fail(bad: World, run_of: Callable[..., Run]) -> None:
    report = rolled(bad, run_of("deploy"), max_fail=Share(1))
    assert [host for host, _ in bad.order("commit")] == ["lb-2", "lb-2", "lb-3", "lb-3"]
    assert [name for name, status in statuses(report).items() if status == "failed"] == ["lb-2", "lb-3"]


def test_failed_step_is_undone_as_well(bad: World, run_of: Callable[..., Run]) -> None:
    bad.fails["lb-2", "services"] = RemoteCommandError("lb-2", "reload failed")
    report = rolled(bad, run_of("deploy"))
    assert failure_of(report, "lb-2") == (
        "RemoteCommandError: reload failed; restoring its previous files failed as well: reload failed"
    )


def test_host_on_which_nothing_was_kept_was_not_touched(stale: World, run_of: Callable[..., Run]) -> None:
    stale.fails["lb-2", "commit"] = RemoteCommandError("lb-2", "No space left on device")
    report = deploy(run_of("deploy"))
    assert failure_of(report, "lb-2") == (
        "RemoteCommandError: No space left on device; its live files were not changed"
    )
    assert sorted(stale.order("unstage")) == [(host, "unstage") for host in ALL]  # its own draft goes as well


def test_several_hosts_may_go_at_once_the_holder_alone(stale: World, run_of: Callable[..., Run]) -> None:
    report = rolled(stale, run_of("deploy"), serial=Share(100, percent=True))
    steps = stale.order("commit", "services")
    assert sorted(steps[:4]) == [(host, step) for host in ("lb-2", "lb-3") for step in ("commit", "services")]
    assert steps[-2:] == [("lb-1", "commit"), ("lb-1", "services")]
    assert report.passed


@pytest.mark.parametrize("error", [HostUnreachableError, RemoteTimeoutError])
def test_step_whose_answer_was_lost_is_asked_for_again(
    stale: World, run_of: Callable[..., Run], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    step = stale._step  # noqa: SLF001 - this world's own

    def once(host: str, name: str) -> None:
        step(host, name)
        if (host, name) == ("lb-2", "commit") and not lost:
            lost.append(host)
            raise error(host, "the connection was lost")

    monkeypatch.setattr(stale, "_step", once)
    report = deploy(run_of("deploy"))
    assert report.passed
    assert stale.order("commit")[:2] == [("lb-2", "commit")] * 2


def test_unreachable_host_may_be_left_out(stale: World, run_of: Callable[..., Run]) -> None:
    stale.fails["lb-2", "look"] = HostUnreachableError("lb-2", "no SSH server answers")
    report = rolled(stale, run_of("deploy"), allow_unreachable=True)
    assert [host for host, _ in stale.order("commit")] == ["lb-3", "lb-1"]
    assert (report.exit_code, statuses(report)["lb-2"]) == (4, "unknown")


def test_host_that_another_run_holds_stops_this_one_before_it_writes_anything(
    stale: World, run_of: Callable[..., Run]
) -> None:
    stale.leases = {"lb-3": FOREIGN}
    report = deploy(run_of("deploy"))
    assert {step for _, step in stale.steps} == {"look", "take", "release"}
    assert sorted(stale.order("release")) == [("lb-1", "release"), ("lb-2", "release")]
    assert failure_of(report, "lb-3") == (
        "LeaseHeldError: run 0123456789ab of ops@noc-2, process 4711 holds the lease, which ends in 87 s if that "
        "run takes no further step; nothing was changed. Wait for that run to end, then run this again"
    )
    assert (report.exit_code, report.changed) == (5, False)


def test_of_two_runs_that_begin_at_once_one_gets_every_host(stale: World, run_of: Callable[..., Run]) -> None:
    stale.leases = {"lb-1": FOREIGN}  # it got the first one, so it gets the others: this run does not ask for them
    assert deploy(run_of("deploy")).exit_code == 5
    assert stale.order("take", "release") == [("lb-1", "take")]


def test_lease_of_a_run_that_died_on_this_machine_is_taken_over(
    stale: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = replace(this_process(), started=1)
    asked: list[str] = []
    run_script = stale.run_script

    def sending(task: object, script: str, *, timeout: float) -> object:
        if "words=" in script and "STALE=" not in script:
            asked.append(script)
            stale.leases = {} if "GONE=0123456789ab" in script else {"lb-2": f"75 0123456789ab 87 {dead}"}
        return run_script(task, script, timeout=timeout)  # type: ignore[arg-type]

    monkeypatch.setattr("nornir_kube_ha.tasks.lease.run_script", sending)
    report = deploy(run_of("deploy", ("lb-2",)))
    assert "GONE=0123456789ab" in asked[1]
    assert [host for host, _ in stale.order("commit")] == ["lb-2"]
    assert report.changed


def test_plan_overtaken_by_another_run_is_made_again(stale: World, run_of: Callable[..., Run]) -> None:
    stale.leases = {"lb-1": "0 0123456789ab"}
    deploy(run_of("deploy"))
    assert stale.steps[:12] == [(host, step) for step in ("look", "take", "look", "stage") for host in ALL]


def test_only_hosts_that_passed_everything_are_good_to_go_back_to(
    stale: World, run_of: Callable[..., Run], healthy: Mapping[str, Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    sick = replace(healthy["lb-3"], reachable=replace(healthy["lb-3"].reachable, ping=False))
    stale.facts["lb-3"], stale.healthy = with_other_haproxy_cfg(sick), {**healthy, "lb-3": sick}
    marked: set[str] = set()
    run_script = stale.run_script

    def sending(task: object, script: str, *, timeout: float) -> object:
        if "\nmark_good\n" in script:
            marked.add(task.host.name)  # type: ignore[attr-defined]
        return run_script(task, script, timeout=timeout)  # type: ignore[arg-type]

    monkeypatch.setattr("nornir_kube_ha.tasks.lease.run_script", sending)
    deploy(run_of("deploy"))
    assert marked == {"lb-1", "lb-2"}


@pytest.mark.field_report("I3")
@pytest.mark.parametrize("step", ["stage", "commit", "gate"])
def test_run_that_lost_its_leases_puts_nothing_back(
    stale: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Another run was there after lb-3 and lb-2 were changed: what is live on them now is that run's."""
    run_script = stale.run_script
    lost = lost_lease("lb-1", "run 0123456789ab of ops@noc-2, process 4711")

    def sending(task: object, script: str, *, timeout: float) -> object:
        name, commits = task.host.name, "STALE=" in script  # type: ignore[attr-defined]
        if name == "lb-1" and commits:
            stale.leases = dict.fromkeys(ALL, FOREIGN)
            if step == "gate":
                stale.healthy = {**stale.healthy, "lb-1": without_ping(stale.healthy["lb-1"])}
            else:
                stale.fails["lb-1", "commit"] = lost
        return run_script(task, script, timeout=timeout)  # type: ignore[arg-type]

    if step == "stage":
        stale.fails["lb-1", "stage"] = lost
    for module in ("apply", "config", "generations", "lease"):
        monkeypatch.setattr(f"nornir_kube_ha.tasks.{module}.run_script", sending)
    report = rolled(stale, run_of("deploy"), on_failure="rollback-all")
    assert report.exit_code == 5
    assert "holder now: run 0123456789ab of ops@noc-2, process 4711" in failure_of(report, "lb-1")
    changed = [] if step == "stage" else [*stale.order("commit")]
    assert changed == [(host, "commit") for host in ("lb-2", "lb-3", "lb-1")][: len(changed)]
    assert not stale.order("files")
