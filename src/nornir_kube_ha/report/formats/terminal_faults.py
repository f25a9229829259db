"""The faults in the terminal report: a table or, if it is too wide, a few lines for each fault."""

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report.api_costs import NOT_MEASURED, api_rows, lacks_api, limit_words
from nornir_kube_ha.report.fault_costs import OUTCOME_STATUSES, Cost, cost_of, problems_of
from nornir_kube_ha.report.formats.terminal_style import STYLES, plain_table, styled
from nornir_kube_ha.report.words import NO_END, NONE, in_words, verdict
from nornir_kube_ha.text import indented, one_line

ANY_WIDTH = 10_000  # characters, to measure the width that a table wants


def print_faults(faults: Sequence[FaultReport], console: Console) -> Iterator[RenderableType]:
    """Yield an overview of the faults, and then each problem.

    Arguments:
        faults: the report's faults
        console: where they will be printed
    """
    yield Text("faults", style="bold")
    tables = (_table(faults, tall=tall) for tall in (False, True))
    table = next((table for table in tables if _wanted(table, console) <= console.width), None)
    yield from [table] if table else map(_block, faults)
    yield Text()
    measured = [fault for fault in faults if fault.api_costs]
    if measured:
        yield Text("longest wait of Kubernetes API clients for an answer, and of watches for an event", style="bold")
        api = _api_table(measured)
        yield from [api] if _wanted(api, console) <= console.width else map(_api_block, measured)
    if any(map(lacks_api, faults)):
        yield Text(NOT_MEASURED)
    yield from (_explanation(fault) for fault in faults if not fault.passed)


def _api_table(faults: Sequence[FaultReport]) -> Table:
    """Return a table with rows for each fault: cost and limit for each kind of client, and its losses."""
    spread = any(len(fault.api_costs) > 1 for fault in faults)
    waited = "median/p99/max" if spread else "waited"
    table = plain_table("fault", "client", waited, "limit", "failed, ended, lost")
    for fault in faults:
        for number, row in enumerate(api_rows(fault)):
            name = "" if number else one_line(fault.name)
            table.add_row(*map(Text, (name, row.name, _outage(row.figures, "/"), row.limit or NONE, row.losses)))
    return table


def _api_block(fault: FaultReport) -> Text:
    text = Text(f"{one_line(fault.name)}:")
    for row in api_rows(fault):
        limit = f" (limit {row.limit})" if row.limit else ""
        text.append(f"\n  {row.name}: {in_words(row.figures)}{limit}{f'; {row.losses}' if row.losses else ''}")
    return text


def _wanted(table: Table, console: Console) -> int:
    return console.measure(table, options=console.options.update(width=ANY_WIDTH)).maximum


def _table(faults: Sequence[FaultReport], *, tall: bool) -> Table:
    """Return a table with a row for each fault; a tall one has its figures one above the other."""
    names = ("median", "p99", "max") if any(len(fault.measured) > 1 for fault in faults) else ()
    spread = "".join(f"\n{name}" for name in names) if tall else "\n" + "/".join(names)
    counted = any(len(fault.trials) != 1 for fault in faults)
    titles = [
        *("fault", *(["trials"] if counted and not tall else [])),
        *(f"outage\n{kind}{spread}".rstrip("\n") for kind in ("new", "reused")),
        *("failed\nof total", "two\nholders", "took over", "verdict"),
    ]
    table = plain_table(*titles, leading=int(tall))
    for fault in faults:
        name, trials = one_line(fault.name), len(fault.trials)
        counts = [f"{trials} trial{'s' * (trials != 1)}" if tall else str(trials)] * counted
        first = ["\n".join((name, *counts))] if tall else [name, *counts]
        table.add_row(*map(Text, first), *map(Text, _cells(cost_of(fault), tall=tall)), _verdict(fault, tall=tall))
    return table


def _cells(cost: Cost, *, tall: bool) -> Iterator[str]:
    between = "\n" if tall else "/"
    yield _outage(cost.new, between)
    yield _outage(cost.reused, between)
    yield "\n".join(cost.failed) or NONE
    yield cost.two_holders
    ways = [one_line(way) for way in cost.ways]
    yield "\n".join(way.replace(" ->", "\n->") if tall else way for way in ways) or NONE


def _outage(figures: tuple[str, ...], between: str) -> str:
    unit = " s" if figures and figures[-1] != NO_END else ""
    return f"{between.join(figures)}{unit}" or NONE


def _block(fault: FaultReport) -> Text:
    cost = cost_of(fault)
    lines = {
        "trials": str(len(fault.trials)),
        "outage new": in_words(cost.new),
        "outage reused": in_words(cost.reused),
        "failed of total": ", ".join(cost.failed) or NONE,
        "two holders": cost.two_holders,
        "took over": ", ".join(map(one_line, cost.ways)) or NONE,
    }
    text = Text.assemble(f"{one_line(fault.name)}: ", _verdict(fault))
    for title, value in lines.items():
        text.append(f"\n  {title}: {value}")
    return text


def _verdict(fault: FaultReport, *, tall: bool = False) -> Text:
    return styled(fault.outcome.replace(" ", "\n") if tall else fault.outcome, OUTCOME_STATUSES[fault.outcome])


def _explanation(fault: FaultReport) -> Text:
    title = f"\n{one_line(fault.name)}: {verdict(fault.outcome)}"
    text = Text.assemble((title, STYLES[OUTCOME_STATUSES[fault.outcome]]))
    for title, value in (("broken", fault.meaning), ("limit", limit_words(fault))):
        if value:
            text.append(f"\n  {title}: ", "bold")
            text.append(one_line(value))
    for problem in problems_of(fault):
        text.append(f"\n  {indented(problem)}")
    return text
