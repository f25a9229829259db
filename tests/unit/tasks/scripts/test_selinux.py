"""What is asked of SELinux, run under sh. Its tools are stand-ins that keep what they were told: no kernel here has it.

The tools have the words of policycoreutils; what they do on a host of Fedora or EL has not been seen by us.
"""

import os
import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.intent import CHECK_SCRIPT
from nornir_kube_ha.intent.names import CHECK_APISERVERS, HAPROXY_CFG
from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.tasks.selinux import selinux

TOOLS = ("setsebool", "restorecon", "semanage", "chcon")
LABEL = "--type keepalived_unconfined_script_exec_t"


class Host:
    """A host, as far as its tools go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for tool in TOOLS:
            self.has(tool, f'echo "{tool} $*" >>"$FAKE/told"')

    def has(self, tool: str, does: str) -> None:
        path = self.folder / tool
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def says(self, mode: str, boolean: str) -> None:
        self.has("getenforce", f"echo {mode}")
        self.has("getsebool", f"echo '$1 --> {boolean}'".replace("'", '"'))

    def told(self, call: str) -> list[str]:
        """What the tools were told by a call of the script."""
        (self.folder / "told").write_text("")
        variables = assignments(**{**selinux(), "set_here": str(self.folder / "kept/selinux")})
        path = f"{self.folder}:{os.environ['PATH']}"
        subprocess.run(
            ["sh", "-eu", "-s"],
            input=f"{variables}{load_script('selinux.sh')}{call}\n",
            env={"PATH": path, "FAKE": str(self.folder)},
            check=True,
            text=True,
        )
        return (self.folder / "told").read_text().splitlines()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = Host(tmp_path)
    found.says("Enforcing", "off")
    return found


def test_boolean_is_set_once_and_put_back_by_who_set_it(host: Host) -> None:
    assert host.told("set_boolean") == ["setsebool -P haproxy_connect_any on"]
    host.says("Enforcing", "on")
    assert host.told("set_boolean") == []
    assert host.told("forget_selinux")[-1] == "setsebool -P haproxy_connect_any off"


def test_boolean_that_others_have_set_is_theirs(host: Host) -> None:
    host.says("Enforcing", "on")
    assert host.told("set_boolean") == []
    assert not [words for words in host.told("forget_selinux") if "setsebool" in words]


def test_scripts_are_labelled_as_scripts_and_other_files_as_policy_says(host: Host) -> None:
    assert host.told(f"label {HAPROXY_CFG}") == [f"restorecon {HAPROXY_CFG}"]
    for script in (CHECK_SCRIPT, CHECK_APISERVERS):
        assert host.told(f"label {script}") == [
            f"restorecon {script}",
            f"semanage fcontext --add {LABEL} {script}",
            f"chcon {LABEL} {script}",
        ]


def test_label_that_is_known_is_set_again(host: Host) -> None:
    host.has("semanage", 'echo "semanage $*" >>"$FAKE/told"; [ "$2" != --add ]')
    words = f"{LABEL} {CHECK_SCRIPT}"
    assert host.told(f"label {CHECK_SCRIPT}")[1:3] == [
        f"semanage fcontext --add {words}",
        f"semanage fcontext --modify {words}",
    ]


def test_policy_without_that_label_ends_no_swap(host: Host) -> None:
    for tool in ("restorecon", "semanage", "chcon"):
        host.has(tool, "exit 1")
    assert host.told(f"label {CHECK_SCRIPT}; echo on >>$FAKE/told") == ["on"]


def test_small_host_without_semanage_is_labelled_anyway(host: Host) -> None:
    (host.folder / "semanage").unlink()
    assert host.told(f"label {CHECK_SCRIPT}")[-1] == f"chcon {LABEL} {CHECK_SCRIPT}"


@pytest.mark.parametrize("mode", ["Disabled", ""])
def test_where_selinux_is_off_nothing_is_asked_of_it(host: Host, mode: str) -> None:
    host.says(mode, "off")
    if not mode:
        (host.folder / "getenforce").unlink()
    assert host.told(f"set_boolean; label {CHECK_SCRIPT}; forget_selinux") == []
    assert "setenforce" not in load_script("selinux.sh")
