"""Reports to render: what the tests of the formats have in common."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nornir_kube_ha.checks import Finding, Status, unknown_host
from nornir_kube_ha.errors import HostUnreachableError, RefusedConfigError
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report

PASSED = Finding("haproxy.enabled", Status.PASS, "enabled at boot", "enabled")
WARNED = Finding("haproxy.enabled", Status.WARN, "enabled at boot", "not enabled", "run `systemctl enable haproxy`")
FAILED = Finding(
    "haproxy.active",
    Status.FAIL,
    "active (running)",
    "failed (failed)\nhaproxy.service: exited, status=1/FAILURE",
    "read `journalctl -u haproxy`, mend it, then deploy",
)
SKIPPED = Finding("vip.ping", Status.SKIP, "192.0.2.10 answers", "ping is not there")
UNKNOWN = Finding("vip.stats", Status.UNKNOWN, "the stats page answers", "left as it was")
HOLDER = Finding("vip.single_holder", Status.PASS, "exactly one of lb-1, lb-2", "lb-1")

UNREACHABLE = Failure.of(HostUnreachableError("lb-3", "no SSH server answers on 192.0.2.13:22"))
REFUSED = Failure.of(RefusedConfigError("lb-2", "haproxy refuses\n[ALERT] unknown keyword"))

HOSTILE = (
    "\x1b[31mred\x1b[0m \x9b1m\x00\x07 ]]> <script>alert(1)</script> a|b \\|c\\ `one` ``two`` ```three\n"
    "```\n~~~\n# no heading\n| no | cell |\n- no item\n\n> no quote\n<!-- no comment --> &amp; \"quoted\" 'too'\n"
    "[no link](http://example.org) <http://example.org> ![no image](x) *no* _no_ **no** ~~no~~ @nobody #1 :smile:\n"
    "Übel, 試験, \U0001f600 \u202e \ufffe \udcff 'x'=1;2;3 100%\ttab\r\nend"
)
"""What a host might say to be more than text, in every format at once."""


def host(*findings: Finding, failure: Failure | None = None, state: HostState | None = None) -> HostReport:
    return HostReport("demo", "backup", False, findings, failure, address="192.0.2.12", state=state)  # noqa: FBT003


def lost(failure: Failure = UNREACHABLE) -> HostReport:
    """A host that an error ended the work on, as a run reports it."""
    return host(*unknown_host(failure.message), failure=failure)


def report_of(*hosts: HostReport, cluster: tuple[Finding, ...] = (HOLDER,), **changes: Any) -> Report:  # noqa: ANN401
    """A report of these hosts, `lb-1` and on, in the cluster `demo`."""
    whole = Report(
        run_id="0123456789ab",
        runbook="verify",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        finished=datetime(2026, 1, 2, 3, 4, 6, 250_000, tzinfo=UTC),
        hosts={f"lb-{number}": each for number, each in enumerate(hosts, start=1)},
        clusters={"demo": ClusterReport(cluster, "192.0.2.10", 8443, {"lb-1": "192.0.2.11:6443"})},
    )
    return replace(whole, **changes)


def hostile_report(words: str = HOSTILE) -> Report:
    """Every word that a host may have said is hostile, or these."""
    said = [replace(each, seen=words, expected=words) for each in (FAILED, WARNED, SKIPPED, UNKNOWN)]
    state = HostState(words, True, {words: "UP", "lb-2": words})  # noqa: FBT003
    return report_of(
        host(*said, state=state),
        lost(Failure("RefusedConfigError", words, 1)),
        host(failure=Failure("HostUnreachableError", words, 4)),
        cluster=(replace(HOLDER, status=Status.FAIL, seen=words, next=words),),
    )
