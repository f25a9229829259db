"""`kube-ha failover-test` and `kube-ha vip move` as commands: what they say, and that nothing is sent too early."""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rig.lab import ROOT
from rig.samples import DATA
from ruamel.yaml import YAML

from nornir_kube_ha import runbooks
from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import MoveError
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.intent import Cluster, Router
from nornir_kube_ha.runbooks import failover_test, vip

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
    return addresses


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The default inventory, in no lab."""
    found = tmp_path / "inventory"
    shutil.copytree(INVENTORY, found)
    yaml = YAML(typ="safe")
    groups = yaml.load(found / "groups.yaml")
    groups["lab"]["data"] |= {"lab": None, "apiserver_ca": str(CA)}
    key = tmp_path / "id_ed25519"
    key.touch()
    groups["lab"]["connection_options"]["netmiko"]["extras"]["key_file"] = str(key)
    yaml.dump(groups, found / "groups.yaml")
    return found


@pytest.fixture
def in_lab(folder: Path) -> Path:
    """The default inventory, in a lab that is not up."""
    text = (folder / "groups.yaml").read_text(encoding="utf-8")
    assert "lab: null" in text
    (folder / "groups.yaml").write_text(text.replace("lab: null", "lab: noneup"), encoding="utf-8")
    return folder


def as_command(arguments: list[str]) -> int:
    return cli.main(["failover-test", *arguments])


@pytest.fixture(params=[as_command, failover_test.main], ids=["kube-ha failover-test", "failover_test.py"])
def main(request: pytest.FixtureRequest) -> Main:
    """A failover test in both of its ways."""
    found: Main = request.param
    return found


def test_help_says_how_to_break_what(capsys: pytest.CaptureFixture[str], main: Main) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    options = (
        "--list",
        "--fault",
        "--all",
        "--repeat",
        "--hold",
        "--limit-seconds",
        "--yes",
        "--vantage",
        "--rate",
        "--connections",
    )
    assert [option for option in (*options, "--filter", "--output", "--report-dir") if option not in out] == []
    assert "--dry-run" not in out  # it would promise a rehearsal that there is not


def test_faults_are_listed_without_inventory_or_lab(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sent: list[object],
    main: Main,
) -> None:
    monkeypatch.setenv("KUBE_HA_INVENTORY", str(tmp_path / "nowhere"))
    assert main(["--list"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[::2]] == list(FAULTS)
    assert (err, sent) == ("", [])


def test_script_can_be_run_by_itself() -> None:
    assert os.access(Path(runbooks.__file__).parent / "failover_test.py", os.X_OK)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--yes"], "expected --fault NAME or --all; --list shows all faults"),
        (["--yes", "--fault", "haproxy-kil"], "no fault is called haproxy-kil; did you mean haproxy-kill?"),
        (["--yes", "--fault", "node-off"], "works in a lab only"),
        (["--yes", "--fault", "haproxy-kill", "--limit", "lb-1,lb-2"], "lb-3 is not selected"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    sent: list[object],
    main: Main,
    arguments: list[str],
    *,
    words: str,
) -> None:
    assert main(["-i", str(folder), *arguments]) == 2
    assert f"{words}\n" in capsys.readouterr().err
    assert sent == []


def test_cluster_that_cannot_be_reached_is_left_alone(
    capsys: pytest.CaptureFixture[str], folder: Path, sent: list[object], main: Main
) -> None:
    assert main(["-i", str(folder), "--yes", "--fault", "haproxy-kill"]) == 4
    assert "no fault was injected: every check must pass first\n" in capsys.readouterr().err
    assert sent


def test_interrupted_failover_test_ends_with_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "look", interrupted)
    assert failover_test.main(["-i", str(folder), "--yes", "--all"]) == 130
    assert "failover_test: " in capsys.readouterr().out  # what is known so far is told


def test_vip_is_moved_to_a_node(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    steps: list[str] = []

    def move_vip(_run: Run, cluster: Cluster, to: str, router: Router, *, drain: float) -> str:
        assert (router.is_first, drain) == (True, 0.5)
        steps.append(f"{cluster.name} to {to}")
        return "lb-1"

    monkeypatch.setattr(vip, "move_vip", move_vip)
    monkeypatch.setattr(Run, "look", lambda *_: steps.append("look"))
    monkeypatch.setattr(Run, "close", lambda _: steps.append("close"))
    assert cli.main(["vip", "move", "-i", str(folder), "--to", "lb-2"]) == 0
    assert cli.main(["vip", "move", "-i", str(folder), "--to", "lb-1"]) == 0
    moved, stayed = capsys.readouterr().out.splitlines()
    assert moved.endswith(" moved from lb-1 to lb-2")
    assert stayed.endswith(" is already on lb-1")
    (name,) = {step.split()[0] for step in steps} - {"look", "close"}
    assert steps == ["look", f"{name} to lb-2", "close", "look", f"{name} to lb-1", "close"]


def test_vip_that_does_not_move_is_an_error_and_every_login_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    closed = SimpleNamespace(times=0)

    def refuse(_run: Run, _cluster: Cluster, to: str, _router: Router, **_options: float) -> str:
        raise MoveError(to, "is not fit")

    def close(_run: Run) -> None:
        closed.times += 1

    monkeypatch.setattr(vip, "move_vip", refuse)
    monkeypatch.setattr(Run, "look", lambda *_: None)
    monkeypatch.setattr(Run, "close", close)
    assert cli.main(["vip", "move", "-i", str(folder), "--to", "lb-2"]) == 1
    assert capsys.readouterr() == ("", "error: lb-2: is not fit\n")
    assert closed.times == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vip"], "VERB"),
        (["vip", "move"], "--to"),
        (["vip", "moves", "--to", "lb-2"], "moves"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_move_to_nowhere_is_a_usage_error(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_move_to_a_node_that_there_is_not_sends_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path, sent: list[object]
) -> None:
    assert cli.main(["vip", "move", "-i", str(folder), "--to", "lb-9"]) == 2
    assert "error: --to: no node is called lb-9; known nodes: lb-1, lb-2, lb-3\n" in capsys.readouterr().err
    assert sent == []


def test_lab_that_is_down_is_named_and_nothing_is_sent(
    capsys: pytest.CaptureFixture[str], in_lab: Path, sent: list[object]
) -> None:
    assert cli.main(["vip", "move", "-i", str(in_lab), "--to", "lb-2"]) == 1
    assert failover_test.main(["-i", str(in_lab), "--yes", "--all"]) == 1
    assert capsys.readouterr().err.count("error: lab noneup is not up; start it with: kube-ha lab up -i ") == 2
    assert sent == []
