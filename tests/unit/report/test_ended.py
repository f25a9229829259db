"""A run that did not go to its end has not passed: declined, or interrupted."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.reports import PASSED, host, report_of
from tests.support.world import World

from nornir_kube_ha.cli.confirm import ask
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, DeclinedError
from nornir_kube_ha.report import Failure, to_json
from nornir_kube_ha.report.files import FORMATS
from nornir_kube_ha.report.formats.nagios import nagios_status

ENDS: dict[BaseException, int] = {
    DeclinedError("aborted before removing anything; pass --yes to skip the question"): 2,
    KeyboardInterrupt(): INTERRUPTED,
    SystemExit(TERMINATED): TERMINATED,
}


@pytest.mark.field_report(
    "F2",
    "found by trial",
    "the guide has no report",
    "a declined or interrupted run is not passed in any format, and its exit code says which",
)
@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_no_format_calls_it_passed(error: BaseException) -> None:
    whole = report_of(host(PASSED))
    ended = replace(whole, error=Failure.of(error))
    assert (whole.passed, ended.passed, ended.exit_code) == (True, False, ENDS[error])
    assert json.loads(to_json(ended))["passed"] is False
    assert nagios_status(ended) == 3
    texts = {name: render(ended) for name, (_, render) in FORMATS.items()}
    assert {"NOT PASSED" in texts[name] for name in ("terminal", "markdown")} == {True}
    assert "<title>Not passed" in texts["html"]
    assert "Every check that was made passed" not in texts["html"]
    assert 'kube_ha_run_passed{runbook="verify"} 0' in texts["prometheus"]
    assert 'errors="1"' in texts["junit"]
    assert texts["nagios"].startswith("KUBE-HA UNKNOWN - run ")
    assert all(Failure.of(error).type in text for name, text in texts.items() if name != "prometheus")


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_run_that_ends_after_a_look_keeps_what_it_found(
    world: World, run_of: Callable[..., Run], error: BaseException
) -> None:
    run = run_of("upgrade")
    run.look()
    assert run.report().passed
    run.interrupt(error)
    report = run.report()
    assert (report.passed, report.exit_code) == (False, ENDS[error])
    assert world.steps
    assert {part.status for part in report.hosts.values()} == {"passed"}


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")], ids=["closed", "no terminal"])
def test_no_terminal_counts_as_no(monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(DeclinedError, match="stdin is not a terminal"):
        ask("Go on? ")
