"""Measure wall time, processor time and memory of a command and of all its processes."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nornir_kube_ha.lab.machine import cgroup
from nornir_kube_ha.lab.network import NETNS, control_namespace

LONGEST = 3600  # seconds until a command is ended
SHORTEST_PAUSE = 0.01  # seconds between two samples of the memory
SHARE = 50  # sampling takes at most one part in so many of the time
# Joins the cgroup and the lab's network before it becomes the command, so that none of its processes is outside.
_BEGIN = 'echo $$ >"$1"; namespace=$2; shift 2; exec nsenter --net="$namespace" -- "$@"'
_PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took.

    Arguments:
        status: exit status
        output: stdout and stderr
        seconds: from before its start until after its end
        cpu: seconds of user and system time of all its processes, also of those that it left behind
        memory: MB, the most that all processes had at once; shared memory counts once
    """

    status: int
    output: str
    seconds: float
    cpu: float
    memory: float


def take(command: list[str], folder: Path, lab: str | None = None) -> Taken:
    """Run a command and measure it. What it leaves running is ended.

    Arguments:
        command: the command and its arguments
        folder: the command's working folder and home; the output is left there too
        lab: run in this lab's control namespace; None: in the machine's own
    """
    namespace = str(NETNS / control_namespace(lab)) if lab else "/proc/self/ns/net"
    output = folder / "output"
    with _own_cgroup() as group:
        begin = ["sh", "-c", _BEGIN, "sh", str(group / "cgroup.procs"), namespace, *command]
        environment = _PLAIN | {"HOME": str(folder)}
        with output.open("wb") as stream, _Watch(group) as watch:
            begun = time.monotonic()
            status = subprocess.call(
                begin,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            seconds = time.monotonic() - begun
        cpu = _cpu(group)
    return Taken(status, output.read_text(errors="replace"), seconds, cpu, watch.most)


@contextmanager
def _own_cgroup() -> Iterator[Path]:
    group = cgroup.hierarchy() / f"kube-ha-bench-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        cgroup.end(group)


def _cpu(group: Path) -> float:
    [usage] = [line for line in (group / "cpu.stat").read_text().splitlines() if line.startswith("usage_usec ")]
    return int(usage.split()[1]) / 1e6


class _Watch:
    """Samples the memory of a cgroup's processes during the block, and kills them after an hour.

    Arguments:
        group: the cgroup
    """

    def __init__(self, group: Path) -> None:
        self.most = 0.0
        self._group = group
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        begun, pause = time.monotonic(), 0.0
        while not self._ended.wait(pause):
            before = time.monotonic()
            self.most = max(self.most, sum(map(_share_of, cgroup.processes(self._group))) / 1024)
            pause = max(SHORTEST_PAUSE, SHARE * (time.monotonic() - before))
            if before - begun > LONGEST:
                (self._group / "cgroup.kill").write_text("1")


def _share_of(process: int) -> int:
    """Return the memory of a process in KB, with its part of shared memory (PSS)."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0
