"""What somebody else has left where a host keeps its earlier files: named, passed over, and in nobody's way."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.lab import ROOT
from tests.support.world import World

from nornir_kube_ha.cli.lists.generations import list_generations
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.planning.generations import Generation, last_good, parse_generations
from nornir_kube_ha.ssh.script import assignments, load_script

NONCE = "0123456789abcdef"
GOOD = "1700000000 good 0123456789ab root@noc-1"
SPOILED = {
    "000003.bak": GOOD,
    "000004": "",
    "000005": "\x1b[31mgarbage\x1b]0;mine\x07",
    "000006": f"{10**30} good 0123456789ab root@noc-1",
    "000007": f"{GOOD} and more\nof it",
    "000008": "x" * 1_000_000,
    "a b": GOOD,
    "lost+found": GOOD,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two that are ours, and what is not."""
    for name, about in {"000001": GOOD, **SPOILED, "000009": GOOD}.items():
        (tmp_path / "generations" / name / "files").mkdir(parents=True)
        (tmp_path / "generations" / name / "about").write_text(about)
    (tmp_path / "generations" / "000010").mkdir()  # neither `about` nor files
    (tmp_path / "generations" / "a file").write_text("")
    (tmp_path / "live").write_text("as it is now\n")
    return tmp_path


def run(folder: Path, call: str) -> subprocess.CompletedProcess[str]:
    script = assignments(nonce=NONCE, managed=f"{folder}/live", keep="5", about="now root@noc-1")
    parts = ("section.sh", "generations.sh", "keep.sh")
    script += "".join(map(load_script, parts)).replace("/var/lib/kube-ha", str(folder)) + f"REPLACED=\n{call}\n"
    return subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.field_report("G4")
def test_nodes_are_read_and_other_hosts_are_named(folder: Path) -> None:
    found = parse_generations(run(folder, "list_generations").stdout, NONCE)
    assert [each.number for each in found if not each.trouble] == [1, 9]
    spoiled = [each for each in found if each.trouble]
    assert len(spoiled) == len(SPOILED) + 2
    for name in (*SPOILED, "000010", "a file"):
        assert any(f"/generations/{name.split()[0]}" in f"{each}" for each in spoiled), name
    assert all("cannot read " in f"{each}" and ", skipped: " in f"{each}" and len(f"{each}") < 500 for each in spoiled)
    good = last_good(found)
    assert good is not None
    assert good.number == 9


@pytest.mark.field_report("G4")
def test_the_next_generation_is_kept_and_no_foreign_folder_is_deleted(folder: Path) -> None:
    completed = run(folder, "keep_generation && echo kept")
    assert completed.stdout == "kept\n", completed.stderr
    names = {path.name for path in (folder / "generations").iterdir()}
    assert "000011" in names
    assert {"000003.bak", "a b", "lost+found", "a file"} <= names
    assert len([name for name in names if name.isdigit()]) == 5


@pytest.mark.field_report(
    "G5",
    "found by trial",
    "the guide keeps no earlier files",
    "what a host says of them is shown without control characters",
)
def test_list_drives_no_terminal(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"@{NONCE} generation 000005 \x1b[31mgarbage\x1b]0;mine\x07 other\n\n@{NONCE} end\n"
    evil = parse_generations(f"\n@{NONCE} generation 000001 1 good run \x1b[31mroot\x9b2J other\n{text}", NONCE)
    assert [bool(each.trouble) for each in evil] == [False, True]

    def kept(_self: Run, _task: object, hosts: list[str]) -> dict[str, tuple[Generation, ...]]:
        return dict.fromkeys(hosts, evil)

    monkeypatch.setattr(Run, "each_or_stop", kept)
    list_generations(run_of("rollback"), allow_unreachable=False)
    out = capsys.readouterr().out
    assert "root" in out
    assert [char for char in out if not char.isprintable() and char != "\n"] == []
    assert world.steps


def test_nothing_writes_to_stdout_but_reports_and_the_door() -> None:
    folder = ROOT / "runbooks"
    writers = {path.name for path in folder.glob("*.py") if "sys.stdout.write(" in path.read_text()}
    assert writers <= {"showing.py", "cli.py", "command.py", "options.py", "checks.py", "lab.py"}
