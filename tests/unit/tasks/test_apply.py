"""Files and units in one script: what its parts end with decides what is said to have changed."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from nornir.core import Nornir
from nornir.core.task import Result, Task

from nornir_kube_ha.errors import RemoteCommandError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.lease import Lease, this_process
from nornir_kube_ha.planning.plan import HostPlan, UnitChange
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import apply, apply_config, config, get_plan, services

FILES, UNITS = "echo files >&2\n", "echo units >&2\n"


@dataclass
class Host:
    """A host that does what it is sent in a shell of this machine: the parts of the script are stand-ins."""

    files: str = FILES
    units: str = UNITS
    guard: str = ""
    done: list[str] = field(default_factory=list)

    def run_script(self, task: Task, script: str, *, timeout: float) -> Completed:
        assert timeout == apply.TIMEOUT
        ended = subprocess.run(["sh", "-u"], input=script, capture_output=True, text=True, check=False)
        self.done += ended.stderr.split()
        if ended.returncode:
            raise RemoteCommandError(task.host.name, "failed", ended.returncode)
        return Completed(0, "", "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(apply, "run_script", host.run_script)
    monkeypatch.setattr(apply, "guard", lambda *_, **__: host.guard)
    monkeypatch.setattr(config, "commit_script", lambda *_: host.files)
    monkeypatch.setattr(services, "services_script", lambda *_: host.units)
    return host


@dataclass(frozen=True)
class Bench:
    """lb-1 of the lab's inventory, whose haproxy.cfg differs."""

    nornir: Nornir
    intent: Intent
    plan: HostPlan

    def run(self, plan: HostPlan | None = None, *, dry_run: bool = False) -> Result:
        plans = {"lb-1": plan or self.plan}
        lease = Lease("0123456789ab", this_process())
        lb_1 = self.nornir.filter(name="lb-1")
        return lb_1.run(apply_config, intent=self.intent, plans=plans, dry_run=dry_run, lease=lease)["lb-1"][0]


@pytest.fixture
def bench(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> Bench:
    nornir = nornir_of()
    intent = load_intent(nornir)
    stale = replace(healthy["lb-1"].files[HAPROXY_CFG], content=b"# by hand\n")
    facts = {"lb-1": replace(healthy["lb-1"], files={**healthy["lb-1"].files, HAPROXY_CFG: stale})}
    plan: HostPlan = nornir.filter(name="lb-1").run(get_plan, intent=intent, facts=facts)["lb-1"][0].result
    assert (len(plan.write), plan.units) == (1, (UnitChange("reload", "haproxy"),))
    return Bench(nornir, intent, plan)


def test_files_come_before_units(host: Host, bench: Bench) -> None:
    outcome = bench.run()
    assert host.done == ["files", "units"]
    assert (outcome.changed, outcome.failed, outcome.exception) == (True, False, None)
    assert "-# by hand" in outcome.diff
    assert outcome.diff.endswith("\n+ reload haproxy")


@pytest.mark.parametrize(("part", "done"), [({"write": ()}, ["units"]), ({"units": ()}, ["files"])])
def test_what_does_not_differ_is_left_out(
    host: Host, bench: Bench, part: dict[str, tuple[()]], done: list[str]
) -> None:
    assert bench.run(replace(bench.plan, **part)).changed  # type: ignore[arg-type]
    assert host.done == done


def test_nothing_is_sent_where_nothing_differs_or_in_a_dry_run(host: Host, bench: Bench) -> None:
    assert not bench.run(HostPlan()).changed
    outcome = bench.run(dry_run=True)
    assert (outcome.changed, "-# by hand" in outcome.diff, host.done) == (True, True, [])


@pytest.mark.parametrize(
    ("files", "status"), [("set -e\nfalse\necho never >&2\n", 1), ("exit 3\n", 3)], ids=["set -e", "its own status"]
)
def test_units_are_not_reloaded_for_missing_files(host: Host, bench: Bench, files: str, status: int) -> None:
    host.files = files
    outcome = bench.run()
    assert isinstance(outcome.exception, RemoteCommandError)
    assert (outcome.exception.status, outcome.diff, host.done) == (status, "", [])


def test_files_are_said_to_have_changed_where_a_unit_fails(host: Host, bench: Bench) -> None:
    host.units = "exit 1\n"
    outcome = bench.run()
    assert isinstance(outcome.exception, RemoteCommandError)
    assert (outcome.failed, outcome.changed, host.done) == (True, True, ["files"])
    assert outcome.result == "lb-1: failed"  # what printers show
    assert "-# by hand" in outcome.diff
    assert "reload" not in outcome.diff


def test_nothing_is_done_without_the_lease(host: Host, bench: Bench) -> None:
    host.guard = "exit 75\n"
    outcome = bench.run()
    assert isinstance(outcome.exception, RemoteCommandError)
    assert (outcome.exception.status, outcome.diff, host.done) == (75, "", [])
