"""A runbook as a command: its exit code, what goes to stdout and what to stderr, and that nothing is sent too early."""

import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
from rig.lab import ROOT
from rig.samples import DATA
from ruamel.yaml import YAML

from nornir_kube_ha import runbooks
from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.exit_codes import guarded
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import (
    HostUnreachableError,
    InventoryError,
    KubeHaError,
    LoginRefusedError,
    Problem,
    RemoteCommandError,
    UsageError,
)
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.errors import LabDownError
from nornir_kube_ha.report import HostReport, Report
from nornir_kube_ha.runbooks import deploy, verify

INVENTORY = ROOT / "inventory"
CA = DATA / "ca.crt"
Main = Callable[[list[str]], int]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Put back the handler that a command sets for its own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that a socket was to be connected to; none is."""
    addresses: list[object] = []

    def connect(_socket: socket.socket, address: object) -> None:
        addresses.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return addresses


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[str | None], Path]:
    """The default inventory, in a lab of another name or in none."""

    def copy(lab: str | None) -> Path:
        folder = tmp_path / "inventory"
        shutil.copytree(INVENTORY, folder)
        yaml = YAML(typ="safe")
        groups = yaml.load(folder / "groups.yaml")
        groups["lab"]["data"] |= {"lab": lab, "apiserver_ca": str(CA)}
        key = tmp_path / "id_ed25519"
        key.touch()
        groups["lab"]["connection_options"]["netmiko"]["extras"]["key_file"] = str(key)
        yaml.dump(groups, folder / "groups.yaml")
        return folder

    return copy


@pytest.fixture(params=[deploy.main, verify.main], ids=["deploy", "verify"])
def main(request: pytest.FixtureRequest) -> Main:
    """Each runbook as a script."""
    script: Main = request.param
    return script


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KubeHaError("what"), 1, "error: what\n"),
        (UsageError("no host matches role=slave"), 2, "error: no host matches role=slave\n"),
        (
            InventoryError([Problem("lb-1", "vip", "is missing"), Problem("", "role", "no master")]),
            2,
            "error: 2 in the inventory; nothing was sent to any host\n  lb-1: vip: is missing\n  role: no master\n",
        ),
        (HostUnreachableError("lb-1", "no answer"), 4, "error: lb-1: no answer\n"),
        (LoginRefusedError("lb-1", "host key"), 6, "error: lb-1: host key\n"),
        (RemoteCommandError("lb-1", "\x1b]0;mine\a\n\x1b[2J"), 1, "error: lb-1: \ufffd]0;mine\ufffd\n\ufffd[2J\n"),
        (LabDownError("lab demo is not up"), 1, "error: lab demo is not up\n"),
        (
            KeyboardInterrupt(),
            130,
            (
                "interrupted: steps in progress on hosts were completed. The next run continues from the "
                "state that it finds\n"
            ),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_error_is_a_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert guarded(raising(error)) == code
    assert capsys.readouterr() == ("", words)


@pytest.mark.parametrize("code", [0, 1, 4])
def test_exit_code_of_a_command_is_kept(code: int) -> None:
    assert guarded(lambda: code) == code


def test_termination_ends_with_its_own_exit_code() -> None:
    def terminated() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    with pytest.raises(SystemExit) as caught:
        guarded(terminated)
    assert caught.value.code == 143


def test_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stdout").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert guarded(raising(BrokenPipeError())) == 141  # as a program ends that SIGPIPE ends


def test_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded(raising(ZeroDivisionError()))


def test_lab_that_is_down_is_named_and_nothing_is_sent(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], sent: list[object], main: Main
) -> None:
    assert main(["-i", str(inventory("noneup"))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: lab noneup is not up; start it with: kube-ha lab up -i " in err
    assert sent == []


def test_inventory_with_an_error_sends_nothing(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], sent: list[object], main: Main
) -> None:
    folder = inventory(None)
    (folder / "defaults.yaml").write_text("platform: linux\ndata: {haproxy: {stats: {password: admin}}}\n")
    assert main(["-i", str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        "error: 1 in the inventory; nothing was sent to any host\n  lb-1, lb-2, lb-3: haproxy.stats.password: " in err
    )
    assert sent == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "role=slave"], "no host matches role=slave; known hosts: lb-1, lb-2, lb-3"),
        (["--limit", "lb-9"], "--limit: no host called lb-9; known hosts: lb-1, lb-2, lb-3"),
        (["-i", "no-such-folder"], "inventory no-such-folder: expected a folder with hosts.yaml"),
    ],
    ids=["filter", "limit", "inventory"],
)
def test_command_line_that_means_nothing_sends_nothing(
    capsys: pytest.CaptureFixture[str],
    inventory: Callable[[str | None], Path],
    main: Main,
    arguments: list[str],
    words: str,
    *,
    sent: list[object],
) -> None:
    assert main(["-i", str(inventory(None)), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert sent == []


def test_list_of_hosts_goes_to_stdout_and_nothing_is_sent(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], sent: list[object], main: Main
) -> None:
    assert main(["-i", str(inventory("noneup")), "--filter", "role=backup", "--list-hosts"]) == 0  # no lab is needed
    assert capsys.readouterr().out == "lb-2\nlb-3\n"
    assert sent == []


def test_list_of_hosts_checks_the_inventory(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], main: Main
) -> None:
    folder = inventory("noneup")
    (folder / "defaults.yaml").write_text("platform: linux\ndata: {haproxy: {balanse: source, stats: {}}}\n")
    assert main(["-i", str(folder), "--list-hosts"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "did you mean balance?" in err
    assert "haproxy.stats.password: is missing" in err


def test_host_that_does_not_answer_is_unknown(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], sent: list[object]
) -> None:
    assert verify.main(["-i", str(inventory(None)), "--output", "json", "--limit", "lb-2"]) == 4
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["hosts"]["lb-2"]["status"] == "unknown"
    assert report["hosts"]["lb-2"]["error"]["type"] == "HostUnreachableError"
    assert {check["status"] for check in report["hosts"]["lb-2"]["checks"]} == {"unknown"}
    assert sent


@pytest.fixture
def reporting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runbooks that ask no host, and find one check failed on each."""

    def runbook(run: Run, **_arguments: object) -> Report:
        failed = Finding("haproxy.active", Status.FAIL, "active (running)", "failed (failed)", "read its journal")
        hosts = {name: HostReport("demo", "master", True, (failed,), diff="+ line") for name in run.hosts}  # noqa: FBT003
        now = datetime.now(UTC)
        return Report("0", "deploy", now, now, hosts, {}, dry_run=run.dry_run)

    monkeypatch.setattr(deploy, "deploy", runbook)
    monkeypatch.setattr(verify, "verify", runbook)


@pytest.mark.usefixtures("reporting")
@pytest.mark.parametrize("option", ["--dry-run", "--check"])
def test_report_goes_to_stdout_and_progress_to_stderr(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], option: str
) -> None:
    folder = inventory(None)
    assert deploy.main(["-i", str(folder), option, "--output", "json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["dry_run"] is True
    assert err == f"inventory {folder}\n"


@pytest.mark.usefixtures("reporting")
@pytest.mark.parametrize("options", [[], ["--diff"]], ids=["without diff", "with diff"])
def test_report_on_a_pipe_is_plain_text(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], options: list[str]
) -> None:
    assert deploy.main(["-i", str(inventory(None)), *options]) == 1
    out = capsys.readouterr().out
    assert "deploy: NOT PASSED - hosts: 3 failed; changed: 3;" in out
    assert ("+ line" in out) is ("--diff" in options)
    assert "\x1b" not in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"nornir-kube-ha {metadata.version('nornir-kube-ha')}\n"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["deploy", "--no-such-option"]], ids=" ".join)
def test_command_that_is_not_there_is_a_usage_error(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: kube-ha" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = re.findall(r"^ {4}(\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) >= {"deploy", "verify", "init", "lab"}


@pytest.mark.parametrize("name", ["deploy", "verify"])
def test_runbook_is_a_command_too(
    capsys: pytest.CaptureFixture[str], inventory: Callable[[str | None], Path], name: str
) -> None:
    assert cli.main([name, "-i", str(inventory(None)), "--list-hosts"]) == 0
    assert capsys.readouterr().out == "lb-1\nlb-2\nlb-3\n"
    assert (Path(runbooks.__file__).parent / f"{name}.py").stat().st_mode & 0o111


def test_first_inventory_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "inventory"
    assert cli.main(["init", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["defaults.yaml", "groups.yaml", "hosts.yaml"]
    out, err = capsys.readouterr()
    assert out == ""
    assert f"kube-ha deploy -i {folder} --dry-run --diff" in err
    monkeypatch.setenv("KUBE_HA_STATS_PASSWORD", "correct-horse-battery")
    assert len(load_intent(open_inventory(folder)).nodes) == 3


def test_first_inventory_may_go_to_an_empty_folder(tmp_path: Path) -> None:
    assert cli.main(["init", str(tmp_path)]) == 0
    assert (tmp_path / "hosts.yaml").is_file()


@pytest.mark.parametrize("there", ["hosts.yaml", ".hidden", "folder"])
def test_first_inventory_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    (tmp_path / there).mkdir() if there == "folder" else (tmp_path / there).write_text("mine\n")
    assert cli.main(["init", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_first_inventory_cannot_go_where_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine\n")
    assert cli.main(["init", str(tmp_path / "file")]) == 2
    assert "is not writable" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine\n"
