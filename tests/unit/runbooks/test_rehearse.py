"""The steps of a rehearsal, in a lab that only seems to be there, and which is taken down whatever happens."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rig.lab import ROOT
from ruamel.yaml import YAML
from tests.support.reports import PASSED, host, report_of

from nornir_kube_ha import rehearse
from nornir_kube_ha.cli.main import main
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import GateError, InventoryError
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.lab import lifecycle, state
from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.layout import Layout
from nornir_kube_ha.report import Failure, Report
from nornir_kube_ha.runbooks import rehearse as module

EXAMPLE = ROOT / "inventory" / "example"


@dataclass
class Stage:
    """What a rehearsal does, in order, and what comes of it."""

    done: list[str] = field(default_factory=list)
    reports: dict[str, Report] = field(default_factory=dict)
    errors: dict[str, BaseException] = field(default_factory=dict)
    layouts: list[Layout] = field(default_factory=list)

    def act(self, name: str, run: Run) -> Report:
        what = f"{name} {' '.join(run.hosts)}"
        self.done.append(what)
        if error := self.errors.get(what):
            raise error
        given = self.reports.get(what)
        hosts = given.hosts if given else {name: host(PASSED) for name in run.hosts}
        return report_of(hosts=hosts, runbook=name, run_id=f"id of {len(self.done)}")

    def changes(self, what: str, *names: str) -> None:
        """Let an action change some of its hosts."""
        hosts = what.split()[1:]
        each = {name: replace(host(PASSED), changed=name in names, diff="+line" * (name in names)) for name in hosts}
        self.reports[what] = report_of(hosts=each)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    played = Stage()

    def runbook(name: str) -> Callable[..., Report]:
        return lambda run, *_, **how: played.act(
            f"{name}{' to ' + how['to_before'] if 'to_before' in how else ''}", run
        )

    def measure(
        _run: Run,
        cluster: Cluster,
        fault: FaultReport,
        change: Callable[[], Report],
        keep: Callable[[FaultReport], None],
    ) -> Report:
        played.done.append(f"load on {cluster.vip.ip}")
        report = change()
        keep(replace(fault, trials=(Trial(cluster.name, cluster.name, datetime.now(UTC), Outcome.PASSED),)))
        return report

    @contextmanager
    def looked(run: Run) -> Iterator[None]:
        played.done.append(f"look {' '.join(run.hosts)}")
        yield

    for name in ("deploy", "verify", "rollback", "remove", "failover_test"):
        monkeypatch.setattr(module, name, runbook(name))
    monkeypatch.setattr(module, "measure_change", measure)
    monkeypatch.setattr(module, "held", looked)
    monkeypatch.setattr(
        module, "move_vips_away", lambda _run, _cluster, name, _to: played.done.append(f"move away from {name}")
    )
    monkeypatch.setattr(module, "inside", lambda _lab: nullcontext())
    monkeypatch.setattr(state, "LABS", tmp_path / "labs")
    monkeypatch.setattr(lifecycle, "require_root", lambda: None)
    monkeypatch.setattr(lifecycle, "labs", lambda: ["taken"])

    def up(layout: Layout, *_: object) -> None:
        played.done.append(f"up {' '.join(each.name for each in layout.hosts)}")
        played.layouts.append(layout)
        if error := played.errors.get("up"):
            raise error

    def down(lab: str) -> None:
        played.done.append("down")
        shutil.rmtree(tmp_path / "labs" / lab, ignore_errors=True)

    monkeypatch.setattr(lifecycle, "up", up)
    monkeypatch.setattr(lifecycle, "down", down)
    return played


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "new"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "old"))


def change(folder: Path, host: str, **data: object) -> None:
    yaml, path = YAML(), folder / "hosts.yaml"
    tree = yaml.load(path)
    tree.setdefault(host, {"hostname": "172.27.129.120", "groups": ["kube"], "data": {"role": "backup"}})
    tree[host]["data"].update(data)
    yaml.dump(tree, path)


THREE = "lb-1 lb-2 lb-3"
UP = f"up {THREE}"
LOAD = "load on 172.27.129.253"


def test_change_goes_there_and_back_under_load(stage: Stage, old: Path, new: Path) -> None:
    stage.changes(f"deploy {THREE}", "lb-2")
    report = rehearse(new, old=old)
    assert stage.done == [
        UP,
        f"deploy {THREE}",
        *(LOAD, f"deploy {THREE}"),
        f"verify {THREE}",
        *(LOAD, "rollback to id of 4 lb-2"),
        "down",
    ]
    assert [step.name for step in report.steps] == [
        "boot the hosts",
        "deploy the old state",
        "deploy the new state under load",
        "verify the new state",
        "roll back under load",
    ]
    assert [fault.name for fault in report.faults] == ["deploy", "rollback"]
    assert (report.exit_code, report.hosts["lb-2"].diff, report.hosts["lb-1"].changed) == (0, "+line", False)


def test_state_that_changes_nothing_needs_no_way_back(stage: Stage, old: Path, new: Path) -> None:
    report = rehearse(new, old=old)
    assert stage.done == [UP, f"deploy {THREE}", LOAD, f"deploy {THREE}", f"verify {THREE}", "down"]
    assert report.exit_code == 0


def test_without_an_old_state_a_second_deploy_must_change_nothing(stage: Stage, new: Path) -> None:
    report = rehearse(new)
    assert stage.done == [UP, f"deploy {THREE}", LOAD, f"deploy {THREE}", f"verify {THREE}", "down"]
    assert [step.name for step in report.steps][1:3] == [
        "deploy to hosts that have nothing yet",
        "deploy again under load",
    ]
    stage.done.clear()
    stage.changes(f"deploy {THREE}", "lb-3")
    report = rehearse(new)
    assert report.ended_at == "failed at step 3 of 4: deploy again under load"
    assert report.error
    assert report.error.message == "a second deploy must change nothing, but it changed lb-3"
    assert stage.done[-1] == "down"


def test_faults_are_injected_in_the_new_state(stage: Stage, old: Path, new: Path) -> None:
    rehearse(new, old=old, faults=["haproxy-kill", "vip-*"])
    assert stage.done[-3:] == [f"verify {THREE}", f"failover_test {THREE}", "down"]


def test_node_that_is_added_is_removed_before_the_others_forget_it(stage: Stage, old: Path, new: Path) -> None:
    change(new, "lb-4", keepalived={"router_id": "lb-backup-120"})
    stage.changes(f"deploy {THREE} lb-4", "lb-1", "lb-4")
    rehearse(new, old=old)
    assert stage.done == [
        f"{UP} lb-4",
        f"deploy {THREE}",
        *(LOAD, f"deploy {THREE} lb-4"),
        f"verify {THREE} lb-4",
        *(LOAD, f"look {THREE} lb-4", "move away from lb-4", "remove lb-4"),
        *(LOAD, f"deploy {THREE}"),
        "down",
    ]


def test_node_that_leaves_is_removed_first(stage: Stage, old: Path, new: Path) -> None:
    change(old, "lb-4", keepalived={"router_id": "lb-backup-120"})
    stage.changes(f"deploy {THREE}", "lb-1")
    rehearse(new, old=old)
    assert stage.done == [
        f"{UP} lb-4",
        f"deploy {THREE} lb-4",
        *(LOAD, f"look {THREE} lb-4", "move away from lb-4", "remove lb-4"),
        *(LOAD, f"deploy {THREE}"),
        f"verify {THREE}",
        *(LOAD, f"deploy {THREE} lb-4"),
        "down",
    ]


def test_gate_ends_the_rehearsal_and_the_lab(stage: Stage, old: Path, new: Path) -> None:
    bad = host(failure=Failure.of(GateError("lb-2", "haproxy.apiservers_up: none is up")))
    stage.errors[f"verify {THREE}"] = AssertionError("not reached")
    stage.reports[f"deploy {THREE}"] = report_of(hosts={"lb-1": host(PASSED), "lb-2": bad, "lb-3": host(PASSED)})
    report = rehearse(new, old=old)
    assert stage.done == [UP, f"deploy {THREE}", "down"]
    assert report.steps[1].words == "lb-2: GateError: haproxy.apiservers_up: none is up"
    assert report.exit_code == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interruption_takes_the_lab_down(stage: Stage, old: Path, new: Path, error: type[BaseException]) -> None:
    stage.errors[f"verify {THREE}"] = error()
    with pytest.raises(error):
        rehearse(new, old=old)
    assert stage.done[-2:] == [f"verify {THREE}", "down"]


def test_interruption_of_the_boot_takes_the_lab_down(stage: Stage, new: Path) -> None:
    stage.errors["up"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        rehearse(new)
    assert stage.done == [UP, "down"]


def test_lab_that_does_not_boot_is_the_verdict(stage: Stage, new: Path) -> None:
    stage.errors["up"] = LabError("lb-1 does not answer")
    report = rehearse(new)
    assert report.ended_at == "failed at step 1 of 4: boot the hosts"
    assert (report.exit_code, stage.done[-1]) == (1, "down")


def test_interrupted_command_still_shows_its_report(
    stage: Stage, new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.errors[f"verify {THREE}"] = KeyboardInterrupt()
    folder = tmp_path / "report"
    assert main(["rehearse", "-i", str(new), "--report-dir", str(folder)]) == 130
    assert "ended at step 4 of 4: verify the new state" in capsys.readouterr().out
    assert (folder / "report.html").exists()


def test_kept_lab_stays_and_its_inventory_is_named(stage: Stage, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "-i", str(new), "--keep", "--lab", "mine"]) == 0
    assert "down" not in stage.done
    assert "kube-ha lab down --lab mine" in capsys.readouterr().err


def test_progress_counts_steps(stage: Stage, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "-i", str(new)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("4 steps, about ")
    assert lines[1].startswith("1 of 4: boot the hosts (about ")
    assert stage.done[-1] == "down"


def test_invalid_inventory_boots_nothing(stage: Stage, new: Path) -> None:
    change(new, "lb-2", vip="172.27.129.254/24")
    with pytest.raises(InventoryError, match="vip"):
        rehearse(new)
    assert stage.done == ["down"]  # of the folder with the rehearsal's files


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"old": "x", "revision": "HEAD"}, "exclude each other"),
        ({"faults": ["no-such"]}, "no fault is called no-such"),
        ({"lab": "taken"}, "lab taken exists"),
        ({"lab": "Not-A-Name"}, "1 to 8 characters of a-z"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_else(
    stage: Stage, new: Path, how: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        rehearse(new, **how)
    assert stage.done == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"interface": "bond0"}, "bookworm with 172.27.129.112 on bond0"),
        ({"lab_suite": "trixie"}, "trixie with 172.27.129.112 on eth0"),
    ],
)
def test_machine_cannot_become_another_one(
    stage: Stage, old: Path, new: Path, data: dict[str, str], words: str
) -> None:
    change(new, "lb-3", **data)
    report = rehearse(new, old=old)
    assert report.error
    assert f"lb-3 is bookworm with 172.27.129.112 on eth0, then {words}" in report.error.message
    assert stage.done == ["down"]


def test_secrets_are_never_read(stage: Stage, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBE_HA_STATS_PASSWORD", raising=False)
    assert rehearse(new).exit_code == 0
    assert stage.layouts[0].vips
