"""Write measurements as sections of docs/performance.md. Each run replaces its own sections."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from textwrap import fill

from benchmarks.contestants import CONTESTANTS
from benchmarks.jobs import Job
from benchmarks.measuring import Taken
from benchmarks.trials import Trial
from campaigns.shared.record import ROOT, record

PAGE = ROOT / "docs" / "performance.md"
MACHINE = "The machine and the contestants"
SHARED = "The controller and the hosts share it: work on the hosts competes with the contestant for the processors."


def record_machine(command: str) -> None:
    """Write the section about the machine and the contestants.

    Arguments:
        command: the command that repeats the measurement
    """
    [total] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:")]
    memory = int(total.split()[1]) / 1024**2
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB of memory, Linux {platform.release()}"
    lines = [
        f"{machine}. {SHARED}",
        *(f"**{each.name}** ({each.version()}): {each.words}" for each in CONTESTANTS),
    ]
    record(MACHINE, command, [fill(f"* {line}", 120, subsequent_indent="  ") for line in lines], PAGE)


def record_job(job: Job, hosts: int, trials: Sequence[Trial], command: str) -> None:
    """Write a job's table.

    Arguments:
        job: the job that was done
        hosts: number of hosts
        trials: all trials of the job
        command: the command that repeats the measurement
    """
    head = ("contestant", "wall, s", "÷ floor", "÷ ours", "CPU, s", "÷ floor", "÷ ours", "memory, MB")
    lines = [
        job.words,
        "",
        _row(*head, "logins a host", "sessions a host", "right"),
        _row(*["---"] * (len(head) + 3)),
        *_rows(trials),
    ]
    record(f"{job.value}, {hosts} hosts", command, lines, PAGE)


def _rows(trials: Sequence[Trial]) -> Iterator[str]:
    turns = {each: [trial for trial in trials if trial.contestant is each] for each in CONTESTANTS}
    right = {each: [trial for trial in own if not trial.wrong] for each, own in turns.items() if own}
    floor = next((own for each, own in right.items() if each.is_floor), [])
    ours = next((own for each, own in right.items() if each.name == "ours"), [])
    for contestant, own in right.items():
        cells = [contestant.name]
        for what in ("seconds", "cpu"):
            cells += [_number(_median(own, what)), _ratio(own, floor, what), _ratio(own, ours, what)]
        cells += [f"{_median(own, 'memory'):.0f}" if own else "-"]
        cells += [
            f"{median(getattr(each, count) for each in own):g}" if own else "-" for count in ("logins", "sessions")
        ]
        yield _row(*cells, f"{len(own)} of {len(turns[contestant])}")


def record_starting(taken: Mapping[str, Sequence[Taken]], command: str) -> None:
    """Write the cost of starting, also as multiples of the first.

    Arguments:
        taken: measurements, by what was started
        command: the command that repeats the measurement
    """
    head = ("what", "wall, s", "÷ first", "CPU, s", "÷ first", "memory, MB")
    first, *_ = taken.values()
    lines = [_row(*head), _row(*["---"] * len(head))]
    for words, own in taken.items():
        cells = [words]
        for what in ("seconds", "cpu"):
            middle = _middle(own, what)
            cells += [_number(middle), f"{middle / _middle(first, what):.3g}"]
        lines.append(_row(*cells, f"{_middle(own, 'memory'):.0f}"))
    record("Starting", command, lines, PAGE)


def _ratio(own: Sequence[Trial], other: Sequence[Trial], what: str) -> str:
    return f"{_median(own, what) / _median(other, what):.3g}" if own and other else "-"


def _median(trials: Sequence[Trial], what: str) -> float:
    return _middle([trial.taken for trial in trials], what)


def _middle(taken: Iterable[Taken], what: str) -> float:
    values = [getattr(each, what) for each in taken]
    return float(median(values)) if values else float("nan")


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"  # noqa: PLR0124 - not a number


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
