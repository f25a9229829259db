"""The report at a terminal, in a pipe, with many hosts, and without colours."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.support.reports import (
    FAULTS,
    MISSED,
    NEVER_MADE,
    NOT_INJECTED,
    SURVIVED,
    UNENDED,
    every_finding,
    hostile_faults,
    stopped_haproxy,
    verified,
)

from nornir_kube_ha.checks import HOST_CHECKS, Finding, Status, unknown_host
from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, Report
from nornir_kube_ha.report.formats.terminal import print_report

JOURNAL = (
    "failed (failed)",
    "[ALERT]    (532) : config : parsing [/etc/haproxy/haproxy.cfg:35] : unknown keyword 'nonsense' in 'defaults'",
    "haproxy.service: Main process exited, code=exited, status=1/FAILURE",
)
NEXT = "read `journalctl -u haproxy`, fix the cause, then run deploy"
ESCAPE = "\x1b"
Shown = Callable[..., str]


FAILED = Finding(
    "haproxy.active",
    Status.FAIL,
    "active (running)",
    "\n".join(JOURNAL),
    NEXT,
)


FAILING = verified(lb_2=HostReport("demo", "backup", False, every_finding(haproxy_active=FAILED)))  # noqa: FBT003


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A report as it is printed to a pipe; to a terminal if `terminal` is true."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def show(report: Report, width: int = 80, *, terminal: bool = False, **options: Any) -> str:  # noqa: ANN401
        out = io.StringIO()
        # `None` as in the product: rich asks the file itself.
        console = Console(file=out, width=width, highlight=False, force_terminal=True if terminal else None)
        print_report(report, console, **options)
        return out.getvalue()

    return show


def test_pipe_gets_no_escape_codes(shown: Shown) -> None:
    assert ESCAPE not in shown(FAILING)


def test_terminal_gets_colours(shown: Shown) -> None:
    assert f"{ESCAPE}[1;31mFAIL" in shown(FAILING, terminal=True)


def test_no_color_leaves_no_colour(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(FAILING, terminal=True)
    assert [
        code for codes in re.findall(r"\x1b\[([\d;]*)m", text) for code in codes.split(";") if code[:1] in "3456789"
    ] == []
    assert "FAIL" in text  # and is seen without it


@pytest.mark.parametrize(
    "text", ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "bell\x07", "over\rwritten", "\x08\x08"]
)
def test_control_codes_of_a_host_do_not_reach_the_terminal(shown: Shown, text: str) -> None:
    failed = replace(FAILED, seen=f"failed (failed)\n{text}")
    unreachable = Failure.of(HostUnreachableError("lb-3", text))
    report = verified(
        lb_2=HostReport("demo", "backup", False, every_finding(haproxy_active=failed)),  # noqa: FBT003
        lb_3=HostReport("demo", "backup", True, unknown_host(text), unreachable, diff=f"- {text}"),  # noqa: FBT003
    )
    assert [char for char in shown(report, with_diff=True) if not char.isprintable() and char != "\n"] == []


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_ends_with_blanks(shown: Shown, width: int) -> None:
    assert [line for line in shown(FAILING, width).splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("hosts", [3, 40])
def test_no_line_of_the_matrix_is_wider_than_the_terminal(shown: Shown, width: int, hosts: int) -> None:
    lines = shown(verified(hosts), width).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_rows_are_checks_and_columns_are_hosts(shown: Shown, width: int) -> None:
    lines = [line.split() for line in shown(FAILING, width).splitlines()]
    assert ["lb-1", "lb-2", "lb-3"] in lines
    assert ["master", "backup", "backup"] in lines
    assert ["haproxy.active", "pass", "FAIL", "pass"] in lines
    assert ["vip.stats", "pass", "pass", "pass"] in lines
    assert [line[0] for line in lines if line[1:2] == ["pass"]] == [check.id for check in HOST_CHECKS] + [
        "vip.single_holder:"
    ]


def test_check_that_only_one_host_has_is_a_row(shown: Shown) -> None:
    more = (*every_finding(), Finding("apiserver.certificate", Status.WARN, "valid for 30 days", "18 days left"))
    lines = shown(verified(lb_2=HostReport("demo", "backup", False, more))).splitlines()  # noqa: FBT003
    assert ["apiserver.certificate", "UNKNOWN", "WARN", "UNKNOWN"] in [line.split() for line in lines]


@pytest.mark.parametrize(("width", "hosts"), [(80, 6), (200, 18), (80, 40), (200, 40)])
def test_rows_become_hosts_when_hosts_are_many(shown: Shown, width: int, hosts: int) -> None:
    failing = HostReport(
        "demo",
        "backup",
        False,  # noqa: FBT003
        every_finding(haproxy_active=FAILED, vip_ping=replace(FAILED, id="vip.ping")),
    )
    lines = [line.split() for line in shown(verified(hosts, lb_2=failing), width).splitlines()]
    assert ["host", "role", "status", "not", "passed"] in lines
    assert ["lb-1", "master", "passed"] in lines
    assert ["lb-2", "backup", "failed", "haproxy.active,", "vip.ping"] in lines
    assert [f"lb-{hosts}", "backup", "passed"] in lines


@pytest.mark.parametrize(("width", "hosts"), [(80, 5), (200, 17)])
def test_hosts_stay_columns_while_they_fit(shown: Shown, width: int, hosts: int) -> None:
    lines = [line.split() for line in shown(verified(hosts), width).splitlines()]
    assert ["haproxy.active", *["pass"] * hosts] in lines


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("hosts", [3, 40])
def test_failed_check_says_expected_seen_and_next(shown: Shown, width: int, hosts: int) -> None:
    report = verified(hosts, lb_2=HostReport("demo", "backup", False, every_finding(haproxy_active=FAILED)))  # noqa: FBT003
    text = re.sub(r"\s+", " ", shown(report, width))  # however it is wrapped
    assert "lb-2: haproxy.active expected: active (running) seen: failed (failed)" in text
    for line in JOURNAL:
        assert re.sub(r"\s+", " ", line) in text
    assert f"next: {NEXT}" in text


def test_check_that_passed_is_not_explained(shown: Shown) -> None:
    assert "expected:" not in shown(verified())


def test_consequences_are_a_line_below_their_cause(shown: Shown) -> None:
    text = shown(stopped_haproxy())
    explained = text[text.index("\nlb-2: haproxy.active\n") :].splitlines()
    assert [line for line in explained if line.startswith(("lb-2", "cluster"))] == [
        "lb-2: haproxy.active",
        "lb-2, because of lb-2: haproxy.active:",
        "cluster demo, because of lb-2: haproxy.active:",
    ]
    assert "  keepalived.state: failed (failed) " in text
    assert text.count("expected:") == 1


def test_what_a_host_says_is_no_markup(shown: Shown) -> None:
    failed = replace(FAILED, seen="[bold]not bold[/bold] :smile: [/] [link=x]")
    report = verified(lb_2=HostReport("demo", "backup", False, every_finding(haproxy_active=failed)))  # noqa: FBT003
    assert "[bold]not bold[/bold] :smile: [/] [link=x]" in shown(report)


def test_host_that_was_not_reached_is_unknown_with_the_reason(shown: Shown) -> None:
    failure = Failure.of(HostUnreachableError("lb-3", "no SSH server answers on 192.0.2.13:22"))
    text = shown(verified(lb_3=HostReport("demo", "backup", False, unknown_host(failure.message), failure)))  # noqa: FBT003
    lines = [line.split() for line in text.splitlines()]
    assert ["haproxy.active", "pass", "pass"] in lines  # no column of what is unknown
    assert lines[:3] == [
        ["cluster", "demo"],
        ["lb-3:", "HostUnreachableError"],
        failure.message.split(),
    ]  # the cause first
    assert "verify: NOT PASSED - hosts: 2 passed, 1 unknown; changed: 0; checks: 71 pass, 35 unknown; 1.2 s" in text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.PASS, "pass (lb-1, lb-2)"),
        (Status.WARN, "WARN"),
        (Status.FAIL, "FAIL"),
        (Status.SKIP, "SKIP (lb-1, lb-2)"),
        (Status.UNKNOWN, "UNKNOWN (lb-1, lb-2)"),
    ],
)
def test_cluster_check_is_a_line_of_its_own(shown: Shown, status: Status, word: str) -> None:
    holder = Finding("vip.single_holder", status, "exactly one of lb-1, lb-2", "lb-1, lb-2", "see keepalived.state")
    text = shown(replace(verified(), clusters={"demo": ClusterReport((holder,))}))
    assert f"vip.single_holder: {word}\n" in text
    explained = "cluster demo: vip.single_holder\n  expected: exactly one of lb-1, lb-2" in text
    assert explained is (status in {Status.WARN, Status.FAIL})


def test_warning_is_explained_and_does_not_fail_the_run(shown: Shown) -> None:
    warned = replace(FAILED, id="haproxy.stable", status=Status.WARN)
    text = shown(verified(lb_2=HostReport("demo", "backup", False, every_finding(haproxy_stable=warned))))  # noqa: FBT003
    assert "lb-2: haproxy.stable\n  expected: active (running)" in text
    assert "verify: passed - hosts: 3 passed; changed: 0; checks: 105 pass, 1 warn" in text


def test_what_was_skipped_says_why_in_one_line(shown: Shown) -> None:
    skipped = Finding("host.firewall", Status.SKIP, "it lets VRRP pass", "nft is not installed,\nso nobody knows")
    text = shown(verified(lb_2=HostReport("demo", "backup", False, every_finding(host_firewall=skipped))))  # noqa: FBT003
    assert "\nlb-2: host.firewall skipped: nft is not installed, so nobody knows\n" in text


def test_each_cluster_has_its_own_matrix(shown: Shown) -> None:
    other = HostReport("other", "master", False, every_finding())  # noqa: FBT003
    text = shown(verified(lb_3=other))
    assert [line for line in text.splitlines() if line.startswith("cluster ")] == ["cluster demo", "cluster other"]
    assert ["haproxy.active", "pass", "pass"] in [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("dry_run", "words"), [(False, "verify: passed - hosts: 3 passed; changed: 1;"), (True, "would change: 1;")]
)
def test_summary_says_what_changed(shown: Shown, words: str, *, dry_run: bool) -> None:
    report = verified(lb_1=HostReport("demo", "master", True, every_finding(), diff="+ line"))  # noqa: FBT003
    assert words in shown(replace(report, dry_run=dry_run)).splitlines()[-1]


def test_diff_is_shown_only_when_asked(shown: Shown) -> None:
    diff = "--- a\n+++ b\n@@ -1 +1 @@\n-    balance source\n+    balance leastconn # [bold]"
    report = verified(lb_1=HostReport("demo", "master", True, every_finding(), diff=diff))  # noqa: FBT003
    assert f"lb-1:\n{diff}\n" in shown(report, with_diff=True)
    assert "balance" not in shown(report)


def test_diff_of_a_long_line_is_not_broken(shown: Shown) -> None:
    line = "+" + "x" * 150
    report = verified(lb_1=HostReport("demo", "master", True, every_finding(), diff=line))  # noqa: FBT003
    assert line in shown(report, with_diff=True).splitlines()


def test_dry_run_says_what_would_be_done_instead_of_a_matrix(shown: Shown) -> None:
    hosts = {name: replace(host, findings=()) for name, host in verified().hosts.items()}
    hosts["lb-2"] = replace(hosts["lb-2"], plan=("write /etc/haproxy/haproxy.cfg", "reload haproxy"))
    text = shown(replace(verified(), hosts=hosts, clusters={"demo": ClusterReport(())}, dry_run=True))
    assert "lb-1: no change needed\nlb-2 would change:\n  write /etc/haproxy/haproxy.cfg\n  reload haproxy\n" in text
    assert "haproxy.active" not in text
    assert text.splitlines()[-1].startswith("verify: passed - hosts: 3 passed; would change: 0;")


def with_faults(*faults: FaultReport) -> Report:
    return replace(verified(), runbook="failover_test", faults=faults)


def section(text: str) -> list[str]:
    """The lines on faults, but the explanations."""
    return text.partition("\nfaults\n")[2].partition("\n\n")[0].splitlines()


def test_without_faults_nothing_is_said_of_them(shown: Shown) -> None:
    assert "fault" not in shown(verified())


def test_faults_are_a_table_after_the_clusters(shown: Shown) -> None:
    lines = section(shown(with_faults(SURVIVED, NOT_INJECTED), 120))
    assert lines[1].split() == ["fault", "new", "reused", "of", "total", "holders", "took", "over", "verdict"]
    assert [line.split() for line in lines[2:]] == [
        ["haproxy-kill", "0.080", "s", "0.100", "s", "3", "of", "300", "0", "s", "lb-1", "->", "lb-2", "passed"],
        ["1", "cut"],
        ["apiserver-hang", *["-"] * 5, "NOT", "INJECTED"],
    ]


def test_faults_with_many_trials_say_median_p99_and_maximum(shown: Shown) -> None:
    lines = section(shown(with_faults(SURVIVED, MISSED), 200))
    assert "median/p99/max" in lines[2]
    assert "trials" in lines[2]
    (missed,) = [line for line in lines if line.startswith("keepalived-hang")]
    assert missed.split()[:4] == ["keepalived-hang", "2", "0.080/1.360/1.360", "s"]
    assert [line for line in lines if "lb-1 -> lb-2 -> lb-1" in line]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("faults", [(SURVIVED,), FAULTS, (MISSED, UNENDED, NEVER_MADE)], ids=["one", "usual", "many"])
def test_table_of_faults_fits(shown: Shown, faults: tuple[FaultReport, ...], width: int, *, terminal: bool) -> None:
    text = re.sub(r"\x1b\[[\d;]*m", "", shown(with_faults(*faults), width, terminal=terminal))
    lines = section(text)
    assert lines[0].startswith("  ")  # the head of a table
    assert max(map(len, lines)) <= width
    assert terminal or [line for line in text.splitlines() if line != line.rstrip()] == []


def test_tall_table_has_its_figures_one_above_the_other(shown: Shown) -> None:
    lines = section(shown(with_faults(MISSED), 80))
    first = next(number for number, line in enumerate(lines) if line.startswith("keepalived-hang"))
    assert [line.split()[0] for line in lines[2:5]] == ["median", "p99", "fault"]
    assert lines[first + 1].startswith("2 trials")
    assert "1.360 s" in lines[first + 2]


def test_fault_is_a_few_lines_where_no_table_fits(shown: Shown) -> None:
    lines = section(shown(with_faults(*FAULTS), 40))
    assert lines[:7] == [
        "haproxy-kill: passed",
        "  trials: 1",
        "  outage new: 0.080 s",
        "  outage reused: 0.100 s",
        "  failed of total: 3 of 300, 1 cut",
        "  two holders: 0 s",
        "  took over: lb-1 -> lb-2",
    ]
    assert "  outage new: median 0.080 s, p99 1.360 s, max 1.360 s" in lines


def test_trouble_of_a_fault_is_explained_with_its_limit(shown: Shown) -> None:
    text = shown(with_faults(SURVIVED, NOT_INJECTED))
    assert (
        "\napiserver-hang: NOT INJECTED\n  broken: one apiserver hangs\n"
        f"  limit: {NOT_INJECTED.limit.words}\n"
        "  kube-2: not injected: the apiserver answers all the same\n    within 5 s; see `systemctl status kubelet`\n"
    ) in text
    assert "broken: haproxy" not in text


def test_outage_without_end_is_said_to_be_one(shown: Shown) -> None:
    text = shown(with_faults(UNENDED), 120)
    assert "0.080/no end/no end" in text
    assert "outage without end, at most 0.15 s allowed" in text
    assert "inf" not in text


def test_summary_counts_faults(shown: Shown) -> None:
    assert "; faults: 1 passed, 1 missed, 1 not injected; 1.2 s" in shown(with_faults(*FAULTS)).splitlines()[-1]


def test_verdict_is_seen_with_and_without_colours(shown: Shown) -> None:
    assert f"{ESCAPE}[1;31mMISSED" in shown(with_faults(MISSED), terminal=True)
    assert ESCAPE not in shown(with_faults(MISSED))


@pytest.mark.parametrize("width", [40, 200])
def test_odd_words_of_a_fault_stay_words(shown: Shown, width: int) -> None:
    text = shown(with_faults(*hostile_faults("[bold]a[/bold] \x1b[31m\x07 [/] :smile:")), width)
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "[bold]a[/bold]" in text
    assert ":smile:" in text


def test_only_what_did_not_pass_is_shown_if_asked_for() -> None:
    def rows(report: Report) -> list[list[str]]:
        page = io.StringIO()
        print_report(report, Console(file=page, width=100, color_system=None), only_failed=True)
        return [line.split() for line in page.getvalue().splitlines()]

    found = rows(stopped_haproxy())
    assert ["haproxy.active", "pass", "FAIL"] in found
    assert not any(row[:1] == ["haproxy.enabled"] or row[:1] == ["vip.single_holder:"] for row in found)
    assert [row[:2] for row in rows(verified())] == [["verify:", "passed"]]
