"""A snapshot has what runs on each host and no secret, and says which hosts it lacks."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rig.samples import PASSWORD
from tests.support.world import ALL, World

from nornir_kube_ha.engine import run as run_module
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError, OutputError, UsageError
from nornir_kube_ha.facts import Facts, Listener
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.intent.names import HAPROXY_CFG, TMPFILES
from nornir_kube_ha.inventory.recorded import NOT_RECORDED, read_snapshot
from nornir_kube_ha.report import Report
from nornir_kube_ha.report.problems import problems
from nornir_kube_ha.runbooks.snapshot import snapshot

Take = Callable[..., tuple[Report, dict[str, Any]]]


@pytest.fixture
def take(run_of: Callable[..., Run], tmp_path: Path) -> Take:
    """Take a snapshot, and return its report and what its file says."""

    def make(*hosts: str) -> tuple[Report, dict[str, Any]]:
        run = run_of("snapshot", hosts or ALL, dry_run=True)
        report = snapshot(run, path=tmp_path / "seen.json")
        return report, json.loads((tmp_path / "seen.json").read_text())

    return make


def edited(facts: Facts, path: str, **change: object) -> Facts:
    return replace(facts, files={**facts.files, path: replace(facts.files[path], **change)})  # type: ignore[arg-type]


def test_snapshot_has_files_packages_units_and_ports(world: World, take: Take, tmp_path: Path) -> None:
    report, seen = take()
    assert report.exit_code == 0
    assert set(seen["hosts"]) == {"lb-1", "lb-2", "lb-3"}
    assert seen["not_seen"] == {}
    host = seen["hosts"]["lb-1"]
    assert host["packages"]["haproxy"].startswith("2.6.12")
    assert host["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert {file["path"] for file in host["files"]} == {*world.facts["lb-1"].files}
    assert host["differs"] == []
    assert host["units"]["haproxy"] == {"active": True, "enabled": True, "masked": False}
    assert {each["process"] for each in host["listeners"]} >= {"haproxy", "sshd"}
    assert stat.S_IMODE((tmp_path / "seen.json").stat().st_mode) == 0o600
    assert world.steps == [(name, "quick look") for name in ("lb-1", "lb-2", "lb-3")]


@pytest.mark.usefixtures("world")
def test_file_is_as_its_schema_says(take: Take) -> None:
    _, seen = take("lb-1", "lb-2")
    schema = json.loads((resources.files("nornir_kube_ha.snapshots") / "schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(seen)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(seen | {"version": 2})


@pytest.mark.usefixtures("world")
def test_no_secret_is_in_it(take: Take, tmp_path: Path) -> None:
    _, seen = take()
    assert PASSWORD not in (tmp_path / "seen.json").read_text()
    assert seen["inventory"]["lb-1"]["data"]["haproxy"]["stats"]["password"] == NOT_RECORDED


def test_file_that_was_edited_is_recorded_and_named(world: World, take: Take) -> None:
    content = world.facts["lb-2"].files[HAPROXY_CFG].content.replace(b"global\n", b"global\n    # by hand\n")
    world.facts["lb-2"] = edited(world.facts["lb-2"], HAPROXY_CFG, content=content)
    report, seen = take()
    assert report.exit_code == 0
    assert seen["hosts"]["lb-2"]["differs"] == [HAPROXY_CFG]
    assert {name: host.changed for name, host in report.hosts.items()} == {"lb-1": False, "lb-2": True, "lb-3": False}
    assert f"write {HAPROXY_CFG}" in report.hosts["lb-2"].plan
    assert "-    # by hand" in report.hosts["lb-2"].diff
    [text] = [file["text"] for file in seen["hosts"]["lb-2"]["files"] if file["path"] == HAPROXY_CFG]
    assert "global\n    # by hand\n" in text


def test_file_of_a_template_without_our_header_is_ours(world: World, take: Take) -> None:
    edited_file = edited(world.facts["lb-2"], HAPROXY_CFG, content=b"global\n")
    world.facts["lb-2"] = replace(edited_file, origins={HAPROXY_CFG: Origin("plain", "demo")})
    world.facts["lb-3"] = replace(edited(world.facts["lb-3"], HAPROXY_CFG, content=b"global\n"), origins={})
    _, seen = take()
    writers = {
        name: [file["written_for"] for file in host["files"] if file["path"] == HAPROXY_CFG]
        for name, host in seen["hosts"].items()
    }
    assert writers == {"lb-1": [""], "lb-2": ["demo"], "lb-3": [""]}


def test_file_that_is_missing_is_named(world: World, take: Take) -> None:
    files = {path: file for path, file in world.facts["lb-3"].files.items() if path != TMPFILES}
    world.facts["lb-3"] = replace(world.facts["lb-3"], files=files)
    _, seen = take()
    assert seen["hosts"]["lb-3"]["differs"] == [TMPFILES]
    assert TMPFILES not in {file["path"] for file in seen["hosts"]["lb-3"]["files"]}


def test_bytes_that_are_no_text_are_recorded(world: World, take: Take, tmp_path: Path) -> None:
    world.facts["lb-2"] = edited(world.facts["lb-2"], HAPROXY_CFG, content=b"# \xff\n")
    take()
    [file] = [each for each in read_snapshot(tmp_path / "seen.json").hosts["lb-2"].files if each.path == HAPROXY_CFG]
    assert file.text.encode(file.encoding) == b"# \xff\n"


def test_host_that_is_off_is_named(world: World, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    look = run_module.get_facts  # type: ignore[attr-defined]  # the world's

    def get_facts(task: Any, **arguments: Any) -> Any:  # noqa: ANN401
        if task.host.name == "lb-3":
            raise HostUnreachableError("lb-3", "no SSH server answers")
        return look(task, **arguments)

    monkeypatch.setattr(run_module, "get_facts", get_facts)
    report, seen = take()
    assert report.exit_code == 4
    assert [(each.where, each.what) for each in problems(report)] == [("lb-3", "HostUnreachableError")]
    assert set(seen["hosts"]) == {"lb-1", "lb-2"}
    assert seen["not_seen"] == {"lb-3": {"type": "HostUnreachableError", "message": "no SSH server answers"}}
    assert "lb-3" in seen["inventory"]
    assert world.facts


def test_snapshot_of_no_host_leaves_the_old_file(
    run_of: Callable[..., Run], world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def get_facts(task: Any, **_: Any) -> Any:  # noqa: ANN401
        raise HostUnreachableError(task.host.name, "no SSH server answers")

    monkeypatch.setattr(run_module, "get_facts", get_facts)
    path = tmp_path / "seen.json"
    path.write_text("of yesterday")
    assert snapshot(run_of("snapshot", dry_run=True), path=path).exit_code == 4
    assert path.read_text() == "of yesterday"
    assert not world.steps


@pytest.mark.usefixtures("world")
def test_host_that_was_left_out_is_named(take: Take) -> None:
    report, seen = take("lb-1")
    assert report.exit_code == 0
    assert {name: each["type"] for name, each in seen["not_seen"].items()} == dict.fromkeys(
        ("lb-2", "lb-3"), "NotSelected"
    )


def test_host_whose_facts_no_host_has_is_not_seen(world: World, take: Take) -> None:
    world.facts["lb-2"] = replace(world.facts["lb-2"], listeners=(Listener("0.0.0.0; canary", 80, "x"),))
    report, seen = take()
    assert report.exit_code == 1
    assert seen["not_seen"]["lb-2"]["type"] == "UnexpectedReplyError"
    assert "canary" not in json.dumps(seen)


@pytest.mark.usefixtures("world")
def test_path_that_is_no_files_is_refused_before_any_look(run_of: Callable[..., Run], tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "seen.json"):
        with pytest.raises(UsageError, match="expected the path of a file"):
            snapshot(run_of("snapshot"), path=path)


@pytest.mark.usefixtures("world")
def test_full_disk_is_an_error_and_leaves_the_old_file(
    run_of: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nornir_kube_ha.runbooks.snapshot.write_file", full)
    with pytest.raises(OutputError, match="No space left"):
        snapshot(run_of("snapshot"), path=tmp_path / "seen.json")
