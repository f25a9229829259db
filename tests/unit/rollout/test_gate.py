"""Gates of several hosts, waited for together."""

from collections.abc import Collection
from typing import cast

import pytest

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.rollout import gate
from nornir_kube_ha.rollout.gate import Gate, pass_gates

WELL_AFTER = 3.0  # seconds
HANGS = 30.0  # seconds until a host is given up
ILL = Finding("keepalived.state", Status.FAIL, "MASTER", "INIT")


class Clock:
    """A clock, and a run whose looks take long when one of its hosts hangs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def look_at_each(self, names: Collection[str]) -> dict[str, BaseException]:
        self.seen = self.now
        self.now += HANGS if "hung" in names else 0.2
        return {"hung": HostUnreachableError("hung", "no answer")} if "hung" in names else {}

    def log_in_again(self, _: str) -> None:
        """Nothing is held."""


def test_a_host_that_hangs_makes_no_other_one_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(gate, "time", clock)
    monkeypatch.setattr(Gate, "new", lambda *_: [] if clock.seen >= WELL_AFTER else [ILL])
    one = Gate((), frozenset())
    assert [*pass_gates(cast("Run", clock), {"hung": one, "well": one})] == ["hung"]
