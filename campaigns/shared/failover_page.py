"""Write the tables of docs/failover.md from the kept trials of a campaign."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from campaigns.shared.record import ROOT, record

from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.probe.settings import FINISHED
from nornir_kube_ha.failover.statistics import Statistics

PAGE = ROOT / "docs" / "failover.md"
LONG = (
    "python -m campaigns failover --hold 10m --rate 5 --connections 2 --repeat 20 --labs 7 "
    "--fault apiservers-gone --fault vrrp-loss"
)
SECTIONS = {
    "ours": ("Measured, with the defaults", "python -m campaigns failover --labs 2"),
    "ours-10m": (
        "Measured, faults of ten minutes",
        LONG,
    ),
    "fast": ("Measured, with `timers: fast`", "python -m campaigns failover --labs 2 --settings fast"),
}
"""Title and command, by the name that trials are kept under."""
THROUGH_API = {
    "real": ("Through a real control plane", "python -m campaigns failover --settings real --repeat 30"),
    "guide-real-25s": (
        "Through a real control plane, with the guide's settings",
        "python -m campaigns failover --settings guide-real --hold 25s --repeat 10",
    ),
}
"""The same for trials with a real control plane."""
GUIDE = (
    "python -m campaigns failover --settings guide --settings ours --hold 25s --repeat 5 --labs 2 "
    "--fault haproxy-stop --fault haproxy-kill --fault haproxy-hang --fault keepalived-stop --fault keepalived-kill "
    "--fault link-down --fault node-off --fault apiserver-hang --fault apiserver-error"
)
CHECKS = {
    "fall 2": "real",
    "fall 1": "real-fall-1",
    "fall 3": "real-fall-3",
    "fastinter 1s": "real-fastinter-1s",
    "timeout check 2s": "real-check-2s",
}
"""Trials with other health checks of apiservers, the defaults first."""
CHECKED = (
    "python -m campaigns failover --settings real-fall-1 --settings real-fall-3 --settings real-fastinter-1s "
    "--settings real-check-2s --repeat 6 --fault apiserver-hang --fault apiserver-error --fault etcd-leader-kill"
)
BESIDE = {"guide": "guide-real-25s", "before": "real-before", "now": "real"}
"""Trials with the guide's settings, from before clients were notified of moves, and from now."""

KINDS = {"read": "gap", "cached": "gap", "write": "gap", "watch": "silence"}
"""What clients of the API wait for, and the name of the figure that measures it."""

Row = dict[str, Any]


def write_page(folder: Path) -> None:
    """Write the tables that have trials.

    Arguments:
        folder: holds `SETTINGS/FAULT.jsonl`, a trial a line
    """
    for under, (title, command) in SECTIONS.items():
        if trials := _trials(folder / under):
            record(title, command, _table(trials, "fast" if under == "fast" else "default"), PAGE)
    for under, (title, command) in THROUGH_API.items():
        if trials := _trials(folder / under):
            record(title, command, _api_table(trials), PAGE)
    beside = {words: _trials(folder / under) for words, under in BESIDE.items()}
    if all(beside.values()):
        record("Told and not told", THROUGH_API["real"][1], _beside(beside), PAGE)
    checks = {words: _trials(folder / under) for words, under in CHECKS.items()}
    if all(checks.values()):
        record("Other health checks of apiservers", CHECKED, _checks(checks), PAGE)
    guide, ours = (_trials(folder / under) for under in ("guide-25s", "ours-25s"))
    if guide and ours:
        record("Beside the guide's settings", GUIDE, _ratios(guide, ours), PAGE)


def _trials(folder: Path) -> dict[str, list[Row]]:
    """Return trials by the fault's name, in the order of the table of faults."""
    found = {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in folder.glob("*.jsonl")}
    return {name: found[name] for name in FAULTS if name in found}


def _table(trials: dict[str, list[Row]], timers: str) -> Iterator[str]:
    yield "Seconds: median / 99th percentile / longest. Long-lived connections send a request every 0.2 s: no shorter"
    yield "outage shows."
    yield ""
    yield from _head(
        "fault",
        "trials",
        "outage new",
        "long-lived",
        "failed, begun after it",
        "two holders; in all",
        "limit",
        "verdict",
    )
    for name, rows in trials.items():
        done = [row for row in rows if row["outcome"] in {"passed", "missed"}]
        limit = FAULTS[name].limit_of(timers)
        cells = [
            f"`{name}`",
            str(len(rows)),
            _spread(row["new"]["seconds"] for row in done),
            _spread(row["reused"]["seconds"] for row in done),
            f"{sum(row['new']['failed'] - row['new']['cut'] for row in done)}",
            f"{_spread(row['two_holders'] for row in done)}; {sum(row['two_holders'] for row in done):.2f}",
            limit.words,
            _verdict(rows),
        ]
        yield f"| {' | '.join(cells)} |"


def _api_table(trials: dict[str, list[Row]]) -> Iterator[str]:
    yield "Seconds: median / 99th percentile / longest. `read`, `cached` (read), `write`: until a new one is answered;"
    yield "`watch`: until it hears of a write. A client gives up after 10 s. In brackets: trials that missed a limit."
    yield ""
    yield from _head("fault", "trials", "address", *KINDS, "failed reads and writes", "watches ended")
    lost = missed = count = 0
    for name, rows in trials.items():
        seen = [row["api"] for row in rows if row["api"]]
        found = [row["api"] for row in rows if row["outcome"] in {"passed", "missed"} and row["api"]]
        lost += sum(api["lost"] for api in seen)
        missed += sum(api["missed"] for api in seen)
        count += len(seen)
        limit = FAULTS[name].limit.api
        cells = [
            f"`{name}`",
            str(len(found)),
            _spread(api["address"]["gap"] for api in found),
            *(_held(found, kind, getattr(limit, kind)) for kind in KINDS),
            _of(found, limit.failed),
            _ends(found, limit.cuts),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Acknowledged writes lost: **{lost}**; events missed: **{missed}**, in {count} trials."


def _beside(trials: dict[str, dict[str, list[Row]]]) -> Iterator[str]:
    yield "Seconds until a watch hears again, and until a read is answered: median / 99th percentile / longest, and how"
    yield "many trials."
    yield ""
    kinds = ("watch", "read")
    yield from _head("fault", *(f"{kind}, {words}" for kind in kinds for words in trials))
    for name in trials["now"]:
        if any(name in found for words, found in trials.items() if words != "now"):
            cells = (_waits(found.get(name, []), kind) for kind in kinds for found in trials.values())
            yield f"| `{name}` | {' | '.join(cells)} |"


def _checks(trials: dict[str, dict[str, list[Row]]]) -> Iterator[str]:
    yield "Seconds: median / 99th percentile / longest, and how many trials. The first row of a fault has the defaults."
    yield ""
    yield from _head("fault", "health checks", "read", "write", "watch", "failed reads and writes", "watches ended")
    for name in FAULTS:
        if all(name in found for found in trials.values()):
            for words, found in trials.items():
                apis = [row["api"] for row in found[name] if row["outcome"] in {"passed", "missed"} and row["api"]]
                waits = (_waits(found[name], kind) for kind in ("read", "write", "watch"))
                yield f"| `{name}` | {words} | {' | '.join(waits)} | {_of(apis, None)} | {_ends(apis, None)} |"


def _waits(rows: list[Row], kind: str) -> str:
    waits = [row["api"][kind][KINDS[kind]] for row in rows if row["outcome"] in {"passed", "missed"} and row["api"]]
    return f"{_spread(waits)} ({len(waits)})" if waits else "-"


def _held(rows: list[Row], kind: str, limit: float | None) -> str:
    waits = [_seconds(row[kind][KINDS[kind]]) for row in rows if kind in row]  # older trials have no cached reads
    over = sum(limit is not None and wait > limit for wait in waits)
    return f"{_spread(waits)}{f' ({over} over {limit:g})' if over else ''}"


def _of(rows: list[Row], limit: int | None) -> str:
    failed = sum(row[kind]["failed"] for row in rows for kind in ("read", "write"))
    total = sum(row[kind]["total"] for row in rows for kind in ("read", "write"))
    return f"{failed} of {total}{' (none allowed)' if limit == 0 and failed else ''}"


def _ends(rows: list[Row], limit: int | None) -> str:
    ended: Counter[str] = Counter()
    for row in rows:
        ended.update(row["watch"]["ended"])
    words = ", ".join(f"{count} {how}" for how, count in sorted(ended.items())) or "0"
    return f"{words}{' (none may be cut)' if limit == 0 and ended.keys() - {FINISHED} else ''}"


def _head(*titles: str) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|---" * len(titles) + "|"


def _verdict(rows: list[Row]) -> str:
    others = {
        outcome: sum(row["outcome"] == outcome for row in rows) for outcome in dict.fromkeys(r["outcome"] for r in rows)
    }
    passed = others.pop("passed", 0)
    words = [f"{count} {outcome}: {_why(rows, outcome)}" for outcome, count in others.items()]
    return "; ".join([f"{passed} passed", *words]) if words else "all passed"


def _why(rows: list[Row], outcome: str) -> str:
    first = next(row for row in rows if row["outcome"] == outcome)
    return "; ".join([*first["exceeded"], first["words"]]).strip("; ")


def _seconds(value: float | None) -> float:
    return FOREVER if value is None else value


def _spread(values: Iterable[float | None]) -> str:
    seen = [_seconds(value) for value in values]
    if not seen:
        return "-"
    found = Statistics.of(seen)
    return " / ".join(_shown(value) for value in (found.median, found.p99, found.maximum))


def _shown(value: float) -> str:
    return "no end" if value == FOREVER else f"{value:.2f}"


def _ratios(guide: dict[str, list[Row]], ours: dict[str, list[Row]]) -> Iterator[str]:
    yield "Median outage of new connections in seconds, in one run. A fault lasts 25 s here: `no end` is an outage that"
    yield "lasted as long as the fault."
    yield ""
    yield from _head("fault", "trials", "guide", "ours", "ours / guide", "two holders, guide", "two holders, ours")
    for name, rows in guide.items():
        mine = ours.get(name, [])
        theirs, own = (Statistics.of(_seconds(row["new"]["seconds"]) for row in each) for each in (rows, mine))
        ratio = "0" if theirs.median == FOREVER else f"{own.median / theirs.median:.3f}" if theirs.median else "-"
        two = (Statistics.of(row["two_holders"] for row in each).median for each in (rows, mine))
        cells = [
            f"`{name}`",
            f"{len(rows)}, {len(mine)}",
            _shown(theirs.median),
            _shown(own.median),
            ratio,
            *map(_shown, two),
        ]
        yield f"| {' | '.join(cells)} |"
