"""What a runbook understands on its command line."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from nornir_kube_ha.cli.options.runbook import add_change_options, add_check_options, add_options


def parsed(*arguments: str, changes_hosts: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy.py")
    add_options(parser, add_change_options if changes_hosts else add_check_options)
    return parser.parse_args(arguments)


def test_unless_given() -> None:
    assert vars(parsed()) == {
        "inventory": None,
        "filters": [],
        "limit": [],
        "list_hosts": False,
        "dry_run": False,
        "diff": False,
        "verbosity": 0,
        "forks": None,
        "output": "terminal",
        "only_failed": False,
        "report_dir": None,
        "check": (),
        "skip": (),
        "former": (),
        "list_faults": False,
        "list_generations": False,
        "history": None,
        "notify": None,
    }


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["-i", "inv"], {"inventory": Path("inv")}),
        (["--inventory", "inv"], {"inventory": Path("inv")}),
        (["--filter", "role=backup"], {"filters": [("role", "backup")]}),
        (
            ["--filter", "role=backup", "--filter", "cluster=demo"],
            {"filters": [("role", "backup"), ("cluster", "demo")]},
        ),
        (["--filter", "note=a=b"], {"filters": [("note", "a=b")]}),
        (["--filter", "note="], {"filters": [("note", "")]}),
        (["-l", "lb-1"], {"limit": ["lb-1"]}),
        (["--limit", "lb-1,lb-2"], {"limit": ["lb-1", "lb-2"]}),
        (["--limit", "lb-1, lb-2,", "-l", "lb-3"], {"limit": ["lb-1", "lb-2", "lb-3"]}),
        (["--list-hosts"], {"list_hosts": True}),
        (["--dry-run"], {"dry_run": True}),
        (["--check"], {"dry_run": True}),  # Ansible's word for it
        (["--check", "--diff"], {"dry_run": True, "diff": True}),
        (["-v"], {"verbosity": 1}),
        (["-vv"], {"verbosity": 2}),
        (["--forks", "1"], {"forks": 1}),
        (["--output", "json"], {"output": "json"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_understood(arguments: list[str], options: dict[str, Any]) -> None:
    assert vars(parsed(*arguments)) == {**vars(parsed()), **options}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "role"], "expected KEY=VALUE, for example role=backup, got 'role'"),
        (["--filter", "=backup"], "expected KEY=VALUE, for example role=backup, got '=backup'"),
        (["--filter", ""], "expected KEY=VALUE, for example role=backup, got ''"),
        (["--limit", ""], "expected host names, for example lb-1,lb-2, got ''"),
        (["--limit", " , "], "expected host names, for example lb-1,lb-2, got ' , '"),
        (["--forks", "0"], "expected a number of 1 or more, got '0'"),
        (["--forks", "-1"], "--forks"),
        (["--forks", "many"], "expected a number of 1 or more, got 'many'"),
        (["--output", "yaml"], "'yaml'"),
        (["lb-1"], "lb-1"),
        (["--dry-runs"], "--dry-runs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_not_understood(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--dry-run", "--check", "--diff"])
def test_runbook_that_changes_nothing_has_no_dry_run(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(option, changes_hosts=False)
    assert caught.value.code == 2
    assert option in capsys.readouterr().err


def test_runbook_that_changes_nothing_changes_nothing() -> None:
    options = parsed(changes_hosts=False)
    assert (options.dry_run, options.diff) == (False, False)
