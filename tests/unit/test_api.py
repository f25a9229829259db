"""The runbooks as functions on somebody else's Nornir: what they return, and what they leave alone."""

import contextlib
import importlib
import inspect
import io
import logging
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import colorama
import pytest
from nornir.core import Nornir
from nornir.core.inventory import ConnectionOptions, Host
from nornir.core.processor import Processor
from nornir.core.task import AggregatedResult, MultiResult, Result, Task
from rig.samples import PASSWORD
from tests.support.world import found_in

import nornir_kube_ha
from nornir_kube_ha import KubeHaError, Report, RollOut, Share, api, deploy, failover_test, remove, verify
from nornir_kube_ha.checks import Status
from nornir_kube_ha.engine import endpoints
from nornir_kube_ha.engine import run as run_module
from nornir_kube_ha.engine.isolated_copy import copied
from nornir_kube_ha.errors import HostUnreachableError, InventoryError, UsageError
from nornir_kube_ha.facts import Endpoint, Facts, Probe, Scope
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import get_plan

FUNCTIONS = ["deploy", "failover_test", "remove", "rollback", "snapshot", "upgrade", "verify"]
VERSION = Probe(200, "", '{"gitVersion": "v1.30.0"}')


class Steps(Processor):
    """What a caller's own processor is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def task_started(self, task: Task) -> None:
        self.seen.append(f"{task.name} starts")

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        self.seen.append(f"{task.name} ends on {', '.join(result)}")

    def task_instance_started(self, task: Task, host: Host) -> None: ...

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None: ...

    def subtask_instance_started(self, task: Task, host: Host) -> None: ...

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None: ...


@pytest.fixture
def caller(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Nornir]:
    """Somebody's Nornir, whose hosts are well but for those that are given."""

    def make(**found: Facts | BaseException) -> Nornir:
        def get_facts(
            task: Task,
            intent: Intent,
            lease: Lease | None = None,
            *,
            scope: Scope = Scope.ALL,
            listened: Collection[str] = (),
        ) -> Result:
            assert intent.nodes
            assert lease is None or lease.run_id
            assert not listened
            seen = found.get(task.host.name.replace("-", "_"), healthy[task.host.name])
            if isinstance(seen, BaseException):
                raise seen
            return Result(task.host, result=replace(seen, scope=scope))

        monkeypatch.setattr(run_module, "get_facts", get_facts)
        monkeypatch.setattr(endpoints, "get_endpoint", lambda *_: Endpoint(Probe(200, ""), VERSION))
        return nornir_of()

    return make


def test_what_is_exported_is_there_and_typed() -> None:
    assert list(nornir_kube_ha.__all__) == sorted(nornir_kube_ha.__all__)
    assert {*FUNCTIONS, "load_intent", "Report", "KubeHaError"} <= set(nornir_kube_ha.__all__)
    public = {
        name for name, value in vars(api).items() if inspect.isfunction(value) and value.__module__ == api.__name__
    }
    assert {name for name in public if not name.startswith("_")} == set(FUNCTIONS)
    for name in nornir_kube_ha.__all__:
        assert getattr(nornir_kube_ha, name).__name__ == name


def test_a_report_is_returned(caller: Callable[..., Nornir]) -> None:
    report = verify(caller())
    assert isinstance(report, Report)
    assert (report.runbook, report.passed, report.exit_code, [*report.hosts]) == (
        "verify",
        True,
        0,
        ["lb-1", "lb-2", "lb-3"],
    )
    assert deploy(caller()).passed


def test_hosts_that_are_meant_are_looked_at_alone(caller: Callable[..., Nornir]) -> None:
    nornir = caller()
    backups = nornir.filter(filter_func=lambda host: host["role"] == "backup")
    assert [*verify(nornir, hosts=backups.inventory.hosts).hosts] == ["lb-2", "lb-3"]
    with pytest.raises(UsageError, match="no host called lb-9; known hosts: lb-1, lb-2, lb-3"):
        verify(nornir, hosts=["lb-9"])
    with pytest.raises(UsageError, match="expected at least one host"):
        verify(nornir, hosts=[])
    with pytest.raises(InventoryError, match="exactly one master"):  # its peers are missing
        verify(backups)


def test_checks_that_are_wanted_are_made_alone(caller: Callable[..., Nornir]) -> None:
    report = verify(caller(), check=["haproxy.*"], skip=["haproxy.stats"])
    ids = {finding.id for host in report.hosts.values() for finding in host.findings}
    assert "haproxy.active" in ids
    assert all(each.startswith("haproxy.") and each != "haproxy.stats" for each in ids)
    with pytest.raises(UsageError, match=r"check: expected a list of names, .*, got 'vip"):
        verify(caller(), check="vip.*")
    with pytest.raises(UsageError, match=r"no check is called haproxy\.activ; did you mean haproxy\.active\?"):
        verify(caller(), check=["haproxy.activ"])


def test_a_host_that_is_not_reached_is_in_the_report_not_in_the_callers_way(caller: Callable[..., Nornir]) -> None:
    nornir = caller(lb_2=HostUnreachableError("lb-2", "no SSH server answers"))
    report = verify(nornir)
    assert (report.passed, report.exit_code, report.hosts["lb-2"].status) == (False, 4, "unknown")
    assert nornir.data.failed_hosts == set()
    assert all(not host.connections for host in nornir.inventory.hosts.values())


def test_dry_run_is_nornirs_own_unless_it_is_said(caller: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> None:
    nornir = caller(lb_1=replace(healthy["lb-1"], files={}))
    nornir.data.dry_run = True
    report = deploy(nornir)
    assert report.dry_run
    assert report.hosts["lb-1"].plan
    assert nornir.data.dry_run is True
    nornir.data.dry_run = False
    assert deploy(nornir, dry_run=True).dry_run
    assert nornir.data.dry_run is False


def test_a_quick_deploy_asks_only_the_hosts(caller: Callable[..., Nornir]) -> None:
    report = deploy(caller(), quick=True)
    findings = {each.id: each for each in report.hosts["lb-1"].findings}
    assert report.passed
    assert (findings["vip.readyz"].status, findings["haproxy.active"].status) == (Status.SKIP, Status.PASS)


def test_progress_goes_to_who_wants_it_and_nothing_is_printed(
    caller: Callable[..., Nornir], capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    verify(caller(), tell=told.append)
    assert told == ["looking at lb-1, lb-2, lb-3"]
    assert capfd.readouterr() == ("", "")


def test_callers_processors_see_every_step(caller: Callable[..., Nornir]) -> None:
    steps = Steps()
    verify(caller().with_processors([steps]))
    assert steps.seen[:2] == ["get_facts starts", "get_facts ends on lb-1, lb-2, lb-3"]


def test_nothing_of_the_process_is_changed(caller: Callable[..., Nornir]) -> None:
    def state() -> tuple[object, ...]:
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        loggers = {name: (log.level, [*log.handlers]) for name, log in _loggers().items()}
        return handlers, loggers, sys.stdout, sys.stderr, threading.active_count()

    verify(caller())  # what is imported now may make loggers of its own
    before = state()
    verify(caller())
    deploy(caller(), dry_run=True)
    assert state() == before


def _loggers() -> dict[str, logging.Logger]:
    there = logging.Logger.manager.loggerDict
    return {"": logging.getLogger(), **{name: log for name, log in there.items() if isinstance(log, logging.Logger)}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hosts": "lb-1"}, "hosts: expected a list of names"),
        ({"hosts": [1]}, "got an item of type int"),
        ({"check": None}, "check: expected a list of names"),
        ({"sleep": -1}, "sleep: expected a number of at least 0, got -1"),
        ({"retry_timeout": "20"}, "retry_timeout: expected a number of at least 0, got '20'"),
        ({"retry_timeout": float("nan")}, "retry_timeout: expected a number"),
    ],
)
def test_what_a_command_line_could_not_say_is_refused(
    caller: Callable[..., Nornir], arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        verify(caller(), **arguments)


@pytest.mark.parametrize("arguments", [{"repeat": 0}, {"rate": 0}, {"connections": -1}, {"hold": -1}, {"limit": True}])
def test_a_measurement_that_measures_nothing_is_refused(
    caller: Callable[..., Nornir], arguments: dict[str, Any]
) -> None:
    [name] = arguments
    with pytest.raises(UsageError, match=f"{name}: expected a number"):
        failover_test(caller(), ["haproxy-kill"], **arguments)


def test_a_roll_out_that_cannot_be_is_refused_before_anything_is_done(caller: Callable[..., Nornir]) -> None:
    for wrong in ({"serial": 2}, {"max_fail": 1}, {"on_failure": "rollback_all"}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            RollOut(**wrong)
    for amount, percent in ((-5, False), (101, True), (True, False)):
        with pytest.raises(UsageError, match="expected a number of hosts"):
            Share(amount, percent)
    with pytest.raises(UsageError, match="dry_run"):
        deploy(caller(), dry_run="no")  # type: ignore[arg-type]


def test_what_nornir_fills_up_is_filled_up_in_copies(caller: Callable[..., Nornir]) -> None:
    nornir = caller()
    base, host = nornir.inventory.defaults, nornir.inventory.hosts["lb-1"]
    base.connection_options = {"netmiko": ConnectionOptions(extras={"key_file": "old"}, password="old")}
    host.connection_options = {"netmiko": ConnectionOptions()}
    verify(nornir)
    own = copied(nornir.inventory)
    parameters = own.hosts["lb-1"].get_connection_parameters("netmiko")
    assert parameters.extras == {"key_file": "old"}
    assert host.connection_options["netmiko"].extras is None
    assert own.groups["kube"].defaults is own.hosts["lb-1"].defaults
    assert [group.name for group in own.hosts["lb-1"].groups] == ["kube"]


def test_several_may_run_at_once(caller: Callable[..., Nornir]) -> None:
    nornir = caller(lb_2=HostUnreachableError("lb-2", "no SSH server answers"))
    with ThreadPoolExecutor(8) as pool:
        reports = [*pool.map(lambda _: verify(nornir), range(40))]
    assert {report.exit_code for report in reports} == {4}
    assert len({report.run_id for report in reports}) == 40
    assert {tuple(host.status for host in report.hosts.values()) for report in reports} == {
        ("passed", "unknown", "passed")
    }


def says_nothing(_task: Task, script: str, *, timeout: float) -> Completed:
    assert timeout
    return Completed(0, f"@{found_in(script, 'NONCE=')} end\n", "")


def test_who_calls_has_been_asked(caller: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("nobody is there to be asked"))
    with pytest.raises(UsageError, match=r"no fault is called haproxy-kil; did you mean haproxy-kill\?"):
        failover_test(caller(), ["haproxy-kil"])
    monkeypatch.setattr("nornir_kube_ha.tasks.remove.run_script", says_nothing)
    assert remove(caller(), dry_run=True).dry_run


@pytest.mark.field_report("C4")
def test_former_node_is_removed_alone_and_the_callers_inventory_stays(caller: Callable[..., Nornir]) -> None:
    nornir = caller()
    names = list(nornir.inventory.hosts)
    for wrong in (["lb-9"], ["192.0.2.13 -o"], "192.0.2.13"):
        with pytest.raises(UsageError, match="former"):
            remove(nornir, former=wrong, dry_run=True)
    with pytest.raises(UsageError, match=r"as lb-3\."):
        remove(nornir, former=["192.0.2.13"], dry_run=True)
    assert list(remove(nornir, former=["192.0.2.99"], dry_run=True).hosts) == ["192.0.2.99"]
    assert list(nornir.inventory.hosts) == names


def test_an_error_derives_from_kube_ha_error_and_a_built_in(caller: Callable[..., Nornir]) -> None:
    nornir = caller()
    nornir.inventory.hosts["lb-2"].data["vpi"] = "192.0.2.10/24"
    with pytest.raises(KubeHaError, match="did you mean vip"):
        verify(nornir)
    with pytest.raises(ValueError, match="did you mean vip"):
        verify(nornir)


@pytest.mark.parametrize("printer", ["nornir_utils.plugins.functions", "nornir_rich.functions"])
def test_results_of_single_tasks_print_well_and_without_secrets(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts], printer: str
) -> None:
    nornir = nornir_of()
    results = nornir.run(task=get_plan, intent=nornir_kube_ha.load_intent(nornir), facts=healthy)
    text = io.StringIO()
    own = sys.stdout, sys.stderr
    show = importlib.import_module(printer).print_result
    colorama.deinit()  # nornir-utils wraps both when it is imported
    sys.stdout, sys.stderr = own
    with contextlib.redirect_stdout(text):
        show(results)
    assert "get_plan" in text.getvalue()
    assert "lb-3" in text.getvalue()
    assert PASSWORD not in text.getvalue()
