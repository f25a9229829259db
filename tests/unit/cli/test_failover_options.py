"""What a failover test understands on its command line beside what every runbook does."""

import argparse

import pytest

from nornir_kube_ha.cli.faults import fault_lines
from nornir_kube_ha.cli.options.failover import FailoverOptions, add_failover_options
from nornir_kube_ha.cli.options.runbook import NO_FAILOVER, add_check_options, add_options, parse_options
from nornir_kube_ha.failover.faults import FAULTS


def parsed(*arguments: str) -> FailoverOptions:
    parser = argparse.ArgumentParser(prog="failover_test.py")
    add_options(parser, add_failover_options)
    return parse_options(parser.parse_args(arguments)).failover


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], FailoverOptions()),
        (["--fault", "link-down", "--fault", "haproxy-*"], FailoverOptions(faults=("link-down", "haproxy-*"))),
        (["--all"], FailoverOptions(every=True)),
        (["--list"], FailoverOptions(list_faults=True)),
        (["--repeat", "20"], FailoverOptions(repeat=20)),
        (["--hold", "10m"], FailoverOptions(hold=600.0)),
        (["--hold", "0"], FailoverOptions(hold=0.0)),
        (["--limit-seconds", "150ms"], FailoverOptions(limit=0.15)),
        (["--limit", "lb-1"], FailoverOptions()),
        (["--list-hosts"], FailoverOptions()),
        (["--yes"], FailoverOptions(yes=True)),
        (["--vantage", "kube-1"], FailoverOptions(vantage="kube-1")),
        (["--rate", "100"], FailoverOptions(rate=100)),
        (["--connections", "2"], FailoverOptions(connections=2)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_understood(arguments: list[str], options: FailoverOptions) -> None:
    assert parsed(*arguments) == options


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--repeat", "0"], "'0' is not a number of 1 or more"),
        (["--rate", "0.5"], "'0.5' is not a number of 1 or more"),
        (["--connections", "0"], "'0' is not a number of 1 or more"),
        (["--hold", "soon"], "'soon' is no time, as 30s, 2m or 500ms"),
        (["--limit-seconds", "-1"], "--limit-seconds"),
        (["--fault"], "--fault"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_not_understood(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_other_runbooks_have_none() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, add_check_options)
    assert parse_options(parser.parse_args([])).failover is NO_FAILOVER


def test_every_fault_is_listed_with_its_place_and_its_limit() -> None:
    lines = list(fault_lines())
    assert [line.split()[0] for line in lines[::2]] == list(FAULTS)
    listed = dict(zip(FAULTS, zip(lines[::2], lines[1::2], strict=True), strict=True))
    assert "  lab only   " in listed["node-off"][0]
    assert "  any hosts  " in listed["link-down"][0]
    assert all(FAULTS[name].meaning in first for name, (first, _) in listed.items())
    assert all(second.strip() == FAULTS[name].limit.words for name, (_, second) in listed.items())
