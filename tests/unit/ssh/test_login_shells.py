"""Commands for the login's own shell, whichever that is: a csh takes no newline in quotes, and no `2>&1`."""

import subprocess

import pytest
from pydantic import SecretStr

from nornir_kube_ha.ssh.shell import ROOT, sudo
from nornir_kube_ha.tasks.stream import piped
from nornir_kube_ha.trials.client_channel import remote_command

SCRIPT = '# it\'s a "script" of several lines!\necho begun\nwhile read -r line; do echo "told $line"; done\n'
COMMANDS = {
    "a watch": piped(SCRIPT)[0],
    "a client": remote_command(),
    "root": ROOT.command,
    "sudo": sudo(None).command,
    "sudo with a password": sudo(SecretStr("only-for-the-lab")).command,
}


@pytest.mark.field_report(
    "G8",
    "ansible#13882",
    "the guide types into whatever shell there is",
    "watch and client start in any login shell, and what the shell complains of is in the error",
)
@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_one_line_that_every_shell_reads_alike(name: str) -> None:
    outside, inside = COMMANDS[name].split("'")[::2], COMMANDS[name].split("'")[1::2]
    assert "\n" not in COMMANDS[name]
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz -/") for word in outside)
    assert len(outside) == len(inside) + 1  # each quote is closed
    assert all("!" not in word.replace("!= ", "") for word in inside)  # csh leaves `!=` alone
    assert len(COMMANDS[name]) < 1000  # old ones take no longer words


def test_piped_script_hears_what_comes_after_it() -> None:
    command, first = piped(SCRIPT)
    told = first + b"1\n2\n"
    done = subprocess.run(["sh", "-c", command], input=told, capture_output=True, check=True, timeout=10)
    assert done.stdout.decode() == "begun\ntold 1\ntold 2\n"
