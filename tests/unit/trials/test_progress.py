"""How far a failover test has come."""

import pytest

from nornir_kube_ha.trials.progress import OWN, Progress


def test_rest_is_estimated_by_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0 + 10.0, 20.0, 20.0 + 5.0 + 20.0, 50.0])
    monkeypatch.setattr("nornir_kube_ha.trials.progress.time.monotonic", lambda: next(clock))
    found = Progress([5.0, 5.0, 60.0])
    assert found.begin() == f"1 of 3, about {70 + 3 * OWN:.0f} s left"
    found.end()
    assert found.begin() == "2 of 3, about 85 s left"  # two more faults, and 10 s for each
    found.end()
    assert found.begin() == "3 of 3, about 75 s left"  # 15 s for each, on average


def test_long_rest_is_in_minutes() -> None:
    assert Progress([600.0] * 2).begin() == "1 of 2, about 20 min left"
