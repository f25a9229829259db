"""The campaigns' command line, and what a campaign still has to do."""

import argparse
import subprocess
import sys

import pytest
from campaigns import failover
from campaigns.shared.record import ROOT


def test_every_campaign_is_listed_with_what_it_does() -> None:
    command = [sys.executable, "-m", "campaigns", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {path.stem.replace("_", "-") for path in (ROOT / "campaigns").glob("[!_]*.py")}
    assert names
    assert {name for name in names if f"\n    {name}" not in shown} == set()


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
