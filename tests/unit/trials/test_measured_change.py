"""A change under load: what it reports, and what its trial says if the change itself did not pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self, cast

import pytest
from tests.support.reports import PASSED, host, lost, report_of

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.report import Report
from nornir_kube_ha.trials import measured_change
from nornir_kube_ha.trials.client_runner import Client
from nornir_kube_ha.trials.fault_injectors import ChangeInjector

FAULT = FaultReport("deploy", "the new state is deployed", Limit(failed=0), ())
TRIAL = Trial("demo", "demo", datetime.now(UTC), Outcome.PASSED)


@dataclass
class FakeMeasurement:
    """Makes the change, and says of each that it cost what it is told."""

    cost: Outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def trial(self, limit: Limit, injector: ChangeInjector, seconds: float, keep: Callable[[Trial], None]) -> None:
        assert (limit, seconds) == (FAULT.limit, 0.0)
        injector.inject()
        keep(replace(TRIAL, outcome=self.cost))


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, intent: Intent) -> Callable[..., tuple[Report | None, list[FaultReport]]]:
    def make(change: Callable[[], Report], cost: Outcome = Outcome.PASSED) -> tuple[Report | None, list[FaultReport]]:
        kept: list[FaultReport] = []
        monkeypatch.setattr(measured_change, "Measurement", lambda *_: FakeMeasurement(cost))
        monkeypatch.setattr(Client, "here", lambda _node, config: config)
        run = cast("Run", None)
        return measured_change.measure_change(run, intent.clusters[0], FAULT, change, kept.append), kept

    return make


def test_change_that_costs_nothing_has_passed(measure: Callable[..., Any]) -> None:
    report, [fault] = measure(lambda: report_of(host(PASSED)))
    assert report.passed
    assert (fault.name, fault.outcome, fault.trials) == ("deploy", Outcome.PASSED, (TRIAL,))


def test_change_that_does_not_pass_has_missed_even_if_no_request_failed(measure: Callable[..., Any]) -> None:
    report, [fault] = measure(lambda: report_of(lost()))
    assert not report.passed
    assert (fault.outcome, fault.trials[0].exceeded) == (Outcome.MISSED, ("the change itself did not pass",))


def test_cost_of_a_change_that_does_not_pass_is_kept(measure: Callable[..., Any]) -> None:
    _, [fault] = measure(lambda: report_of(lost()), Outcome.NOT_HEALED)
    assert fault.outcome is Outcome.NOT_HEALED


def test_accepted_outage_may_have_any_length() -> None:
    limit = Limit(failed=0, moves=0)
    assert measured_change.limit_of_change(limit, is_outage_accepted=False) == limit
    assert measured_change.limit_of_change(limit, is_outage_accepted=True).words == ""
