"""Lengths of time in each notation."""

import pytest

from nornir_kube_ha.cli.options.argument_types import seconds
from nornir_kube_ha.duration import Duration, keepalived_seconds


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("10", 10_000), ("500ms", 500_000), ("30s", 30_000_000), ("2m", 120_000_000), ("7us", 7), ("1d", 86_400_000_000)],
)
def test_times_of_haproxy(text: str, microseconds: int) -> None:
    assert Duration.of_haproxy(text) == Duration(microseconds)


def test_keywords_that_count_seconds() -> None:
    assert Duration.of_haproxy("10", bare="s").seconds == 10
    assert Duration.of_haproxy("10ms", bare="s").seconds == 0.01


@pytest.mark.parametrize(
    ("text", "length"), [("1", 1.0), ("0.05", 0.05), (".5", 0.5), ("1.", 1.0), ("0.050", 0.05), ("40.95", 40.95)]
)
def test_times_of_keepalived(text: str, length: float) -> None:
    assert Duration.of_keepalived(text).seconds == length


@pytest.mark.parametrize(
    ("text", "length"), [("30", 30.0), ("30s", 30.0), ("1.5m", 90.0), ("1h", 3600.0), ("500ms", 0.5), ("0.001", 0.001)]
)
def test_times_of_the_command_line(text: str, length: float) -> None:
    assert Duration.of_command_line(text).seconds == seconds(text) == length


@pytest.mark.parametrize("text", ["", "s", "-1", "1 s", "1w", "1.2.3", "1e3", "9" * 11, "1s\n", "²"])
def test_what_is_no_time(text: str) -> None:
    for parse in (Duration.of_haproxy, Duration.of_keepalived, Duration.of_command_line):
        with pytest.raises(ValueError, match="expected a time"):
            parse(text)


@pytest.mark.parametrize(("value", "text"), [(0.05, "0.05"), (1.0, "1"), (0.27, "0.27"), (40, "40")])
def test_seconds_of_a_keepalived_conf(value: float, text: str) -> None:
    assert keepalived_seconds(value) == text


def test_lengths_are_compared() -> None:
    assert Duration.of_haproxy("1s") < Duration.of_haproxy("1001") < Duration.of_command_line("1.002")
