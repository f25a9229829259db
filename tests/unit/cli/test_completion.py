"""Completion scripts: bash completes with its own; those for zsh and fish are held to what they must know."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nornir_kube_ha.checks import CHECKS
from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.options.setup import SHELLS
from nornir_kube_ha.failover.faults import FAULTS

COMPLETE = """
. "$1"
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p kube-ha | sed -E 's/.*-F ([^ ]+) .*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture
def bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "kube-ha.bash"
    file.write_text(script("bash", capsys))
    return file


def completed(bash: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    code = COMPLETE.format(words=shlex.join(["kube-ha", *words]))
    done = subprocess.run(
        ["bash", "--norc", "-c", code, "bash", str(bash)], cwd=bash.parent, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dep"], {"deploy"}),
        (["vip", ""], {"move"}),
        (["vip", "move", "--a"], {"--allow-unreachable"}),
        (["deploy", "--on-failure", ""], {"rollback-host", "rollback-all", "stop"}),
        (["verify", "--output", "j"], {"json", "junit"}),
        (["verify", "--check", "vip.single"], {"vip.single_holder"}),
        (["failover-test", "--fault", "haproxy-k"], {"haproxy-kill"}),
        (["completion", ""], {*SHELLS}),
        (["schema", "g"], {"groups"}),
        (["verify", "-i", "kube-"], {"kube-ha.bash"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bash_completes(bash: Path, words: list[str], offered: set[str]) -> None:
    assert {*completed(bash, *words)} == offered


def test_check_of_a_deploy_takes_no_value(bash: Path) -> None:
    assert not CHECKS.keys() & {*completed(bash, "deploy", "--check", "")}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_knows_every_command_option_check_and_fault(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    text = script(shell, capsys)
    for word in ("deploy", "failover-test", "dry-run", "allow-unreachable", "enroll", *CHECKS, *FAULTS):
        assert word in text, word


def test_shtab_is_imported_for_nothing_else() -> None:
    code = "import sys; from nornir_kube_ha.cli.main import make_parser as make; make().format_help(); "
    code += "print('shtab' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_shell_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["completion", "bsh"])
    assert caught.value.code == 2
    assert "did you mean bash?" in capsys.readouterr().err
