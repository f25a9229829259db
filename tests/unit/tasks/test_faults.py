"""The tasks that make and end a fault: what a host is sent, how long it is waited for, what its story comes to."""

import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.task import MultiResult, Task

from nornir_kube_ha.errors import FaultError, RemoteCommandError
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.ssh import change
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import faults, get_fault_timeline, heal_fault, inject_fault
from nornir_kube_ha.tasks.faults import FOLDER, FaultTimeline

HEALED = "begun 1.0 \nmade 2.0 \nhealing 3.0 \nhealed 4.0 \n"
Run = Callable[..., MultiResult]


@dataclass
class Host:
    """A host, what it was sent, and what it answers, script by script; the last answer stays."""

    answers: list[str | Exception] = field(default_factory=lambda: [""])
    sent: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def run_script(self, _task: Task, script: str, *, timeout: float) -> Completed:
        assert timeout > 0
        self.sent.append(script)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Completed(0, answer, "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host()
    monkeypatch.setattr(faults, "run_script", found.run_script)
    monkeypatch.setattr(faults, "POLL", 0.001)
    return found


@pytest.fixture
def run(nornir_of: Callable[..., Nornir]) -> Run:
    """Runs a task on lb-2."""
    return lambda task, **arguments: nornir_of().filter(name="lb-2").run(task, **arguments)["lb-2"]


def inject(run: Run, intent: Intent, name: str = "haproxy-kill", **arguments: Any) -> MultiResult:  # noqa: ANN401
    return run(inject_fault, intent=intent, fault=FAULTS[name], run_id="0123", seconds=2.5, port=6443, **arguments)


@pytest.mark.parametrize("name", ["vrrp-blocked", "run-full", "haproxy-crash-loop"])  # all kinds of quotes
def test_host_is_sent_the_whole_fault(host: Host, run: Run, intent: Intent, name: str) -> None:
    assert inject(run, intent, name)[0].changed
    (script,) = host.sent
    values = dict(word.split("=", 1) for word in shlex.split(script.partition("\n# Inject a fault")[0]))
    fault = FAULTS[name]
    assert values == {
        "UNIT": "kube-ha-fault-0123",
        "FOLDER": FOLDER,
        "SECONDS_TO_LAST": "2.5",
        "INTERFACE": "eth0",
        "VIPS": "192.0.2.10",
        "PORT": "6443",
        "NEEDS": fault.needs,
        "INJECT": fault.inject,
        "THERE": fault.there,
        "HEAL": fault.heal,
        "WELL": fault.well,
    }


def test_fault_that_cannot_be_made_says_which_and_why(host: Host, run: Run, intent: Intent) -> None:
    host.answers = [RemoteCommandError("lb-2", "inject_fault ended with exit status 1: nft is missing")]
    error = inject(run, intent)[0].exception
    assert isinstance(error, FaultError)
    assert str(error).startswith("lb-2: haproxy-kill ")
    assert str(error).endswith("nft is missing")


def test_story_is_looked_at_and_nothing_is_changed(host: Host, run: Run) -> None:
    host.answers = ["begun 1.0 \n"]
    outcome = run(get_fault_timeline)[0]
    assert (outcome.result, outcome.changed) == (FaultTimeline(1.0), False)
    assert host.sent == [f"cat {FOLDER}/story 2>/dev/null || true\n"]


def test_host_may_heal_by_itself_first(host: Host, run: Run) -> None:
    host.answers = ["begun 1.0 \n", "begun 1.0 \nmade 2.0 \n", HEALED]
    outcome = run(heal_fault, run_id="0123", patience=30)[0]
    assert (outcome.result, outcome.changed) == (FaultTimeline(1.0, 2.0, 3.0, 4.0), True)
    assert len(host.sent) == 4  # three looks, then what is left is taken away
    assert all(script.startswith("cat ") for script in host.sent[:3])
    assert host.sent[3].startswith("UNIT=kube-ha-fault-0123\n")
    assert host.sent[3].endswith('rm -rf "$FOLDER"\n')


def test_host_heals_when_patience_ends(host: Host, run: Run) -> None:
    host.answers = ["begun 1.0 \n"] * 2
    run(heal_fault, run_id="0123", patience=0.01)
    assert 2 <= len(host.sent) < 20
    assert "systemctl start" in host.sent[-1]


def test_host_heals_at_once_without_patience(host: Host, run: Run) -> None:
    host.answers = [HEALED]
    run(heal_fault, run_id="0123")
    assert len(host.sent) == 1


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("begun 1.0 \nmade 2.0 \nhealing 3.0 \nnot-healed 8.0 no such unit\n", "not healed: no such unit"),
        ("begun 1.0 \nmade 2.0 \n", "the host gives no reason"),
    ],
)
def test_fault_that_does_not_heal_is_an_error(host: Host, run: Run, story: str, words: str) -> None:
    host.answers = [story]
    error = run(heal_fault, run_id="0123")[0].exception
    assert isinstance(error, FaultError)
    assert str(error) == f"lb-2: the fault has not healed: {words}"


def test_fault_that_was_never_begun_needs_no_healing(host: Host, run: Run) -> None:
    assert host.answers == [""]
    assert run(heal_fault, run_id="0123")[0].result == FaultTimeline()


# Knows a timer while the file is there. A service that is started heals, and tells so.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$FAKE/calls"
case $1 in
--quiet) [ -e "$FAKE/active" ] ;;
start) echo "healed 9.5 " >>"$FAKE/fault/story" ;;
esac
"""


@pytest.mark.parametrize("active", [True, False])
def test_end_heals_what_is_there_and_takes_the_rest_away(
    host: Host, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, active: bool
) -> None:
    monkeypatch.setattr(faults, "FOLDER", str(tmp_path / "fault"))
    run(heal_fault, run_id="0123")
    (tmp_path / "systemctl").write_text(SYSTEMCTL, encoding="utf-8")
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault" / "story").write_text("begun 1.5 \n", encoding="utf-8")
    if active:
        (tmp_path / "active").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKE": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-us"], input=host.sent[0], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ("begun 1.5 \nhealed 9.5 \n" if active else "begun 1.5 \n")
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines() == [
        "--quiet is-active kube-ha-fault-0123.timer kube-ha-fault-0123.service",
        *(["start kube-ha-fault-0123.service"] if active else []),
        "stop kube-ha-fault-0123.timer",
    ]
    assert not (tmp_path / "fault").exists()


@pytest.mark.parametrize("there", [True, False])
def test_dry_run_changes_nothing(
    host: Host, run: Run, intent: Intent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, there: bool
) -> None:
    """A host is asked for the folder alone, and its answer decides."""
    folder = tmp_path / "fault"
    if there:
        folder.mkdir()

    def asking(_task: Task, script: str, *, timeout: float) -> Completed:
        done = subprocess.run(["sh", "-u"], input=script, capture_output=True, text=True, check=True, timeout=timeout)
        return Completed(done.returncode, done.stdout, done.stderr)

    monkeypatch.setattr(change, "run_script", asking)
    monkeypatch.setattr(faults, "FOLDER", str(folder))
    assert inject(run, intent, dry_run=True)[0].changed
    assert run(heal_fault, run_id="0123", patience=30, dry_run=True)[0].changed is there
    assert (host.sent, folder.exists()) == ([], there)
