"""What a failover test understands on its command line beside what every runbook does."""

import argparse
from typing import Any

import pytest

from nornir_kube_ha.cli.confirm import ask
from nornir_kube_ha.cli.lists.faults import fault_lines
from nornir_kube_ha.cli.options.failover import add_failover_options, failover_arguments
from nornir_kube_ha.cli.options.runbook import add_check_options, add_options
from nornir_kube_ha.failover.faults import FAULTS

UNLESS_GIVEN = {
    "faults": (),
    "repeat": 1,
    "hold": None,
    "limit": None,
    "vantage": "",
    "rate": 50,
    "connections": 10,
    "kubeconfig": None,
    "confirm": ask,
}


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="failover_test.py")
    add_options(parser, add_failover_options)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--fault", "link-down", "--fault", "haproxy-*"], {"faults": ("link-down", "haproxy-*")}),
        (["--all"], {"faults": None}),
        (["--repeat", "20"], {"repeat": 20}),
        (["--hold", "10m"], {"hold": 600.0}),
        (["--hold", "0"], {"hold": 0.0}),
        (["--limit-seconds", "150ms"], {"limit": 0.15}),
        (["--limit", "lb-1"], {}),
        (["--list-hosts"], {}),
        (["--yes"], {"confirm": None}),
        (["--vantage", "kube-1"], {"vantage": "kube-1"}),
        (["--rate", "100"], {"rate": 100}),
        (["--connections", "2"], {"connections": 2}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_understood(arguments: list[str], options: dict[str, Any]) -> None:
    assert failover_arguments(parsed(*arguments)) == {**UNLESS_GIVEN, **options}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--repeat", "0"], "expected a number of 1 or more, got '0'"),
        (["--rate", "0.5"], "expected a number of 1 or more, got '0.5'"),
        (["--connections", "0"], "expected a number of 1 or more, got '0'"),
        (["--hold", "soon"], "expected a time, for example 30s, 2m or 500ms (seconds without a unit), got 'soon'"),
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


@pytest.mark.parametrize("lists", [True, False])
def test_list_is_not_an_argument_of_the_runbook(*, lists: bool) -> None:
    options = parsed(*["--list"] * lists)
    assert options.list_faults is lists
    assert failover_arguments(options) == UNLESS_GIVEN


def test_other_runbooks_list_no_faults() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, add_check_options)
    assert parser.parse_args([]).list_faults is False


def test_every_fault_is_listed_with_its_place_and_its_limit() -> None:
    lines = list(fault_lines())
    assert [line.split()[0] for line in lines[::2]] == list(FAULTS)
    listed = dict(zip(FAULTS, zip(lines[::2], lines[1::2], strict=True), strict=True))
    assert "  lab only   " in listed["node-off"][0]
    assert "  any hosts  " in listed["link-down"][0]
    assert all(FAULTS[name].meaning in first for name, (first, _) in listed.items())
    assert all(second.strip() == FAULTS[name].limit.words for name, (_, second) in listed.items())
