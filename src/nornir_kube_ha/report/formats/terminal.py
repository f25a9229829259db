"""The report for a terminal; without colours when piped."""

import io
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from nornir_kube_ha.checks import NO_APISERVER_YET, Finding, Status
from nornir_kube_ha.report.cluster_summary import FEW, ClusterSummary, summarize_clusters
from nornir_kube_ha.report.fault_costs import counts_of
from nornir_kube_ha.report.formats.terminal_faults import print_faults
from nornir_kube_ha.report.formats.terminal_style import STYLES, plain_table, styled
from nornir_kube_ha.report.model import HOST_STATUSES, Failure, HostReport, Report, Step
from nornir_kube_ha.report.problems import parts
from nornir_kube_ha.report.words import NONE, counted
from nornir_kube_ha.text import clean, indented, one_line, shortened

_RED = {Status.WARN, Status.FAIL}
EXPLAINED = {*_RED, Status.UNKNOWN}
_PAGE_WIDTH = 120  # characters, for the report as a text file
SHORT = 100  # characters of what a check saw that follows from another
MANY = 20  # clusters; with more, those that passed are counted, not listed
NARROW_COLUMN = 10  # smallest width of a host's column; if the columns do not fit, hosts become rows


def show_report(report: Report, *, with_diff: bool, only_failed: bool = False) -> None:
    """Print the report to stdout.

    Arguments:
        report: the run's report
        with_diff: whether to print each host's diff first
        only_failed: whether to leave out checks that passed everywhere
    """
    print_report(report, Console(highlight=False), with_diff=with_diff, only_failed=only_failed)


def to_text(report: Report) -> str:
    """Return the report as a terminal shows it, without colours."""
    page = io.StringIO()
    print_report(report, Console(file=page, width=_PAGE_WIDTH, highlight=False, color_system=None))
    return page.getvalue()


def print_report(report: Report, console: Console, *, with_diff: bool = False, only_failed: bool = False) -> None:
    """Print the report.

    Arguments:
        report: the run's report
        console: where to print
        with_diff: whether to print each host's diff first
        only_failed: whether to leave out checks that passed everywhere
    """
    with console.capture() as capture:
        for part in _parts(report, console, with_diff=with_diff, only_failed=only_failed):
            # Only tables are fitted to the width. The terminal wraps text, which then copies without line breaks.
            console.print(part, soft_wrap=isinstance(part, Text))
    # rich pads the last column of a table with blanks.
    console.file.write("".join(f"{line.rstrip(' ')}\n" for line in capture.get().splitlines()))


def _parts(report: Report, console: Console, *, with_diff: bool, only_failed: bool) -> Iterator[RenderableType]:
    if with_diff:
        for name, host in report.hosts.items():
            if host.diff:
                yield Text(f"{name}:", style="bold")
                yield _diff(host.diff)
    lines = summarize_clusters(report)
    for line in lines:
        if report.dry_run or not line.passed or (len(lines) <= FEW and not only_failed):
            yield from _cluster(report, line.name, console.width, only_failed=only_failed)
            yield Text()
    if len(lines) > 1:
        yield _overview(lines)
        yield Text()
    if report.faults:
        yield from print_faults(report.faults, console)
        yield Text()
    if report.steps:
        yield _steps(report.steps)
        yield Text()
    yield _summary(report)


def _overview(lines: tuple[ClusterSummary, ...]) -> Table:
    table = plain_table("clusters", "status", "hosts", "not passed")
    passed = sum(line.passed for line in lines) if len(lines) > MANY else 0
    for line in lines:
        if not (passed and line.passed):
            table.add_row(line.name, styled(line.status, HOST_STATUSES[line.status]), line.hosts, ", ".join(line.wrong))
    if passed:
        table.add_row(f"{passed} {'others' if passed < len(lines) else 'clusters'}", styled("passed", Status.PASS))
    return table


def _steps(steps: tuple[Step, ...]) -> Table:
    table = plain_table("", "step", "status", "seconds", "changed", "why")
    for number, step in enumerate(steps, start=1):
        changed = ", ".join(step.changes) or NONE
        status = styled(step.status, HOST_STATUSES[step.status])
        told = (one_line(step.name), status, f"{step.seconds:.1f}", one_line(changed), one_line(step.words))
        table.add_row(str(number), *(Text(each) if isinstance(each, str) else each for each in told))
    return table


def _diff(diff: str) -> Text:
    text = Text()
    for line in clean(diff).splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        text.append(f"{line}\n", style)
    return text


def _cluster(report: Report, cluster: str, width: int, *, only_failed: bool) -> Iterator[RenderableType]:
    hosts, findings = report.hosts_of(cluster), report.findings_of(cluster)
    yield Text(f"cluster {cluster}", style="bold")
    yield from (_failure(name, host.failure) for name, host in hosts.items() if host.failure)
    hosts = {name: host for name, host in hosts.items() if not host.failure}
    if any(finding.status is not Status.UNKNOWN for host in hosts.values() for finding in host.findings):
        fits = _first_column(hosts) + sum(max(len(name), NARROW_COLUMN) for name in hosts) <= width
        yield _by_check(hosts, only_failed=only_failed) if fits else _by_host(hosts, only_failed=only_failed)
    else:
        yield from (Text(f"{name}: {host.findings[0].seen}") for name, host in hosts.items() if host.findings)
    for finding in findings:
        if only_failed and finding.status is Status.PASS:
            continue
        # Checks that did not pass are explained below.
        seen = "" if finding.status in _RED else f" ({one_line(finding.seen)})"
        yield Text.assemble(f"{finding.id}: ", styled(finding.status, finding.status), seen)
    if report.dry_run:
        yield from (_plan(name, host) for name, host in hosts.items())
    yield from _explanations(hosts, f"cluster {cluster}", findings)


def _failure(name: str, failure: Failure) -> Text:
    return Text.assemble((f"{name}: {failure.type}", "bold red"), f"\n  {indented(failure.message)}\n")


def _by_check(hosts: dict[str, HostReport], *, only_failed: bool) -> Table:
    table = plain_table("", *(f"{name}\n{host.role}" for name, host in hosts.items()))
    for check in dict.fromkeys(finding.id for host in hosts.values() for finding in host.findings):
        found = [host.status_of(check) for host in hosts.values()]
        if only_failed and {*found} == {Status.PASS}:
            continue
        table.add_row(check, *(styled(status, status) for status in found))
    return table


def _by_host(hosts: dict[str, HostReport], *, only_failed: bool) -> Table:
    table = plain_table("host", "role", "status", "not passed")
    for name, host in hosts.items():
        failed = ", ".join(finding.id for finding in host.findings if finding.status in EXPLAINED)
        if only_failed and not failed:
            continue
        table.add_row(name, host.role, Text(host.status, STYLES[HOST_STATUSES[host.status]]), failed)
    return table


def _first_column(hosts: dict[str, HostReport]) -> int:
    gap = 2
    return gap + max(len(finding.id) for host in hosts.values() for finding in host.findings)


def _plan(name: str, host: HostReport) -> Text:
    if not host.plan:
        return Text.assemble(f"{name}: ", ("no change needed", "green"))
    return Text.assemble(f"{name} would change:", *(f"\n  {step}" for step in host.plan))


def _explanations(
    hosts: dict[str, HostReport], cluster: str, of_cluster: tuple[Finding, ...]
) -> Iterator[RenderableType]:
    for name, host in hosts.items():
        yield from (_explanation(name, finding) for finding in host.findings if _is_explained(finding))
        yield from (Text(f"\n{name}: {', '.join(ids)} UNKNOWN: {indented(seen)}") for seen, ids in _unmade(host))
    yield from (_explanation(cluster, each) for each in of_cluster if each.status in _RED and not each.cause)
    for where, findings in [*((name, host.findings) for name, host in hosts.items()), (cluster, of_cluster)]:
        yield from _consequences(where, findings)
    skipped = [(name, each) for name, host in hosts.items() for each in host.findings if each.status is Status.SKIP]
    for number, (name, each) in enumerate(skipped):
        yield Text("" if number else "\n").append(f"{name}: {each.id} skipped: {one_line(each.seen)}")


def _is_explained(finding: Finding) -> bool:
    """Return whether a finding has a paragraph of its own; an unknown one has it only if there is something to do."""
    has_more = finding.status is not Status.UNKNOWN or bool(finding.next)
    return finding.status in EXPLAINED and has_more and not finding.cause


def _consequences(where: str, findings: tuple[Finding, ...]) -> Iterator[Text]:
    """Yield a line for each cause, with the checks that fail because of it."""
    by_cause: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.cause:
            by_cause.setdefault(finding.cause, []).append(finding)
    for cause, found in by_cause.items():
        lines = (f"\n  {each.id}: {shortened(one_line(each.seen), SHORT)}" for each in found)
        yield Text.assemble(f"\n{where}, because of {cause}:", *lines)


def _unmade(host: HostReport) -> Iterator[tuple[str, list[str]]]:
    """Yield reasons why checks could not be made, each with the checks; none for a host that the run did not reach."""
    alike: dict[str, list[str]] = {}
    for finding in host.findings:
        if finding.status is Status.UNKNOWN and not finding.next:
            alike.setdefault(finding.seen, []).append(finding.id)
    yield from alike.items() if any(each.status is not Status.UNKNOWN for each in host.findings) else ()


def _explanation(where: str, finding: Finding) -> Text:
    text = Text.assemble((f"\n{where}: {finding.id}", STYLES[finding.status]))
    for title, value in parts(finding):
        text.append(f"\n  {title}: ", "bold")
        text.append(indented(value))
    if finding.since:
        text.append("\n  history: ", "bold")
        text.append(finding.since.words)
    return text


def _summary(report: Report) -> Text:
    told = {
        "hosts": counted(report.host_counts.items()) or "none",
        "would change" if report.dry_run else "changed": sum(host.changed for host in report.hosts.values()),
        "checks": counted(report.counts.items()),
        "faults": counted(counts_of(report).items()),
        NO_APISERVER_YET: ", ".join(report.awaiting),
    }
    words = "; ".join(f"{title}: {value}" for title, value in told.items() if value != "")
    passed = ("passed", "bold green") if report.passed else ("NOT PASSED", "bold red")
    ended = f" ({report.error.type}: {one_line(report.error.message)})" if report.error else ""
    ended += f", {one_line(report.ended_at)}" if report.ended_at else ""
    return Text.assemble(f"{report.runbook}: ", passed, ended, f" - {words}; {report.seconds:.1f} s")
