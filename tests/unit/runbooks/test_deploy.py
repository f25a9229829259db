"""A roll-out from start to report, with hosts that only seem to be there: who is told what, and in which order."""

import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from nornir.core import Nornir
from rig.samples import PASSWORD
from tests.support.world import ALL, World, statuses, with_other_haproxy_cfg, without_ping

from nornir_kube_ha.checks import ALL as ALL_CHECKS
from nornir_kube_ha.checks import Status
from nornir_kube_ha.checks.model import NOT_ASKED
from nornir_kube_ha.engine import endpoints, summary
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, LoginRefusedError, RemoteCommandError
from nornir_kube_ha.facts import Advert, Endpoint, Facts, Heard, Probe, Server
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.diff import MASK
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.runbooks.verify import verify
from nornir_kube_ha.text import MOST_READ


def test_hosts_as_they_should_be_are_looked_at_once_and_left_alone(world: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy"))
    assert world.steps == [(host, "look") for host in ALL]
    assert (report.passed, report.changed, report.exit_code) == (True, False, 0)
    assert statuses(report) == dict.fromkeys(ALL, "passed")


@pytest.mark.parametrize(("seconds_ago", "looks"), [(3, 2), (3600, 1)])
def test_daemons_reloaded_a_moment_ago_are_verified_again(
    world: World, run_of: Callable[..., Run], seconds_ago: float, looks: int
) -> None:
    """An earlier run may just have ended: what does not pass yet may soon, without anything to change."""
    well = world.facts["lb-2"]
    times = {name: replace(unit, told=well.clock.now - seconds_ago) for name, unit in well.units.items()}
    long_ago = {name: replace(unit, told=well.clock.now - 3600) for name, unit in well.units.items()}
    world.facts = {name: replace(facts, units=long_ago) for name, facts in world.facts.items()}
    world.facts["lb-2"] = replace(well, units=times, servers=())
    run = run_of("deploy")
    run.tell = lambda _: world.facts.update({"lb-2": replace(well, units=times)}) if len(world.steps) > 2 else None
    report = deploy(run)
    assert [host for host, _ in world.steps].count("lb-2") == looks
    assert (report.passed, report.changed) == (looks == 2, False)


def test_a_quick_deploy_without_changes_asks_only_the_hosts(world: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy"), quick=True)
    assert world.steps == [(host, "quick look") for host in ALL]
    assert (report.passed, report.changed, report.exit_code) == (True, False, 0)
    skipped = {each.id for _, each in report.findings if each.seen == NOT_ASKED}
    assert {"vip.readyz", "vrrp.no_foreign_router", "vip.arp", "vip.from_controller"} <= skipped
    assert all(each.status is Status.SKIP for _, each in report.findings if each.id in skipped)


def test_a_quick_deploy_sees_an_unhealthy_daemon(world: World, run_of: Callable[..., Run]) -> None:
    sick = world.facts["lb-2"]
    haproxy = replace(sick.units["haproxy"], restarts=9)
    world.facts["lb-2"] = replace(sick, units={**sick.units, "haproxy": haproxy}, servers=())
    report = deploy(run_of("deploy"), quick=True)
    assert world.steps == [(host, "quick look") for host in ALL]
    assert statuses(report) == {"lb-1": "passed", "lb-2": "failed", "lb-3": "passed"}


def test_a_quick_deploy_of_hosts_that_differ_is_a_deploy_like_any_other(
    stale: World, run_of: Callable[..., Run]
) -> None:
    report = deploy(run_of("deploy"), quick=True)
    assert stale.steps[:6] == [(host, step) for step in ("quick look", "look") for host in ALL]
    assert (report.passed, report.changed) == (True, True)
    assert not [each for _, each in report.findings if each.seen == NOT_ASKED]


def test_all_are_staged_before_the_first_is_changed_the_master_last(stale: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy"))
    assert stale.order("stage", "commit", "services") == [
        ("lb-1", "stage"),
        ("lb-2", "stage"),
        ("lb-3", "stage"),
        ("lb-2", "commit"),
        ("lb-2", "services"),
        ("lb-3", "commit"),
        ("lb-3", "services"),
        ("lb-1", "commit"),
        ("lb-1", "services"),
    ]
    assert stale.order("look", "services")[-3:] == [(host, "look") for host in ALL]  # reported: what was seen after it
    assert (report.passed, report.changed) == (True, True)
    assert "-# by hand" in report.hosts["lb-1"].diff


def test_only_the_host_that_differs_is_touched(stale: World, run_of: Callable[..., Run]) -> None:
    stale.facts |= {host: stale.healthy[host] for host in ("lb-1", "lb-3")}
    report = deploy(run_of("deploy"))
    assert stale.order("stage", "commit", "services") == [("lb-2", "stage"), ("lb-2", "commit"), ("lb-2", "services")]
    assert {name: host.changed for name, host in report.hosts.items()} == {"lb-1": False, "lb-2": True, "lb-3": False}


def test_host_outside_the_limit_is_not_even_looked_at(stale: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy", ("lb-2",)))
    assert {host for host, _ in stale.steps} == {"lb-2"}
    assert report.clusters["demo"].findings[0].status is Status.SKIP
    assert report.clusters["demo"].findings[0].seen == "not seen: lb-1, lb-3 (left out of this run)"


def test_packages_come_first_and_hosts_are_looked_at_again(
    world: World, run_of: Callable[..., Run], facts_from: Callable[[str], Facts]
) -> None:
    world.facts = dict.fromkeys(ALL, facts_from("facts-bare"))
    report = deploy(run_of("deploy"))
    steps = [step for host, step in world.steps if host == "lb-1"]
    assert steps == ["look", "take", "install", "look", "stage", "commit", "services", "look", "release"]
    assert world.listens == [True] * 6 + [False] * 3  # the first look had nothing to hear with
    assert world.meant == [True] * 3 + [False] * 6
    assert report.passed


def test_a_changed_file_is_seven_steps_on_each_host(stale: World, run_of: Callable[..., Run]) -> None:
    deploy(run_of("deploy"))
    steps = {host: " ".join(step for each, step in stale.steps if each == host) for host in ALL}
    assert steps == dict.fromkeys(ALL, "look take stage commit services gate look release")  # two of them in one script


def test_no_change_waits_for_what_the_controller_itself_asks(
    stale: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, step = threading.Event(), stale._step  # noqa: SLF001 - this world's own

    def stepping(host: str, name: str) -> None:
        step(host, name)
        if name == "commit":
            begun.set()

    def asking(*_: object) -> Endpoint:
        assert begun.wait(5)
        return Endpoint(Probe(200, ""), Probe(401, ""))

    monkeypatch.setattr(stale, "_step", stepping)
    monkeypatch.setattr(endpoints, "get_endpoint", asking)
    assert deploy(run_of("deploy")).passed


def test_a_question_that_ends_in_an_error_costs_no_report(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Endpoint:
        raise HostUnreachableError("lb-1", "lives in a lab")

    monkeypatch.setattr(endpoints, "get_endpoint", failing)
    run = run_of("deploy")
    with pytest.raises(HostUnreachableError):
        deploy(run)
    assert world.steps
    run.interrupt(KeyboardInterrupt())
    assert statuses(run.report()) == dict.fromkeys(ALL, "passed")


@pytest.mark.parametrize("why", ["dry run", "not wanted"])
def test_the_controller_asks_nothing_that_no_report_shows(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(endpoints, "get_endpoint", lambda *given: asked.append(given))
    run = run_of("deploy", dry_run=why == "dry run")
    run.make_only(ALL_CHECKS - ({"vip.from_controller"} if why == "not wanted" else set()))
    deploy(run)
    assert world.steps
    assert asked == []


def test_output_of_a_failed_host_is_shortened(world: World, run_of: Callable[..., Run]) -> None:
    world.fails["lb-2", "look"] = RemoteCommandError("lb-2", f"begin {PASSWORD} {'x' * 1_000_000} end")
    failure = verify(run_of("verify")).hosts["lb-2"].failure
    assert failure
    assert len(failure.message) < MOST_READ + 100
    assert failure.message.startswith(f"begin {MASK} xxx")


def test_apiservers_that_a_host_makes_up_are_shown_as_far_as_anybody_reads(
    world: World, run_of: Callable[..., Run]
) -> None:
    made_up = tuple(Server(f"{number}-{'x' * 1_000}", "y" * 1_000, "") for number in range(1_000))
    world.facts["lb-2"] = replace(world.facts["lb-2"], servers=made_up + (world.facts["lb-2"].servers or ()))
    state = verify(run_of("verify")).hosts["lb-2"].state
    assert state
    assert {name: state.apiservers[name] for name in ALL} == dict.fromkeys(ALL, "UP")
    assert len(state.apiservers) == len(ALL) + summary.MOST_STRANGERS
    assert max(len(word) for pair in state.apiservers.items() for word in pair) < summary.LONGEST_WORD + 50


def test_dry_run_only_looks(stale: World, run_of: Callable[..., Run]) -> None:
    report = deploy(run_of("deploy", dry_run=True))
    assert {step for _, step in stale.steps} == {"look"}
    assert stale.meant == [False] * 3  # whoever is at work there
    assert (report.dry_run, report.changed, report.passed) == (True, True, True)
    assert report.hosts["lb-1"].plan == (f"write {HAPROXY_CFG}", "reload haproxy")
    assert "-# by hand" in report.hosts["lb-1"].diff
    assert (report.hosts["lb-1"].findings, report.clusters["demo"].findings) == ((), ())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HostUnreachableError("lb-2", "no SSH server answers"), 4),
        (LoginRefusedError("lb-2", "host key has changed"), 6),
    ],
    ids=["unreachable", "refused"],
)
def test_host_that_cannot_be_looked_at_stops_a_deploy_before_any_change(
    stale: World, run_of: Callable[..., Run], error: Exception, code: int
) -> None:
    stale.fails["lb-2", "look"] = error
    report = deploy(run_of("deploy"))
    assert {step for _, step in stale.steps} == {"look"}
    assert (report.exit_code, report.changed) == (code, False)
    assert statuses(report) == dict.fromkeys(ALL, "unknown")
    assert {finding.seen for finding in report.hosts["lb-1"].findings} == {
        "left as it was: the run stopped because lb-2 failed"
    }


def test_host_that_cannot_be_looked_at_is_unknown_to_a_verify_and_the_others_are_checked(
    world: World, run_of: Callable[..., Run]
) -> None:
    world.fails["lb-2", "look"] = HostUnreachableError("lb-2", "no SSH server answers")
    report = verify(run_of("verify"))
    assert statuses(report) == {"lb-1": "passed", "lb-2": "unknown", "lb-3": "passed"}
    assert report.exit_code == 4
    assert report.clusters["demo"].findings[0].status is Status.UNKNOWN


def test_verify_sends_nothing_to_hosts_that_differ(stale: World, run_of: Callable[..., Run]) -> None:
    report = verify(run_of("verify"))
    assert stale.steps == [(host, "look") for host in ALL]
    assert (report.exit_code, report.changed) == (1, False)
    assert [f.id for f in report.hosts["lb-1"].findings if f.status is Status.FAIL] == ["files.intended"]


def test_run_that_has_heard_a_foreign_router_listens_again(world: World, run_of: Callable[..., Run]) -> None:
    advert = Advert(IPv4Address("192.0.2.99"), "02:00:00:00:00:99", 68, 100)
    world.facts["lb-2"] = replace(world.facts["lb-2"], heard=Heard(frozenset({advert}), frozenset()))
    run = run_of("deploy")
    run.look()
    run.look()
    assert world.listens[3:] == [False, True, False]


def test_run_listens_again_for_another_vrid_and_when_it_starts_over(
    world: World, run_of: Callable[..., Run], nornir_of: Callable[..., Nornir]
) -> None:
    run = run_of("verify")
    run.look()
    run.expect(load_intent(nornir_of(group={"virtual_router_id": 51})))
    run.look()
    run.look()
    run.start_over()
    run.look()
    assert world.listens == [True] * 6 + [False] * 3 + [True] * 3


@pytest.mark.parametrize("step", ["look", "install"], ids=["at the first look", "once there is something to hear with"])
def test_foreign_router_of_our_vrid_stops_before_any_host_is_changed(
    stale: World, run_of: Callable[..., Run], step: str
) -> None:
    advert = Advert(IPv4Address("192.0.2.99"), "02:00:00:00:00:99", 68, 100)
    heard = replace(stale.facts["lb-2"], heard=Heard(frozenset({advert}), frozenset()))
    if step == "install":
        stale.facts = {host: replace(facts, packages={}, heard=None) for host, facts in stale.facts.items()}
        stale.healthy = {**stale.healthy, "lb-2": replace(stale.healthy["lb-2"], heard=heard.heard)}
    else:
        stale.facts["lb-2"] = heard
    report = deploy(run_of("deploy"))
    assert report.exit_code == 1
    failure = report.hosts["lb-2"].failure
    assert failure
    assert failure.type == "VRIDTakenError"
    assert "192.0.2.99 (02:00:00:00:00:99, priority 100)" in failure.message
    assert not stale.order("stage", "commit", "services")


def test_refusal_on_one_host_stops_before_any_host_is_changed(stale: World, run_of: Callable[..., Run]) -> None:
    stale.refuses = {"lb-3"}
    report = deploy(run_of("deploy"))
    assert stale.order("commit", "services") == []
    failure = report.hosts["lb-3"].failure
    assert failure
    assert (failure.type, report.exit_code, report.changed) == ("RefusedConfigError", 1, False)


def test_refusal_on_one_host_leaves_no_staged_file_on_any(stale: World, run_of: Callable[..., Run]) -> None:
    stale.refuses = {"lb-3"}
    deploy(run_of("deploy"))
    assert sorted(stale.order("unstage")) == [(host, "unstage") for host in ALL]


@pytest.mark.parametrize("step", ["commit", "services"])
def test_failure_on_a_backup_leaves_the_master_as_it_is(stale: World, run_of: Callable[..., Run], step: str) -> None:
    stale.fails["lb-2", step] = RemoteCommandError("lb-2", "ended with exit status 1: its journal ends:\nno")
    report = deploy(run_of("deploy"))
    assert ("lb-1", "commit") not in stale.steps
    assert (statuses(report)["lb-2"], report.exit_code) == ("failed", 1)
    assert {finding.status for finding in report.hosts["lb-1"].findings} == {Status.UNKNOWN}


def test_run_that_stopped_passes_nothing(stale: World, run_of: Callable[..., Run]) -> None:
    stale.fails["lb-2", "services"] = RemoteCommandError("lb-2", "ended with exit status 1")
    report = deploy(run_of("deploy"))
    everything = [finding for host in report.hosts.values() for finding in host.findings]
    everything += [finding for part in report.clusters.values() for finding in part.findings]
    assert [finding.id for finding in everything if finding.status is Status.PASS] == []  # seen before the change


def test_fresh_hosts_that_do_not_get_well_fail(world: World, run_of: Callable[..., Run]) -> None:
    stopped = {name: replace(unit, active_state="inactive") for name, unit in world.healthy["lb-1"].units.items()}
    world.facts = {host: replace(facts, units=stopped) for host, facts in world.facts.items()}
    world.healthy = {host: without_ping(facts) for host, facts in world.healthy.items()}
    report = deploy(run_of("deploy"))
    assert (report.exit_code, report.changed) == (1, True)
    assert {f.id for f in report.hosts["lb-1"].findings if f.status is Status.FAIL} == {"vip.ping"}


def test_run_that_was_cut_off_is_finished_by_the_next(world: World, run_of: Callable[..., Run]) -> None:
    world.facts["lb-2"] = replace(world.facts["lb-2"], pending=("haproxy",))
    report = deploy(run_of("deploy"))
    assert world.order("stage", "commit", "services") == [("lb-2", "services")]
    assert report.hosts["lb-2"].diff == "+ reload haproxy"


def test_file_that_differs_after_the_change_fails(stale: World, run_of: Callable[..., Run]) -> None:
    def restored(facts: Facts) -> Facts:  # by somebody else's automation
        return with_other_haproxy_cfg(facts)

    stale.healthy = {host: restored(facts) for host, facts in stale.healthy.items()}
    report = deploy(run_of("deploy"))
    assert [f.id for f in report.hosts["lb-1"].findings if f.status is Status.FAIL] == ["files.intended"]


def test_password_is_nowhere_in_a_report(stale: World, run_of: Callable[..., Run]) -> None:
    old = FileFact(HAPROXY_CFG, "0644", "root", "root", b"    stats auth admin:an-older-secret\n")
    stale.facts = {host: replace(f, files={**f.files, HAPROXY_CFG: old}) for host, f in stale.facts.items()}
    report = repr(deploy(run_of("deploy", dry_run=True)))
    assert "stats auth" in report
    assert "an-older-secret" not in report
    assert "only-for-the-lab" not in report
