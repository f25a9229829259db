"""interface.sh: `auto` becomes the interface that has the address, on the host itself."""

import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.ssh.script import Script, load_script, whole
from nornir_kube_ha.tasks import facts, former, services

ONE = "2: eth0    inet 192.0.2.11/24 scope global eth0"
MANY = f"{ONE}\n3: eth1    inet 192.0.2.11/24 scope global eth1"
TWICE = f"{ONE}\n2: eth0    inet 192.0.2.11/32 scope global eth0"


def interface(tmp_path: Path, given: str, shown: str) -> str:
    """What INTERFACE is after the script, where `ip` shows this."""
    (tmp_path / "ip").write_text(
        f"#!/bin/sh\n[ \"$*\" = '-oneline address show to 192.0.2.11' ] || exit 1\ncat {tmp_path}/shown\n"
    )
    (tmp_path / "ip").chmod(0o755)
    (tmp_path / "shown").write_text(f"{shown}\n" if shown else "")
    script = load_script("interface.sh").replace("PATH=/usr/sbin:", f"PATH={tmp_path}:/usr/sbin:")
    text = whole(f"INTERFACE='{given}' ADDRESS=192.0.2.11\n{script}\necho \"$INTERFACE\"")
    return subprocess.run(["sh", "-s"], input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("given", "shown", "found"),
    [
        ("auto", ONE, "eth0"),
        ("auto", TWICE, "eth0"),
        ("auto", MANY, "auto"),
        ("auto", "", "auto"),
        ("ens18", ONE, "ens18"),
    ],
)
def test_interface(tmp_path: Path, given: str, shown: str, found: str) -> None:
    assert interface(tmp_path, given, shown) == f"{found}\n"


@pytest.mark.parametrize("script", [facts.LOOK, former.ASK, services.CHANGE])
def test_scripts_that_need_the_interface_find_it_first(script: Script) -> None:
    assert script.parts[0] == "interface.sh"
    assert {"interface", "address"} <= {*script.inputs.split()}
