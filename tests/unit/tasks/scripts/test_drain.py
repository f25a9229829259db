"""What drain.sh does on a host whose disk does not take a note of it."""

import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.ssh.script import assignments, load_script

STAND_INS = {"systemctl": "", "systemd-run": "", "timeout": 'cat >>"{told}"'}
"""Programs of the host that only seem to be there; haproxy is asked through `timeout`."""


@pytest.mark.parametrize("is_writable", [True, False])
def test_drain_that_cannot_be_noted_is_not_made(tmp_path: Path, *, is_writable: bool) -> None:
    """A reload would end it: haproxy begins with all apiservers ready."""
    parent, told = tmp_path / "run", tmp_path / "told"
    parent.mkdir() if is_writable else parent.touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{body.format(told=told)}\n")
        (programs / name).chmod(0o755)
    variables = assignments(
        server="lb-2",
        haproxy_socket="/none",
        listener="kube-apiserver",
        last_resort="last-resort",
        drained=str(parent / "drained"),
        seconds_to_last="60",
    )
    script = f"{variables}{load_script('drain.sh')}drain\n".replace("PATH=/usr/sbin", f"PATH={programs}:/usr/sbin")
    done = subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, told.exists()) == (is_writable, is_writable), done.stderr
    assert ("cannot record the drain in" in done.stderr) is not is_writable
