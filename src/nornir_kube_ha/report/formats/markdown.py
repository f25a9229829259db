"""The report in GitHub-flavoured Markdown, for a pull request or a ticket.

Hosts' output is in code spans, where no markup, mention or issue link works. Our own texts are plain, with every
possible markup character as a character reference.
"""

import re
from collections.abc import Iterator

from nornir_kube_ha.checks import CHECKS, Status
from nornir_kube_ha.failover.trial import FaultReport, Outcome
from nornir_kube_ha.report.api_costs import NOT_MEASURED, api_rows, lacks_api
from nornir_kube_ha.report.fault_costs import cost_of, counts_of
from nornir_kube_ha.report.model import HOST_STATUSES, HostReport, Report
from nornir_kube_ha.report.problems import Problem, parts, problems
from nornir_kube_ha.report.words import NONE, counted, in_words, pieces, verdict
from nornir_kube_ha.text import clean, one_line

_FENCE = 3  # smallest number of backticks around a block
_OUTAGES = ("outage of new connections", "of long-lived ones", "after the heal")
_MARKUP = re.compile(r"[\\`*_{}\[\]<>&|~#@!$:]")
_NAME = re.compile(r"[\w./-]+")


def to_markdown(report: Report) -> str:
    """Return the report as Markdown: the verdict, a table for each cluster, and an explanation of each problem."""
    return "\n\n".join(_blocks(report)) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    warned = " with warnings" if report.counts[Status.WARN] else ""
    dry_run = " (dry run)" if report.dry_run else ""
    yield f"## kube-ha {_text(report.runbook)}{dry_run}: {f'passed{warned}' if report.passed else 'NOT PASSED'}"
    yield _summary(report)
    if report.steps:
        yield from _story(report)
    for cluster in sorted(report.cluster_names):
        yield from _cluster(report, cluster)
    if report.faults:
        yield "### Faults"
        yield "\n".join(_faults(report))
        if any(fault.api_costs for fault in report.faults):
            yield "\n".join(_api(report))
        if any(map(lacks_api, report.faults)):
            yield _text(NOT_MEASURED)
    for problem in problems(report):
        if problem.status is not Status.SKIP:
            yield from _explanation(problem)


def _story(report: Report) -> Iterator[str]:
    """Yield a rehearsal's steps, and what changed on each host."""
    if report.ended_at:
        yield f"**The rehearsal {_text(report.ended_at)}.**"
    rows = [_row("step", "status", "seconds", "changed", "why"), _row(*["---"] * 5)]
    for number, step in enumerate(report.steps, start=1):
        changed, words = ", ".join(map(_name, step.changes)), _text(step.words) or NONE
        word = _word(HOST_STATUSES[step.status])
        rows.append(_row(f"{number}. {_text(step.name)}", word, f"{step.seconds:.1f}", changed or NONE, words))
    yield "\n".join(rows)
    for name, host in report.hosts.items():
        if host.diff:
            yield f"What changed on {_name(name)}:"
            yield _block(host.diff, "diff")


def _summary(report: Report) -> str:
    checks, faults = counted(report.counts.items()), counted(counts_of(report).items())
    told = f"Hosts: {len(report.hosts)}; checks: {checks or 'none'}{f'; faults: {faults}' if faults else ''}"
    ended = f"{told}; {report.seconds:.1f} s, finished {report.finished.isoformat(timespec='seconds')}"
    return "; ".join(filter(None, (ended, _text(str(report.origin)))))


def _cluster(report: Report, cluster: str) -> Iterator[str]:
    hosts, findings = report.hosts_of(cluster), report.findings_of(cluster)
    yield f"### Cluster {_name(cluster)}"
    seen = {name: host for name, host in hosts.items() if not host.failure}
    if any(host.findings for host in seen.values()):
        yield "\n".join(_table(seen))
    if findings:
        yield "\n".join(f"- {_name(each.id)}: {_word(each.status)} {_code(each.seen)}".rstrip() for each in findings)
    if report.dry_run:
        yield from (_plan(name, host) for name, host in hosts.items() if not host.failure)


def _table(hosts: dict[str, HostReport]) -> Iterator[str]:
    yield _row("check", "passes when", *(f"{_name(name)} ({_text(host.role)})" for name, host in hosts.items()))
    yield _row(*["---"] * (len(hosts) + 2))
    for check in dict.fromkeys(finding.id for host in hosts.values() for finding in host.findings):
        meaning = CHECKS[check].meaning if check in CHECKS else ""
        yield _row(_name(check), _text(meaning), *(_word(host.status_of(check)) for host in hosts.values()))


def _faults(report: Report) -> Iterator[str]:
    yield _row("fault", "meaning", "trials", *_OUTAGES, "failed of total", "two holders", "took over", "verdict")
    yield _row(*["---"] * (7 + len(_OUTAGES)))
    yield from (_row(*_fault(fault)) for fault in report.faults)


def _fault(fault: FaultReport) -> Iterator[str]:
    cost = cost_of(fault)
    yield from (_name(fault.name), _text(fault.meaning), str(len(fault.trials)))
    yield from map(in_words, (cost.new, cost.reused, cost.after))
    yield ", ".join(cost.failed) or NONE
    yield cost.two_holders
    yield ", ".join(map(_text, cost.ways)) or NONE
    yield _word(fault.outcome)


def _api(report: Report) -> Iterator[str]:
    rows = [(fault, row) for fault in report.faults for row in api_rows(fault)]
    yield _row("fault", "client", "waited", "until", "limit", "failed, ended, lost")
    yield _row(*["---"] * 6)
    for fault, row in rows:
        until = _text(row.meaning.removeprefix("until "))
        yield _row(_name(fault.name), row.name, in_words(row.figures), until, row.limit or NONE, row.losses or NONE)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _word(word: Status | Outcome) -> str:
    return verdict(word) if word in {Status.PASS, Outcome.PASSED} else f"**{verdict(word)}**"


def _plan(name: str, host: HostReport) -> str:
    if not host.plan:
        return f"Host {_name(name)} needs no change."
    return "\n".join([f"Host {_name(name)} would change:\n", *(f"- {_code(step)}" for step in host.plan)])


def _explanation(problem: Problem) -> Iterator[str]:
    yield f"#### {_name(problem.where)}: {_name(problem.what)} {_word(problem.status)}"
    for title, value in parts(problem):
        if title == "next":
            yield f"Next: {_prose(value)}"
        elif "\n" in value.strip("\n"):
            yield f"{title.capitalize()}:"
            yield _block(value)
        else:
            yield f"{title.capitalize()}: {_code(value)}"


def _prose(value: str) -> str:
    """Return one of our own texts with the commands between backticks as code."""
    return "".join(_code(piece) if is_command else _text(piece) for piece, is_command in pieces(one_line(value)))


def _text(value: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(clean(value).split("\n")))


def _name(value: str) -> str:
    """Return a name as code, or as text if it has unusual characters: a bar in code would still end a table cell."""
    return f"`{value}`" if _NAME.fullmatch(value) else _text(value)


def _code(value: str) -> str:
    words = one_line(value)
    fence = "`" * (_longest_run(words) + 1)
    # Renderers strip one space on both sides; it separates the fence from backticks in the text.
    return f"{fence} {words} {fence}" if "`" in words else f"`{words}`" if words else ""


def _block(value: str, language: str = "text") -> str:
    words = clean(value).strip("\n")
    fence = "`" * max(_FENCE, _longest_run(words) + 1)
    return f"{fence}{language}\n{words}\n{fence}"


def _longest_run(words: str) -> int:
    return max(map(len, re.findall("`+", words)), default=0)
