"""What a node tells of the VIP: holding.sh run for real under sh, only `ip` is not real; and a watch that reads it."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.tasks.stream import Stream
from nornir_kube_ha.tasks.vip_watch import VIPWatch

PATIENCE = 10.0  # seconds for what takes a few milliseconds on an idle machine
PATH = "PATH=/usr/sbin"

# The VIP is here while the file is; what the kernel says of addresses comes through a pipe.
IP = """#!/bin/sh
case "$*" in
"-oneline address show to 192.0.2.10") [ ! -e "$FAKE/holds" ] || echo "2: eth0    inet 192.0.2.10/32" ;;
"-oneline monitor address") exec cat "$FAKE/monitor" ;;
*) exit 99 ;;
esac
"""


@dataclass
class Node:
    """A node that tells of its VIP."""

    fake: Path
    process: "subprocess.Popen[bytes]"
    monitor: int

    def kernel_says(self, line: str) -> None:
        os.write(self.monitor, f"{line}\n".encode())

    def asked(self, words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{words}\n".encode())
        self.process.stdin.flush()

    def line(self) -> list[str]:
        """The words of the next line, but for its time."""
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert readable, "it tells nothing"
        moment, *words = self.process.stdout.readline().decode().split()
        assert abs(float(moment) - time.time()) < PATIENCE
        return words


def start(fake: Path, seconds_at_most: str = "60") -> Node:
    script = load_script("vip_watch.sh")
    assert PATH in script
    variables = assignments(vip="192.0.2.10", seconds_at_most=seconds_at_most)
    process = subprocess.Popen(
        ["sh", "-uc", variables + script.replace(PATH, f"PATH={fake}:/usr/sbin")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"FAKE": str(fake)},
        bufsize=0,
        start_new_session=True,  # as on a host: it ends with all that it has started
    )
    return Node(fake, process, os.open(fake / "monitor", os.O_WRONLY))


def end(node: Node) -> None:
    with suppress(ProcessLookupError):
        os.killpg(node.process.pid, signal.SIGKILL)
    os.close(node.monitor)
    for pipe in (node.process.stdin, node.process.stdout):
        if pipe:
            pipe.close()
    node.process.wait(PATIENCE)


def is_gone(group: int) -> bool:
    """Whether nothing is left of a group of processes, but for what nobody has buried yet."""
    deadline = time.monotonic() + PATIENCE
    while alive(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def alive(group: int) -> bool:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, own, *_ = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(own) == group and state != "Z":
                return True
    return False


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    (tmp_path / "ip").write_text(IP, encoding="utf-8")
    (tmp_path / "ip").chmod(0o755)
    os.mkfifo(tmp_path / "monitor")
    return tmp_path


@pytest.fixture
def node(fake: Path) -> Iterator[Node]:
    found = start(fake)
    yield found
    end(found)


def test_question_is_answered_with_what_is_there_now(node: Node) -> None:
    node.asked("1")
    assert node.line() == ["free", "1"]
    (node.fake / "holds").touch()
    node.asked("2")
    assert node.line() == ["held", "2"]


def test_changes_are_reported_unasked(node: Node) -> None:
    node.kernel_says("2: eth0    inet 192.0.2.10/32 scope global eth0\\       valid_lft forever preferred_lft forever")
    assert node.line() == ["held"]
    node.kernel_says("Deleted 2: eth0    inet 192.0.2.10/32 scope global eth0\\       valid_lft forever")
    assert node.line() == ["free"]


def test_other_addresses_are_nothing_to_tell_of(node: Node) -> None:
    others = [f"2: eth0    inet {address} scope global eth0" for address in ("192.0.2.100/24", "1192.0.2.10/32")]
    for line in others:
        node.kernel_says(line)
    node.kernel_says("Deleted 2: eth0    inet 192.0.2.10/24 scope global eth0")  # with any length of prefix
    assert node.line() == ["free"]
    for line in others:
        node.kernel_says(f"Deleted {line}")
    node.kernel_says("2: eth0    inet 192.0.2.10/24 scope global eth0")
    assert node.line() == ["held"]


def test_nothing_is_left_of_a_controller_that_is_gone(node: Node) -> None:
    node.asked("1")
    assert node.line() == ["free", "1"]
    assert node.process.stdin
    node.process.stdin.close()
    node.process.wait(PATIENCE)
    assert is_gone(node.process.pid)


def test_watch_that_everybody_forgot_ends_by_itself(fake: Path) -> None:
    node = start(fake, seconds_at_most="0.1")
    try:
        node.process.wait(PATIENCE)  # though its input is open
        assert is_gone(node.process.pid)
    finally:
        end(node)


class Pipe(Stream):
    """A stream of a process on this machine, that says something else first."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def write(self, data: bytes) -> None:
        assert self._node.process.stdin
        self._node.process.stdin.write(data)

    def lines(self) -> Iterator[str]:
        yield from ("Welcome to lb-1!", "", "12 held", "1.5 held 7 times")
        assert self._node.process.stdout
        while line := self._node.process.stdout.readline():
            yield line.decode().removesuffix("\n")

    def close(self) -> None:
        assert self._node.process.stdin
        self._node.process.stdin.close()


def test_watch_reads_the_script_s_reports_and_nothing_else(node: Node) -> None:
    (node.fake / "holds").touch()
    before = time.monotonic()
    watch = VIPWatch("lb-1", Pipe(node))
    assert watch.ask(timeout=PATIENCE)
    ((moment, held),) = watch.told
    assert held
    assert before <= moment <= time.monotonic()
    watch.close()
