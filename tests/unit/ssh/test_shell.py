"""The shell that becomes root, with a sudo that reads its input as the real one does. tests/lab has the real one."""

import os
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from nornir_kube_ha.ssh.script import whole
from nornir_kube_ha.ssh.shell import ROOT, Completed, Shell, sudo

PASSWORD = 'it\'s $(reboot) \\n "quoted" '
SUDO = """\
#!/usr/bin/env python3
import os, pathlib, sys
home = pathlib.Path(__file__).parent
with (home / "asked").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
wants = (home / "wants").read_text() if (home / "wants").exists() else None
def line():
    got = b""
    while (byte := os.read(0, 1)) not in (b"", b"\\n"):
        got += byte
    return got.decode() if byte or got else None
if wants is not None:
    if "-n" in sys.argv:
        sys.exit("sudo: a password is required")
    for tries in range(3):
        if (word := line()) is None:
            sys.exit(f"sudo: {tries} incorrect password attempt")
        if word == wants:
            break
        print("Sorry, try again.", file=sys.stderr)
        with (home / "wrong").open("a") as log:
            log.write(word + "\\n")
    else:
        sys.exit("sudo: 3 incorrect password attempts")
command = sys.argv[sys.argv.index("--") + 1 :]
os.execvp(command[0], command)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where that sudo is."""
    (tmp_path / "sudo").write_text(SUDO)
    (tmp_path / "sudo").chmod(0o755)
    return tmp_path


def run(shell: Shell, script: str, path: Path, login_shell: str = "sh") -> Completed:
    done = subprocess.run(
        [login_shell, "-c", shell.command],
        input=f"{shell.before}{whole(script)}".encode(),
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    return Completed(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("wants", [None, PASSWORD], ids=["nothing", "password"])
@pytest.mark.parametrize("login_shell", ["sh", "bash"])
def test_script_runs_whether_sudo_asks_or_not(path: Path, wants: str | None, login_shell: str) -> None:
    if wants is not None:
        (path / "wants").write_text(wants)
    shell = sudo(SecretStr(PASSWORD))
    text = "out\n" * 5000
    done = run(shell, f"cat <<'END'\n{text}END\necho err >&2\nexit 3", path, login_shell)
    assert done == Completed(3, text, "err\n")
    assert shell.refusal(done) is None
    assert not (path / "wrong").exists()


def test_script_runs_where_sudo_needs_no_password(path: Path) -> None:
    shell = sudo(None)
    assert run(shell, "echo out; exit 4", path) == Completed(4, "out\n", "")


def test_password_is_in_no_command(path: Path) -> None:
    (path / "wants").write_text(PASSWORD)
    shell = sudo(SecretStr(PASSWORD))
    run(shell, "true", path)
    assert PASSWORD not in f"{shell.command} {(path / 'asked').read_text()}"


def test_wrong_password_is_tried_once_and_the_script_is_no_further_try(path: Path) -> None:
    (path / "wants").write_text("another")
    shell = sudo(SecretStr(PASSWORD))
    done = run(shell, f"touch {path}/done", path)
    assert shell.refusal(done) == "Sorry, try again. sudo: 1 incorrect password attempt"
    assert (path / "wrong").read_text() == f"{PASSWORD}\n"
    assert not (path / "done").exists()


def test_password_that_is_not_known_is_a_refusal(path: Path) -> None:
    (path / "wants").write_text("another")
    shell = sudo(None)
    done = run(shell, f"touch {path}/done", path)
    assert shell.refusal(done) == "sudo: a password is required"
    assert not (path / "done").exists()


@pytest.mark.parametrize("shell", [ROOT, sudo(None), sudo(SecretStr(PASSWORD))], ids=["root", "none", "password"])
def test_failure_of_a_script_is_no_refusal(shell: Shell) -> None:
    assert shell.refusal(Completed(97, "", "no such file\n")) is None
    assert shell.refusal(Completed(1, "", f"{shell.mark}\n")) is None
