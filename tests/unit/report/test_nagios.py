"""The report as a monitoring plugin's output, by the grammar that Nagios Core and the Monitoring Plugins document."""

import re
from dataclasses import replace
from itertools import permutations

import pytest
from tests.support.reports import (
    FAILED,
    HOLDER,
    MISSED,
    NEVER_MADE,
    NOT_HEALED,
    NOT_INJECTED,
    PASSED,
    REFUSED,
    SKIPPED,
    SURVIVED,
    UNENDED,
    UNKNOWN,
    UNREACHABLE,
    WARNED,
    failover,
    host,
    hostile_faults,
    hostile_report,
    lost,
    report_of,
    stopped_haproxy,
)

from nornir_kube_ha.checks import HOST_CHECKS, Finding
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.report import HostReport, Report, nagios_status, to_nagios

NUMBER = r"-?\d+(?:\.\d+)?"
RANGE = rf"@?(?:(?:{NUMBER}|~):)?(?:{NUMBER})?"
FIGURE = rf"'(?P<label>(?:[^'=]|'')+)'=(?P<value>{NUMBER}|U)(?P<uom>s|us|ms|%|[KMGT]?B|c)?"
FIGURE += rf"(?:;(?P<warn>{RANGE})(?:;(?P<crit>{RANGE})(?:;(?P<min>{NUMBER})?(?:;(?P<max>{NUMBER})?)?)?)?)?"
NAMES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


def read(report: Report) -> tuple[str, str, dict[str, dict[str, str | None]], list[str]]:
    """Status, short words, figures by label, and the long output, as a monitor takes them apart."""
    text = to_nagios(report)
    assert text.endswith("\n")
    first, *long = text[:-1].split("\n")
    assert first.count("|") == 1
    words, figures = first.split(" | ")
    heading = re.fullmatch(r"KUBE-HA (OK|WARNING|CRITICAL|UNKNOWN) - (.+)", words)
    assert heading
    found = [re.fullmatch(FIGURE, figure) for figure in figures.split(" ")]
    by_label = {match["label"]: match.groupdict() for match in found if match}
    assert len(by_label) == len(found), figures
    return heading[1], heading[2], by_label, long


@pytest.mark.parametrize(
    ("hosts", "cluster", "status"),
    [
        ([host(PASSED)], (HOLDER,), 0),
        ([host(PASSED, SKIPPED)], (HOLDER,), 0),
        ([host(PASSED, WARNED)], (HOLDER,), 1),
        ([host(PASSED)], (replace(HOLDER, status=WARNED.status),), 1),
        ([host(PASSED), host(WARNED, FAILED)], (HOLDER,), 2),
        ([host(UNKNOWN, WARNED, FAILED)], (HOLDER,), 2),
        ([host(PASSED)], (replace(HOLDER, status=FAILED.status),), 2),
        ([host(failure=REFUSED)], (), 2),
        ([host(PASSED, failure=REFUSED)], (HOLDER,), 2),
        ([lost(REFUSED)], (HOLDER,), 2),
        ([lost(), host(FAILED)], (HOLDER,), 2),
        ([host(PASSED), lost()], (HOLDER,), 3),
        ([host(PASSED), host(failure=UNREACHABLE)], (HOLDER,), 3),
        ([host(PASSED, failure=UNREACHABLE)], (HOLDER,), 3),
        ([host(PASSED), host(UNKNOWN, WARNED)], (HOLDER,), 3),
        ([host(PASSED)], (replace(HOLDER, status=UNKNOWN.status),), 3),
        ([host(PASSED), host()], (HOLDER,), 3),
        ([host(SKIPPED)], (), 3),
        ([host()], (), 3),
        ([], (), 3),
    ],
)
def test_status(hosts: list[HostReport], cluster: tuple[Finding, ...], status: int) -> None:
    report = report_of(*hosts, cluster=cluster)
    assert nagios_status(report) == status
    assert read(report)[0] == NAMES[status]


@pytest.mark.parametrize("hosts", [*permutations([host(FAILED), host(UNKNOWN), host(WARNED), host(PASSED)])])
def test_status_does_not_depend_on_the_hosts_order(hosts: tuple[HostReport, ...]) -> None:
    assert nagios_status(report_of(*hosts)) == 2


def test_ok_says_how_much_was_checked() -> None:
    assert read(report_of(host(PASSED, SKIPPED)))[1] == "2 of 3 checks passed"


@pytest.mark.parametrize("hosts", [[], [host(), host()]])
def test_dry_run_has_checked_nothing(hosts: list[HostReport]) -> None:
    assert read(report_of(*hosts, cluster=(), dry_run=True))[:2] == ("UNKNOWN", "no check was made")


def test_first_line_names_a_few_and_numbers_the_others() -> None:
    failing = [host(FAILED, WARNED, replace(FAILED, id="vip.readyz")) for _ in range(3)]
    report = report_of(*failing, cluster=(replace(HOLDER, status=FAILED.status),))
    assert read(report)[1] == "lb-1 haproxy.active, lb-1 vip.readyz, lb-2 haproxy.active and 4 more"


def test_first_line_names_what_decides() -> None:
    assert read(report_of(host(WARNED, UNKNOWN, FAILED)))[1] == "lb-1 haproxy.active"
    assert read(report_of(host(WARNED, UNKNOWN)))[1] == "lb-1 vip.stats"
    assert read(report_of(host(WARNED), lost()))[1] == "lb-2 HostUnreachableError"


def test_first_line_stays_short_with_many_hosts() -> None:
    first = to_nagios(report_of(*[host(FAILED)] * 100)).splitlines()[0]
    assert len(first.partition(" | ")[0]) < 100


def test_long_output_tells_each_finding_that_did_not_pass_worst_first() -> None:
    assert read(report_of(host(SKIPPED, WARNED, PASSED), host(FAILED)))[3] == [
        f"FAIL lb-2: haproxy.active: failed (failed) haproxy.service: exited, status=1/FAILURE -> {FAILED.next}",
        "WARN lb-1: haproxy.enabled: not enabled -> run `systemctl enable haproxy`",
        "SKIP lb-1: vip.ping: ping is not there",
    ]


def test_lost_host_is_reported_once() -> None:
    stopped = [replace(UNKNOWN, id=check.id) for check in HOST_CHECKS]
    assert read(report_of(lost(), lost(REFUSED), host(*stopped)))[3] == [
        "FAIL lb-2: RefusedConfigError: haproxy refuses [ALERT] unknown keyword",
        "UNKNOWN lb-1: HostUnreachableError: no SSH server answers on 192.0.2.13:22",
        f"UNKNOWN lb-3: {len(HOST_CHECKS)} checks: left as it was",
    ]


def test_figures() -> None:
    figures = read(report_of(host(PASSED, WARNED, FAILED, FAILED, SKIPPED, UNKNOWN)))[2]
    assert {label: (figure["value"], figure["uom"]) for label, figure in figures.items()} == {
        "passed": ("2", None),
        "warned": ("1", None),
        "failed": ("2", None),
        "skipped": ("1", None),
        "unknown": ("1", None),
        "duration": ("1.250", "s"),
    }
    assert {figure["min"] for figure in figures.values()} == {"0"}
    assert [figures[label]["max"] for label in ("passed", "failed", "duration")] == ["7", "7", None]
    assert (figures["warned"]["warn"], figures["failed"]["crit"]) == ("0", "0")


def test_what_a_host_says_stays_text() -> None:
    status, words, figures, long = read(hostile_report())
    assert (status, len(figures), len(long)) == ("CRITICAL", 6, 7)
    assert all(line.isprintable() and "|" not in line for line in (words, *long))
    assert all(re.match(r"(FAIL|UNKNOWN|WARN|SKIP) (lb-\d|demo): ", line) for line in long)
    assert "a/b" in long[0]
    assert "Übel, 試験" in long[0]


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ((SURVIVED,), 0),
        ((SURVIVED, MISSED), 2),
        ((NOT_INJECTED,), 2),
        ((NOT_HEALED,), 2),
        ((NEVER_MADE,), 2),
    ],
)
def test_fault_that_did_not_pass_is_critical(faults: tuple[FaultReport, ...], status: int) -> None:
    assert nagios_status(failover(*faults)) == status
    assert read(failover(*faults))[0] == NAMES[status]


def test_ok_says_how_many_faults_were_survived() -> None:
    assert read(failover(SURVIVED))[:2] == ("OK", "2 of 2 checks passed, 1 of 1 faults within their limits")
    bare = report_of(cluster=(), faults=(SURVIVED,))
    assert read(bare)[:2] == ("OK", "0 of 0 checks passed, 1 of 1 faults within their limits")


def test_fault_is_named_and_described() -> None:
    _, words, _, long = read(failover(SURVIVED, NOT_HEALED, NEVER_MADE))
    assert words == "demo node-power-off, no cluster node-lost"
    assert long == [
        "FAIL demo: node-power-off: lb-1: not healed: lb-1 does not answer any more",
        "FAIL no cluster: node-lost: not injected: no trial was made",
    ]


def test_of_many_trials_only_a_few_are_listed() -> None:
    many = replace(NOT_HEALED, trials=NOT_HEALED.trials * 100)
    (line,) = read(failover(many))[3]
    assert line.endswith("any more (trial 3 of 100) and 97 more")


def test_figures_of_faults() -> None:
    figures = read(failover(MISSED, UNENDED, NOT_INJECTED, NEVER_MADE))[2]
    found = {label: (figure["value"], figure["uom"], figure["crit"]) for label, figure in figures.items()}
    assert found["demo.keepalived-hang.new"] == ("1.360", "s", "0.15")
    assert found["demo.keepalived-hang.reused"] == ("1.350", "s", "")
    assert found["demo.keepalived-hang.after"] == ("0.300", "s", "0")
    assert found["demo.haproxy-stop.new"] == ("U", None, "0.15")  # no number says that there is no end
    assert found["demo.apiserver-hang.new"] == ("U", None, "3")
    assert found["node-lost.new"] == ("U", None, "0.15")


def test_odd_words_of_a_fault_stay_text() -> None:
    status, words, figures, long = read(failover(*hostile_faults()))
    assert (status, len(figures), len(long)) == ("CRITICAL", 9, 4)
    assert all(line.isprintable() and "|" not in line for line in (words, *long))


def test_cause_comes_before_what_follows_from_it() -> None:
    first, *lines = to_nagios(stopped_haproxy()).splitlines()
    assert "CRITICAL - lb-2 haproxy.active, lb-2 3 checks, demo haproxy.reached_by_peers |" in first
    assert lines[0].startswith("FAIL lb-2: haproxy.active: ")
    followed = "haproxy.listening, haproxy.stats, keepalived.state (follows from lb-2: haproxy.active)"
    assert lines[1] == f"FAIL lb-2: 3 checks: {followed}"
