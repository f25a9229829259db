"""Reports to render: what the tests of the formats have in common."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nornir_kube_ha.checks import HOST_CHECKS, Finding, Status, unknown_host
from nornir_kube_ha.errors import HostUnreachableError, RefusedConfigError
from nornir_kube_ha.failover.api_outage import api_cost
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.outage import FOREVER, Attempt, Holding, Span, outage, reused_outage
from nornir_kube_ha.failover.probe.settings import CACHED, CUT, READ, WATCH, WRITE
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial, exceeded
from nornir_kube_ha.report import ClusterReport, Failure, HostReport, HostState, Report

PASSED = Finding("haproxy.enabled", Status.PASS, "enabled at boot", "enabled")
WARNED = Finding("haproxy.enabled", Status.WARN, "enabled at boot", "not enabled", "run `systemctl enable haproxy`")
FAILED = Finding(
    "haproxy.active",
    Status.FAIL,
    "active (running)",
    "failed (failed)\nhaproxy.service: exited, status=1/FAILURE",
    "read `journalctl -u haproxy`, fix the cause, then run deploy",
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


def every_finding(**changed: Finding) -> tuple[Finding, ...]:
    """Every check of a host passed, but those given by their ids with `_` for the dot."""
    return tuple(
        changed.get(check.id.replace(".", "_"), Finding(check.id, Status.PASS, check.meaning, "it is"))
        for check in HOST_CHECKS
    )


def stopped_haproxy() -> Report:
    """A report on lb-1, that passes, and lb-2, whose haproxy is stopped: all other failures follow from that."""
    ids = ("haproxy.listening", "haproxy.stats", "keepalived.state")
    follow = {each.replace(".", "_"): replace(FAILED, id=each, cause="lb-2: haproxy.active") for each in ids}
    unreached = replace(HOLDER, id="haproxy.reached_by_peers", status=Status.FAIL, cause="lb-2: haproxy.active")
    stopped = host(*every_finding(haproxy_active=FAILED, **follow))
    return report_of(host(*every_finding()), stopped, cluster=(HOLDER, unreached))


def verified(hosts: int = 3, **parts: HostReport) -> Report:
    """Report on so many hosts of one cluster, all well but those given by their names with `_` for `-`."""
    names = [f"lb-{number}" for number in range(1, hosts + 1)]
    roles = ["master", *["backup"] * (hosts - 1)]
    return Report(
        run_id="0123456789ab",
        runbook="verify",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        finished=datetime(2026, 1, 2, 3, 4, 6, 250_000, tzinfo=UTC),
        hosts={
            name: parts.get(name.replace("-", "_"), HostReport("demo", role, False, every_finding()))  # noqa: FBT003
            for name, role in zip(names, roles, strict=True)
        },
        clusters={"demo": ClusterReport((Finding("vip.single_holder", Status.PASS, "exactly one", "lb-1"),))},
    )


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


LIMIT = Limit(seconds=0.15, moves=1)
STEP = 0.02  # seconds between two attempts of the client

Lost = Sequence[tuple[float, float]]


def asked(lost: Lost = (), since: float = -1.0, step: float = STEP, connection: int | None = None) -> Iterator[Attempt]:
    """A request every so often for ten seconds. Those that begin in one of these times are refused."""
    for number in range(round(10 / step)):
        start = round(since + number * step, 6)
        error = "refused" if any(begin <= start < end for begin, end in lost) else ""
        yield Attempt(start, round(start + 0.004, 6), error, connection)


def kept(lost: Lost = (), count: int = 4) -> Iterator[Attempt]:
    """The same over long-lived connections, each of which asks more seldom."""
    for number in range(count):
        yield from asked(lost, since=-1.0 + number * 0.013, step=0.05, connection=number)


def trial_of(
    attempts: Iterable[Attempt],
    *spans: Span,
    limit: Limit = LIMIT,
    heal: float = 5.0,
    **changes: Any,  # noqa: ANN401
) -> Trial:
    """A trial that was measured, as the failover test does it."""
    tries = tuple(attempts)
    during = [each for each in tries if each.start < heal]
    after = [each for each in tries if each.start >= heal]
    holding = Holding(spans, -1.0, 9.0)
    trial = Trial(
        "demo",
        "lb-1",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        Outcome.PASSED,
        new=outage((each for each in during if each.is_new), made=0.03),
        reused=reused_outage(during, made=0.03),
        after=outage(each for each in after if each.is_new),
        after_reused=reused_outage(after),
        made=0.03,
        heal=heal,
        healed=heal + 0.4,
        holding=holding,
        before="lb-1",
        holder=", ".join(holding.holders(8.9)),
        late=0.001,
        attempts=tries,
    )
    over = exceeded(limit, trial)
    return replace(trial, exceeded=over, outcome=Outcome.MISSED if over else Outcome.PASSED, **changes)


def handed_over(seconds: float = 0.08, limit: Limit = LIMIT, **changes: Any) -> Trial:  # noqa: ANN401
    """The first node loses the VIP to the second, and a client loses some of its requests."""
    lost = [(0.02, 0.02 + seconds)]
    spans = Span("lb-1", -1.0, 0.05), Span("lb-2", 0.07, FOREVER)
    return trial_of((*asked(lost), *kept(lost)), *spans, limit=limit, **changes)


def through_api(**changes: Any) -> Trial:  # noqa: ANN401
    """The same as clients of the Kubernetes API see it: one of two watches hears nothing for ten seconds."""
    tried = [
        Attempt(each.start, each.end, each.error, kind=kind)
        for kind in (READ, CACHED, WRITE)
        for each in asked([(0, 0.2)])
    ]
    heard = [Attempt(each.end, each.end + 0.01, connection=0, kind=WATCH) for each in tried if each.kind == WRITE]
    deaf = [Attempt(0.25, 10.25, connection=1, kind=WATCH), Attempt(10.2, 10.2, "timeout", 1, kind=CUT)]
    whole = handed_over()
    attempts = (*whole.attempts, *tried, *heard, *deaf)
    return replace(whole, api=api_cost(attempts), attempts=attempts, **changes)


def split_brain(**changes: Any) -> Trial:  # noqa: ANN401
    """Two nodes hold the VIP, and the client is answered now and then; it is cut off once more as that ends."""
    lost = [(0.04, 0.5), (0.62, 0.84), (0.9, 1.4), (5.2, 5.5)]
    spans = Span("lb-1", -1.0, 5.25), Span("lb-2", 0.9, 5.6), Span("lb-1", 5.5, FOREVER)
    return trial_of((*asked(lost), *kept(lost)), *spans, target="lb-1", **changes)


UNMADE = replace(
    Trial("demo", "kube-2", datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC), Outcome.NOT_INJECTED, before="lb-1"),
    words="the apiserver answers all the same\nwithin 5 s; see `systemctl status kubelet`",
)
UNHEALED = replace(
    handed_over(FOREVER),
    outcome=Outcome.NOT_HEALED,
    exceeded=(),
    healed=None,
    words="lb-1 does not answer any more",
)
UNENDING = replace(handed_over(FOREVER), target="lb-1, lb-2")
SURVIVED = FaultReport(
    "haproxy-kill", "all haproxy processes on the VIP holder are killed at once", LIMIT, (handed_over(),)
)
MISSED = FaultReport(
    "keepalived-hang", "keepalived hangs on the holder, which keeps the VIP", LIMIT, (handed_over(), split_brain())
)
NOT_INJECTED = FaultReport("apiserver-hang", "one apiserver hangs", Limit(seconds=3.0, moves=0), (UNMADE,))
NOT_HEALED = FaultReport("node-power-off", "the holder loses its power", Limit(seconds=1.0), (UNHEALED,))
NEVER_MADE = FaultReport("node-lost", "the holder is lost", LIMIT, ())
UNENDED = FaultReport("haproxy-stop", "haproxy is stopped on the VIP holder", LIMIT, (handed_over(), UNENDING))
FAULTS = (SURVIVED, MISSED, NOT_INJECTED)


def failover(*faults: FaultReport, **changes: Any) -> Report:  # noqa: ANN401
    """What a failover test leaves: a cluster that is well again, and these faults."""
    return report_of(host(PASSED), runbook="failover_test", faults=faults, **changes)


def hostile_faults(words: str = HOSTILE) -> tuple[FaultReport, ...]:
    """Every name and every word is hostile, or these."""
    spans = Span(words, -1.0, 0.5), Span(f"{words} ", 0.2, FOREVER)
    lost = trial_of(asked([(0.02, 4.0)]), *spans, cluster=words, target=words, before=words, words=words)
    return tuple(
        FaultReport(words, words, LIMIT, (replace(lost, outcome=outcome, exceeded=(words,)),)) for outcome in Outcome
    )
