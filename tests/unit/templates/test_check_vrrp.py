"""What keepalived's script does that mends VRRP sockets, run for real under sh: only `ip` and systemd are not real."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from nornir.core import Nornir

from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import CHECK_VRRP, CHECKED_FILE, VRRP_DEAF_FILE

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
SOCKET = " 171: 0B0200C0:{:04X} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 62952 2 0 0\n"
IP = '#!/bin/sh\n[ "$*" = "-oneline address show to 192.0.2.11" ] && exec cat "$FAKE/address"\n'
SYSTEMCTL = '#!/bin/sh\necho "$*" >>"$FAKE/told"\n'
ADDRESS = "2: eth0    inet 192.0.2.11/24 scope global eth0\n"


@dataclass(frozen=True, slots=True)
class Host:
    """A host on which the script runs."""

    folder: Path
    script: str

    def has(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def speaks(self, *protocols: int) -> None:
        self.has("raw", HEAD + "".join(SOCKET.format(each) for each in protocols))

    def run(self, times: int = 1) -> list[int]:
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE": str(self.folder)}
        command = ["sh", "-c", self.script]
        return [subprocess.run(command, env=environment, check=False, timeout=10).returncode for _ in range(times)]

    @property
    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def host(
    nornir_of: Callable[..., Nornir], render: Callable[..., dict[str, dict[str, ConfigFile]]], tmp_path: Path
) -> Host:
    """A node that has its address and speaks VRRP."""
    (tmp_path / "bin").mkdir()
    for name, text in (("ip", IP), ("systemctl", SYSTEMCTL)):
        (tmp_path / "bin" / name).write_text(text, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    script = render(nornir_of())["lb-1"][CHECK_VRRP].content.replace("/proc/net/raw", f"{tmp_path}/raw")
    script = script.replace(VRRP_DEAF_FILE, f"{tmp_path}/deaf").replace(CHECKED_FILE, f"{tmp_path}/checked")
    made = Host(tmp_path, script)
    made.has("address", ADDRESS)
    made.speaks(112)
    return made


def test_node_that_speaks_vrrp_is_left_alone(host: Host) -> None:
    host.speaks(1, 112)
    assert host.run(5) == [0] * 5
    assert (host.told, (host.folder / "checked").exists()) == ([], True)


@pytest.mark.field_report("D1")
def test_deaf_keepalived_is_reloaded_twice_restarted_once_and_then_left_alone(host: Host) -> None:
    host.speaks(1)  # ping's
    assert host.run(2) == [0, 0]
    assert host.told == []
    host.run(100)
    assert host.told == [*["--no-block reload keepalived"] * 2, "--no-block restart keepalived"]
    host.speaks(112)
    host.run()
    host.speaks()
    host.run(3)
    assert host.told[3:] == ["--no-block reload keepalived"]  # of another time


@pytest.mark.field_report("D2")
def test_node_without_its_address_fails_and_is_not_reloaded(host: Host) -> None:
    host.has("address", "")
    host.speaks()
    assert host.run(5) == [1] * 5
    assert host.told == []


@pytest.mark.parametrize("missing", ["address", "raw"])
def test_what_cannot_be_seen_changes_nothing(host: Host, missing: str) -> None:
    (host.folder / missing).unlink()
    assert (host.run(5), host.told) == ([0] * 5, [])


def test_address_that_may_be_anothers_is_waited_for(host: Host) -> None:
    host.has("address", ADDRESS.replace("global", "global tentative"))
    host.speaks()
    assert (host.run(5), host.told) == ([0] * 5, [])


def test_folder_that_cannot_be_written_to_ends_nothing(host: Host) -> None:
    (host.folder / "checked").mkdir()
    host.speaks()
    host.run(3)
    assert host.told == ["--no-block reload keepalived"]
