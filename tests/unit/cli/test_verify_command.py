"""Verify on its command line: which checks, how long, in which format, and what is left when it is cut off."""

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from nornir.core.task import Result, Task
from rig.lab import ROOT
from rig.samples import DATA
from ruamel.yaml import YAML
from tests.support.kubernetes import kubeconfig

from nornir_kube_ha.checks import ALL, LISTENER_CHECKS, NEED_CREDENTIAL
from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.regular import notify
from nornir_kube_ha.engine import endpoints, retry
from nornir_kube_ha.engine import run as run_module
from nornir_kube_ha.errors import OutputError
from nornir_kube_ha.facts import Endpoint, Facts, Probe, Scope
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.report.files import FORMATS
from nornir_kube_ha.runbooks import verify

INVENTORY = ROOT / "inventory"

Look = Callable[[], Mapping[str, Facts]]


class World:
    """Three hosts, and what each further look finds."""

    def __init__(self, *looks: Mapping[str, Facts | BaseException]) -> None:
        self.looks = list(looks)
        self.asked = 0

    def get_facts(
        self, task: Task, intent: Intent, lease: Lease | None, *, scope: Scope, listened: Collection[str]
    ) -> Result:
        assert intent.nodes
        assert set(listened) <= {*self.looks[0]}
        assert scope is Scope.ALL
        assert lease is None  # it goes on while another run changes the hosts
        number, self.asked = self.asked // 3, self.asked + 1
        found = self.looks[min(number, len(self.looks) - 1)][task.host.name]
        if isinstance(found, BaseException):
            raise found
        return Result(task.host, result=found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The lab's inventory, outside of any lab, asked for its VIP by nobody."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    for name in ("hosts.yaml", "groups.yaml", "defaults.yaml"):
        tree = YAML().load(INVENTORY / name)
        if name == "groups.yaml":
            data = tree["lab"]["data"]
            del data["lab"]
            data["apiserver_ca"] = str(DATA / "ca.crt")
        YAML().dump(tree, folder / name)
    return folder


@pytest.fixture
def world_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Hosts that are found so by one look after another."""

    def make(*looks: Mapping[str, Facts | BaseException]) -> World:
        world = World(*looks)
        monkeypatch.setattr(run_module, "get_facts", world.get_facts)
        version = Probe(200, "", '{"gitVersion": "v1.30.0"}')
        monkeypatch.setattr(endpoints, "get_endpoint", lambda *_: Endpoint(Probe(200, ""), version))
        return world

    handler = signal.getsignal(signal.SIGTERM)
    yield make
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def broken(healthy: Mapping[str, Facts]) -> dict[str, Facts]:
    """All well, but for lb-2, whose haproxy does not run."""
    sick = healthy["lb-2"]
    haproxy = replace(sick.units["haproxy"], active_state="failed", sub_state="failed")
    return {**healthy, "lb-2": replace(sick, units={**sick.units, "haproxy": haproxy})}


def report_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    tree: dict[str, object] = json.loads(capsys.readouterr().out)
    return tree


def ids(tree: Mapping[str, object]) -> set[str]:
    parts = [*tree["hosts"].values(), *tree["clusters"].values()]  # type: ignore[attr-defined] # JSON
    return {check["id"] for part in parts for check in part["checks"]}


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ([], ALL),
        (["--check", "haproxy.active"], {"haproxy.active"}),
        (["--check", "vip.single_holder", "--check", "haproxy.active"], {"vip.single_holder", "haproxy.active"}),
        (["--check", "vip.*", "--skip", "vip.arp"], {each for each in ALL if each.startswith("vip.")} - {"vip.arp"}),
        (["--skip", "cluster.*"], {each for each in ALL if not each.startswith("cluster.")}),
    ],
    ids=["all", "one", "two", "a pattern without one", "all but some"],
)
def test_only_the_checks_that_are_wanted_are_made(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    chosen: set[str],
) -> None:
    world_of(healthy)
    assert verify.main(["-i", str(folder), "--output", "json", *options]) == 0
    assert ids(report_of(capsys)) == chosen - NEED_CREDENTIAL - {check.id for check in LISTENER_CHECKS}


@pytest.mark.parametrize(
    "command", [verify.main, lambda words: cli.main(["verify", *words])], ids=["script", "kube-ha"]
)
def test_apiservers_are_asked_with_a_credential_only(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[list[str]], int],
) -> None:
    world_of(healthy)
    words = ["-i", str(folder), "--output", "json", "--check", "apiserver.health"]
    assert command(words) == 1
    [check] = report_of(capsys)["clusters"]["demo"]["checks"]  # type: ignore[index] # JSON
    assert (check["status"], "no kubeconfig" in check["seen"]) == ("unknown", True)
    ready = Probe(200, "", "ok")

    def ask(_cluster: object, credential: Kubernetes) -> Endpoint:
        assert credential.token == "told"
        return Endpoint(ready, ready, apiservers={"lb-1": (ready, ready)})

    monkeypatch.setattr(endpoints, "get_endpoint", ask)
    (folder / "admin.conf").write_text(kubeconfig("demo", {"token": "told"}))
    assert command([*words, "--kubeconfig", str(folder / "admin.conf")]) == 0
    assert ids(report_of(capsys)) == {"apiserver.health"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--check", "haproxy.activ"], "no check is called haproxy.activ; did you mean haproxy.active?"),
        (["--skip", "zzz"], "no check is called zzz; `kube-ha checks` lists all"),
        (["--check", "vip.arp", "--skip", "vip.*"], "leave no check to make"),
    ],
    ids=["nearly right", "nothing like it", "none left"],
)
def test_a_check_that_is_not_there_is_a_usage_error(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    world = world_of(healthy)
    assert verify.main(["-i", str(folder), *options]) == 2
    assert words in capsys.readouterr().err
    assert not world.asked


def test_a_check_that_is_skipped_cannot_fail_the_run(
    world_of: Callable[..., World], broken: Mapping[str, Facts], folder: Path
) -> None:
    world_of(broken)
    assert verify.main(["-i", str(folder)]) == 1
    assert verify.main(["-i", str(folder), "--skip", "haproxy.active", "--skip", "haproxy.up_to_date"]) == 0


def test_it_looks_again_until_all_passes(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    broken: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = world_of(broken, broken, healthy)
    assert verify.main(["-i", str(folder), "--retry-timeout", "30s", "--sleep", "1ms"]) == 0
    assert world.asked == 9
    assert capsys.readouterr().err.count("not passed yet: lb-2 haproxy.active\n") == 2


def test_a_host_that_was_not_reached_is_tried_again(
    world_of: Callable[..., World], healthy: Mapping[str, Facts], folder: Path
) -> None:
    gone: dict[str, Facts | BaseException] = {**healthy, "lb-3": ConnectionError("no route")}
    world = world_of(gone, healthy)
    assert verify.main(["-i", str(folder), "--retry-timeout", "30", "--sleep", "1ms"]) == 0
    assert world.asked == 6


def test_it_gives_up_when_the_time_is_over(
    world_of: Callable[..., World], broken: Mapping[str, Facts], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of(broken)
    now = iter(range(100))
    # Of this module only: other threads use the same clock.
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: next(now), sleep=lambda _: None))
    assert verify.main(["-i", str(folder), "--retry-timeout", "3s", "--sleep", "1s"]) == 1
    assert world.asked == 9  # at 1, 2 and 3 seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1d", "1e3"])
def test_an_invalid_time_is_a_usage_error(folder: Path, text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        verify.main(["-i", str(folder), f"--retry-timeout={text}"])
    assert caught.value.code == 2


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_goes_to_stdout(
    world_of: Callable[..., World],
    broken: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    output: str,
) -> None:
    world_of(broken)
    status = verify.main(["-i", str(folder), "--output", output])
    out = capsys.readouterr().out
    assert status == (2 if output == "nagios" else 1)
    assert "haproxy.active" in out
    assert "\x1b" not in out
    assert out.endswith("\n")


def test_the_report_is_left_in_a_folder_also_when_it_fails(
    world_of: Callable[..., World], broken: Mapping[str, Facts], folder: Path, tmp_path: Path
) -> None:
    world_of(broken)
    target = tmp_path / "reports" / "of today"
    assert verify.main(["-i", str(folder), "--report-dir", str(target)]) == 1
    assert sorted(path.name for path in target.iterdir()) == sorted(name for name, _ in FORMATS.values())
    assert json.loads((target / "report.json").read_text())["passed"] is False


def test_a_folder_that_cannot_be_created_is_an_error_before_any_question(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = world_of(healthy)
    (tmp_path / "file").write_text("mine\n")
    assert verify.main(["-i", str(folder), "--report-dir", str(tmp_path / "file" / "below")]) == 2
    assert "cannot create --report-dir" in capsys.readouterr().err
    assert not world.asked


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.field_report(
    "H10",
    "found by trial",
    "a full disk below --report-dir ends in a traceback, with nothing on stdout, after hosts were changed",
    "the report goes to stdout all the same, stderr has the error, and the exit code is 7",
)
@pytest.mark.parametrize("passes", [True, False])
def test_report_goes_to_stdout_even_if_the_disk_is_full(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    broken: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    passes: bool,
) -> None:
    world_of(healthy if passes else broken)
    monkeypatch.setattr(os, "fsync", full)
    code = verify.main(["-i", str(folder), "--output", "json", "--report-dir", str(tmp_path / "reports")])
    out, err = capsys.readouterr()
    assert code == (7 if passes else 1)
    assert json.loads(out)["passed"] is passes
    assert "is incomplete: report.txt, report.json, report.xml, " in err
    assert "report.html: No space left on device" in err
    assert [*(tmp_path / "reports").iterdir()] == []


@pytest.mark.field_report("H10")
def test_report_that_finds_no_room_on_stdout_is_left_in_the_folder(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world_of(healthy)
    monkeypatch.setattr(sys.stdout, "write", full)
    assert verify.main(["-i", str(folder), "--report-dir", str(tmp_path / "reports")]) == 7
    monkeypatch.undo()
    assert "error: cannot write the report to stdout: No space left on device" in capsys.readouterr().err
    assert (tmp_path / "reports/report.json").exists()


@pytest.mark.field_report("H10")
@pytest.mark.parametrize(
    ("redirections", "code"), [(">/dev/full", 7), (">&-", 0), (">&- 2>&- <&-", 0), ("2>/dev/full", 0)]
)
def test_output_without_a_reader_ends_without_a_traceback(redirections: str, code: int) -> None:
    script = f'"$0" -m nornir_kube_ha.cli.main checks {redirections}'
    completed = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert completed.returncode == code
    assert "Traceback" not in completed.stderr
    assert "Exception ignored" not in completed.stderr
    assert ("cannot write the output: No space left on device" in completed.stderr) == (code == 7)


@pytest.mark.field_report(
    "H8",
    "found by trial",
    "escape codes in `--limit` and in `{prompt: ...}` reach the terminal",
    "what would drive a terminal is replaced, whoever wrote it",
)
@pytest.mark.parametrize(
    "options", [["--output", "nagios", "--limit"], ["--output", "nagios", "-\x1b"], ["--filter"], ["-i"]]
)
def test_escape_codes_of_a_command_line_do_not_reach_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    with contextlib.suppress(SystemExit):
        verify.main(["-i", str(folder), *options, "x=\x1b[2J\x9b2J"])
    out, err = capsys.readouterr()
    assert "[2J" in out + err
    assert not {"\x1b", "\x9b"} & {*out, *err}


@pytest.mark.parametrize(("cut", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)], ids=["Ctrl-C", "TERM"])
def test_the_report_of_a_run_that_is_interrupted_says_what_is_not_known(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cut: BaseException,
    code: int,
) -> None:
    world_of(healthy)

    def interrupted(*_: object, **__: object) -> None:
        raise cut

    monkeypatch.setattr(run_module.Run, "each", interrupted)
    arguments = ["-i", str(folder), "--report-dir", str(tmp_path / "reports")]
    try:
        status = verify.main(arguments)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == code
    tree = json.loads((tmp_path / "reports" / "report.json").read_text())
    assert tree["passed"] is False
    assert {host["status"] for host in tree["hosts"].values()} == {"unknown"}
    seen = {check["seen"] for host in tree["hosts"].values() for check in host["checks"]}
    assert seen == {"left as it was: the run was interrupted"}
    assert {check["status"] for check in tree["clusters"]["demo"]["checks"]} == {"unknown", "warn"}


def test_an_interrupted_wait_keeps_what_the_last_look_found(
    world_of: Callable[..., World],
    broken: Mapping[str, Facts],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    world_of(broken)
    monkeypatch.setattr(time, "sleep", interrupted)
    assert verify.main(["-i", str(folder), "--output", "json", "--retry-timeout", "30s"]) == 130
    hosts = report_of(capsys)["hosts"]
    assert {name: host["status"] for name, host in hosts.items()} == {  # type: ignore[attr-defined] # JSON
        "lb-1": "passed",
        "lb-2": "failed",
        "lb-3": "passed",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--check", "zzz"], "KUBE-HA UNKNOWN - no check is called zzz"),
        (["--limit", "lb-9"], "KUBE-HA UNKNOWN - --limit: no host called lb-9"),
    ],
    ids=["check", "host"],
)
def test_a_monitoring_plugin_that_cannot_even_start_is_unknown(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert verify.main(["-i", str(folder), "--output", "nagios", *options]) == 3
    out = capsys.readouterr().out
    assert out.startswith(words)
    assert out.count("\n") == 1


def test_all_checks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == ALL
    assert {line.split()[1] for line in lines} == {"critical", "warning"}


def test_history_says_since_when_and_changes_are_sent_once(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    broken: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(notify, "post", lambda _url, text: sent.append(text))
    monkeypatch.setenv("HOOK", "https://hooks.example.org/canary")
    kept = tmp_path / "history"
    words = ["-i", str(folder), "--check", "haproxy.active", "--history", str(kept)]
    sending = [*words, "--notify", "env:HOOK", "--output", "json"]

    world_of(healthy)
    assert verify.main(sending) == 0
    assert sent == []
    world_of(broken)
    assert verify.main(sending) == 1
    assert verify.main(sending) == 1
    (text,) = sent
    assert re.search(r"^RED: demo lb-2 haproxy\.active at .*, was green for ", text, re.MULTILINE)
    capsys.readouterr()
    assert verify.main(words) == 1
    assert re.search(r"^  history: red since \d\d:\d\d, was green for ", capsys.readouterr().out, re.MULTILINE)
    world_of(healthy)
    assert verify.main(sending) == 0
    assert len(sent) == 2
    assert "green: demo lb-2 haproxy.active" in sent[1]
    assert [path.name for path in kept.iterdir() if path.suffix] == ["demo.json"]
    assert kept.joinpath("demo.json").stat().st_mode & 0o777 == 0o600
    assert "canary" not in capsys.readouterr().err


def test_change_that_was_not_sent_is_sent_by_the_next_run(
    world_of: Callable[..., World],
    broken: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []

    def refuse(_url: object, _text: str) -> None:
        raise OSError("hooks.example.org: HTTP 503")

    words = ["-i", str(folder), "--history", str(tmp_path / "history"), "--notify", "https://hooks.example.org/canary"]
    world_of(broken)
    monkeypatch.setattr(notify, "post", refuse)
    assert verify.main([*words, "--check", "vip.single_holder"]) == 0  # nothing has changed: nothing is sent
    assert verify.main([*words, "--check", "haproxy.active"]) == 1
    said = capsys.readouterr()
    assert "the notification was not sent, the next run tries again: hooks.example.org: HTTP 503" in said.err
    assert "canary" not in said.err + said.out
    monkeypatch.setattr(notify, "post", lambda _url, text: sent.append(text))
    assert verify.main([*words, "--check", "vip.single_holder"]) == 0
    assert len(sent) == 1
    assert "lb-2 haproxy.active" in sent[0]


def test_run_that_passes_and_cannot_send_does_not_end_with_0(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    broken: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["-i", str(folder), "--check", "haproxy.active", "--history", str(tmp_path / "history")]
    world_of(broken)
    assert verify.main(words) == 1
    world_of(healthy)

    def refuse(_url: object, _text: str) -> None:
        raise OSError("hooks.example.org: HTTP 404")

    monkeypatch.setattr(notify, "post", refuse)
    assert verify.main([*words, "--notify", "https://hooks.example.org/canary"]) == OutputError.exit_code


def test_history_that_is_damaged_or_cannot_be_written_keeps_no_report_back(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world_of(healthy)
    kept = tmp_path / "history"
    kept.mkdir()
    (kept / "demo.json").write_text('{"schema": 1, "checks": [')
    words = ["-i", str(folder), "--check", "haproxy.active", "--history", str(kept)]
    assert verify.main(words) == 0
    said = capsys.readouterr()
    assert f"the history {kept}/demo.json cannot be read and starts over" in said.err
    assert "verify: passed" in said.out
    (kept / "demo.json").unlink()
    (kept / "demo.json").mkdir()
    (kept / "demo.json" / "in-the-way").touch()
    assert verify.main(words) == OutputError.exit_code
    said = capsys.readouterr()
    assert f"the history in {kept} cannot be written" in said.err
    assert "verify: passed" in said.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--notify", "https://hooks.example.org/canary"], "--notify needs --history DIR"),
        (["--history", "{folder}/hosts.yaml"], "cannot create --history {folder}/hosts.yaml"),
        (["--history", "{folder}", "--notify", "http://hooks.example.org/canary"], "expected https://"),
        (["--history", "{folder}", "--notify", "env:NOT_SET_AT_ALL"], "NOT_SET_AT_ALL is not set"),
    ],
)
def test_history_or_webhook_that_cannot_be_used_is_told_before_anybody_is_asked(
    world_of: Callable[..., World],
    healthy: Mapping[str, Facts],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    world = world_of(healthy)
    assert verify.main(["-i", str(folder), *(each.format(folder=folder) for each in options)]) == 2
    said = capsys.readouterr().err
    assert words.format(folder=folder) in said
    assert "canary" not in said
    assert world.asked == 0
