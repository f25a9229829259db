"""What a campaign still has to do."""

import argparse

import pytest
from campaigns import failover


@pytest.mark.parametrize(
    ("kept", "repeat", "labs", "hold", "counts"),
    [
        (0, 25, 1, "", [10, 10, 5]),
        (0, 20, 10, "", [2] * 10),
        (97, 100, 2, "", [2, 1]),
        (100, 100, 2, "", []),
        (100, 20, 2, "", []),
        (17, 20, 2, "10m", [1, 1, 1]),
    ],
)
def test_missing_trials_are_spread_over_the_labs(
    monkeypatch: pytest.MonkeyPatch, kept: int, repeat: int, labs: int, hold: str, counts: list[int]
) -> None:
    monkeypatch.setattr(failover, "kept", lambda _settings, _name: [{}] * kept)
    options = argparse.Namespace(settings=[], repeat=repeat, labs=labs, hold=hold)
    assert [*failover.missing(["link-down"], options)] == [("ours", "link-down", count) for count in counts]
