"""The Markdown report, as markdown-it reads it, with the tables and the strikethrough of GitHub."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.support.reports import (
    FAILED,
    HOLDER,
    HOSTILE,
    MISSED,
    NEVER_MADE,
    NOT_INJECTED,
    PASSED,
    REFUSED,
    SKIPPED,
    SURVIVED,
    UNKNOWN,
    WARNED,
    failover,
    host,
    hostile_faults,
    hostile_report,
    lost,
    report_of,
    stopped_haproxy,
)

from nornir_kube_ha.checks import HOST_CHECKS, unknown_host
from nornir_kube_ha.report import ClusterReport, HostReport, Report, to_markdown

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Each of these would be markup somewhere, if it were not escaped.
MARKUP = [
    "a|b",
    "`x`",
    "```",
    "<script>",
    "*x*",
    "_x_",
    "~~x~~",
    "[x](y)",
    "![x](y)",
    "&amp;",
    "# x",
    "- x",
    "1. x",
    "\\",
]


def tokens(report: Report) -> list[Token]:
    return READER.parse(to_markdown(report))


def flat(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from flat(token.children or [])


def text(token: Token) -> str:
    """What a reader of the page sees."""
    return "".join(child.content for child in token.children or []) or token.content


def after(found: list[Token], kind: str) -> list[str]:
    return [text(inner) for token, inner in pairwise(found) if token.type == kind]


def headings(report: Report) -> list[str]:
    return after(tokens(report), "heading_open")


def tables(report: Report) -> list[list[list[str]]]:
    found: list[list[list[str]]] = []
    for token, inner in pairwise(tokens(report)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            found[-1][-1].append(text(inner))
    return found


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (host(PASSED), "kube-ha verify: passed"),
        (host(WARNED), "kube-ha verify: passed with warnings"),
        (host(FAILED, WARNED), "kube-ha verify: NOT PASSED"),
        (lost(), "kube-ha verify: NOT PASSED"),
    ],
)
def test_title_is_the_verdict(part: HostReport, title: str) -> None:
    assert headings(report_of(part))[0] == title


def test_summary_counts() -> None:
    assert after(tokens(report_of(host(PASSED, WARNED), host(FAILED))), "paragraph_open")[0] == (
        "Hosts: 2; checks: 2 pass, 1 warn, 1 fail; 1.2 s, finished 2026-01-02T03:04:06+00:00"
    )


def test_rows_are_checks_and_columns_are_hosts() -> None:
    failed = replace(FAILED, id=PASSED.id)
    assert tables(report_of(host(PASSED, SKIPPED), host(failed, replace(SKIPPED, id="of.no_release")), host())) == [
        [
            ["check", "passes when", "lb-1 (backup)", "lb-2 (backup)", "lb-3 (backup)"],
            ["haproxy.enabled", "haproxy starts at boot", "pass", "FAIL", "UNKNOWN"],
            ["vip.ping", "the VIP answers this node's ping", "SKIP", "UNKNOWN", "UNKNOWN"],
            ["of.no_release", "", "UNKNOWN", "SKIP", "UNKNOWN"],
        ]
    ]


def test_each_cluster_has_its_own_table() -> None:
    other = replace(host(PASSED), cluster="other")
    report = report_of(host(PASSED), other)
    assert [headings(report)[1:], [table[0][2:] for table in tables(report)]] == [
        ["Cluster demo", "Cluster other"],
        [["lb-1 (backup)"], ["lb-2 (backup)"]],
    ]


def test_cluster_checks_are_listed() -> None:
    ping = replace(HOLDER, id="vip.other", status=SKIPPED.status, seen="not seen: lb-2")
    found = tokens(report_of(host(PASSED), cluster=(HOLDER, ping)))
    inside = [token for token in found if token.type == "inline" and token.level == 3]
    assert [text(token) for token in inside] == ["vip.single_holder: pass lb-1", "vip.other: SKIP not seen: lb-2"]


def test_trouble_is_explained_worst_first() -> None:
    report = report_of(host(WARNED, UNKNOWN, SKIPPED), host(FAILED))
    assert headings(report)[2:] == [
        "lb-2: haproxy.active FAIL",
        "lb-1: vip.stats UNKNOWN",
        "lb-1: haproxy.enabled WARN",
    ]
    said = after(tokens(report), "paragraph_open")[-8:]
    assert said == [
        "Expected: active (running)",
        "Seen:",
        "Next: read journalctl -u haproxy, fix the cause, then run deploy",
        "Expected: the stats page answers",
        "Seen: left as it was",
        "Expected: enabled at boot",
        "Seen: not enabled",
        "Next: run systemctl enable haproxy",
    ]
    assert [token.content for token in tokens(report) if token.type == "fence"] == [f"{FAILED.seen}\n"]


def test_host_that_was_lost_is_explained_once() -> None:
    report = report_of(lost(), lost(REFUSED), host(*unknown_host("left as it was")))
    assert headings(report)[2:] == [
        "lb-2: RefusedConfigError FAIL",
        "lb-1: HostUnreachableError UNKNOWN",
        f"lb-3: {len(HOST_CHECKS)} checks UNKNOWN",
    ]


def test_dry_run_says_what_would_be_done() -> None:
    report = report_of(
        replace(host(), plan=("write /etc/haproxy/haproxy.cfg", "reload haproxy")), host(), cluster=(), dry_run=True
    )
    found = tokens(report)
    assert (headings(report)[0], tables(report)) == ("kube-ha verify (dry run): passed", [])
    assert after(found, "paragraph_open")[1:5] == [
        "Host lb-1 would change:",
        "write /etc/haproxy/haproxy.cfg",
        "reload haproxy",
        "Host lb-2 needs no change.",
    ]


def test_what_a_host_says_is_no_markup() -> None:
    # The page is built as if the host had said something harmless: of its words none became markup.
    harmless = "\n".join("word" for _ in HOSTILE.split("\n"))
    kinds = [
        [token.type for token in flat(tokens(hostile_report(words))) if token.type not in {"text", "code_inline"}]
        for words in (HOSTILE, harmless)
    ]
    assert kinds[0] == kinds[1]
    fences = [token.content for token in tokens(hostile_report()) if token.type == "fence"]
    assert all("\n```\n~~~\n# no heading\n| no | cell |\n" in content for content in fences)
    assert all(char.isprintable() or char == "\n" for char in to_markdown(hostile_report()))


@pytest.mark.parametrize("words", [*MARKUP, "@nobody", "#1", "https://example.org", ":smile:", "``", "` `", "a`", "`a"])
def test_one_line_of_a_host_is_code_as_it_stands(words: str) -> None:
    failed = replace(FAILED, seen=words, expected=words)
    report = report_of(host(failed), cluster=(replace(HOLDER, seen=words),))
    codes = [token.content for token in flat(tokens(report)) if token.type == "code_inline"]
    assert codes.count(words) == 3


@pytest.mark.parametrize("words", MARKUP)
def test_odd_name_stays_a_name(words: str) -> None:
    odd = report_of(host(replace(FAILED, id=words)))
    odd = replace(
        odd, hosts={words: replace(odd.hosts["lb-1"], cluster=words)}, clusters={words: ClusterReport((HOLDER,))}
    )
    assert tables(odd) == [[["check", "passes when", f"{words} (backup)"], [words, "", "FAIL"]]]
    assert headings(odd)[1:] == [f"Cluster {words}", f"{words}: {words} FAIL"]


@pytest.mark.parametrize("words", [*MARKUP, "<b>`x`</b>", "`a``b`", "`a` <b> `", "`<b>``<i>``", "\\`<b>`"])
def test_next_is_text_with_commands_in_it(words: str) -> None:
    found = tokens(report_of(host(replace(FAILED, next=words))))
    kinds = {token.type for token in flat(found) if token.type.startswith(("html", "em", "link", "image", "s_"))}
    assert kinds == set()
    assert after(found, "paragraph_open")[-1].replace("`", "") == f"Next: {words}".replace("`", "")


def test_each_fault_is_a_row() -> None:
    report = failover(SURVIVED, MISSED, NOT_INJECTED, NEVER_MADE)
    assert headings(report)[2] == "Faults"
    title, *rows = tables(report)[1]
    assert dict(zip(title, rows[0], strict=True)) == {
        "fault": "haproxy-kill",
        "meaning": "all haproxy processes on the VIP holder are killed at once",
        "trials": "1",
        "outage of new connections": "0.080 s",
        "of long-lived ones": "0.100 s",
        "after the heal": "0 s",
        "failed of total": "3 of 300, 1 cut",
        "two holders": "0 s",
        "took over": "lb-1 -> lb-2",
        "verdict": "passed",
    }
    assert [row[3] for row in rows[1:]] == [
        "median 0.080 s, p99 1.360 s, max 1.360 s",
        "not measured",
        "not measured",
    ]
    assert [row[-1] for row in rows] == ["passed", "MISSED", "NOT INJECTED", "NOT INJECTED"]


def test_fault_that_did_not_pass_is_explained() -> None:
    report = failover(SURVIVED, NOT_INJECTED)
    assert headings(report)[3:] == ["demo: apiserver-hang FAIL"]
    assert after(tokens(report), "paragraph_open")[-2:] == [f"Expected: {NOT_INJECTED.limit.words}", "Seen:"]
    (fence,) = [token.content for token in tokens(report) if token.type == "fence"]
    assert fence.startswith("kube-2: not injected: the apiserver answers all the same\nwithin 5 s")


def test_summary_counts_faults() -> None:
    assert "; checks: 2 pass; faults: 1 passed, 1 missed; 1.2 s" in to_markdown(failover(SURVIVED, MISSED))


def test_odd_words_of_a_fault_are_not_markup() -> None:
    harmless = "\n".join("word" for _ in HOSTILE.split("\n"))
    kinds = [
        [
            token.type
            for token in flat(tokens(failover(*hostile_faults(words))))
            if token.type[:4] not in {"text", "code"}
        ]
        for words in (HOSTILE, harmless)
    ]
    assert kinds[0] == kinds[1]
    assert all(char.isprintable() or char == "\n" for char in to_markdown(failover(*hostile_faults())))


def test_consequences_follow_their_cause() -> None:
    assert headings(stopped_haproxy())[-3:] == [
        "lb-2: haproxy.active FAIL",
        "lb-2: 3 checks FAIL",
        "demo: haproxy.reached_by_peers FAIL",
    ]


def test_host_that_was_not_looked_at_has_no_column() -> None:
    assert tables(report_of(host(PASSED), lost()))[0][0] == ["check", "passes when", "lb-1 (backup)"]
