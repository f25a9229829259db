"""Where the password of the stats page comes from, which ones are refused, and that none of them is ever shown."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from pydantic import ValidationError

from nornir_kube_ha.cli import prompts
from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.intent import HAProxy
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]
GOOD = "Tr0ub4dor&3-and-more"
KEY = "haproxy.stats.password"


def with_password(password: object) -> dict[str, Any]:
    return {"haproxy": {"stats": {"password": password}}}


def loaded(nornir: Nornir) -> set[str]:
    return {node.haproxy.stats.password.get_secret_value() for node in load_intent(nornir).nodes}


def test_password_as_text(nornir_of: NornirOf) -> None:
    assert loaded(nornir_of(defaults=with_password(GOOD))) == {GOOD}


def test_password_from_the_environment(nornir_of: NornirOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATS_PASSWORD", GOOD)
    assert loaded(nornir_of(defaults=with_password({"env": "STATS_PASSWORD"}))) == {GOOD}


def test_password_from_a_file_beside_the_inventory(nornir_of: NornirOf, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{GOOD}\n")
    nornir = nornir_of(without=["apiserver_ca"], defaults=with_password({"file": "secret"}), folder=tmp_path)
    assert loaded(nornir) == {GOOD}


@pytest.mark.parametrize(
    ("password", "right"),
    [
        ("123456", "well-known"),  # the guide's
        ("Administrator", "well-known"),
        ("PASSWORD", "well-known"),
        ("elevenchars", "12 characters or more"),
        ("", "is empty"),
        ("with a space in it", "without spaces"),
        ("with-a-'-quote-in-it", "without spaces and '"),
        ("with-a-newline\nin-it", "printable ASCII"),
        ("with-a-nul-\0-in-it", "printable ASCII"),
        ("mit-einem-Ümläut", "printable ASCII"),
        (123456789012, "valid string"),
        (["a-list-of-passwords"], "valid string"),
        (None, "valid string"),
        ({"env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
        ({"file": "no-such-file"}, "No such file"),
        ({"env": "A", "file": "b"}, "one of `env: NAME`, `file: PATH`, `pass: ENTRY`"),
        ({"vault": "kv/haproxy"}, "one of `env: NAME`, `file: PATH`, `pass: ENTRY`"),
        ({}, "one of `env: NAME`, `file: PATH`, `pass: ENTRY`"),
    ],
)
def test_password_that_is_refused(
    nornir_of: NornirOf, problems_of: ProblemsOf, monkeypatch: pytest.MonkeyPatch, password: object, right: str
) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    problems = problems_of(nornir_of(defaults=with_password(password)))
    assert {(problem.host, problem.key) for problem in problems} == {(host, KEY) for host in ("lb-1", "lb-2", "lb-3")}
    assert all(right in problem.message for problem in problems), problems


def test_missing_password_says_where_one_may_stand(nornir_of: NornirOf, problems_of: ProblemsOf) -> None:
    problem = problems_of(nornir_of(defaults={"haproxy": {"stats": {}}}))[0]
    assert problem.key == KEY
    assert "is missing" in problem.message
    assert "env: NAME" in problem.message
    assert "file: PATH" in problem.message


def test_password_of_the_environment_and_of_a_file_must_be_strong_too(
    nornir_of: NornirOf, problems_of: ProblemsOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STATS_PASSWORD", "admin")
    assert "well-known" in problems_of(nornir_of(defaults=with_password({"env": "STATS_PASSWORD"})))[0].message
    (tmp_path / "secret").write_text("two-lines-of\ntext-are-none\n")
    nornir = nornir_of(without=["apiserver_ca"], defaults=with_password({"file": "secret"}), folder=tmp_path)
    assert "printable ASCII" in problems_of(nornir)[0].message


SHORT = "s3cr3t-word"


@pytest.mark.parametrize(
    "defaults",
    [
        with_password(SHORT),
        with_password([SHORT]),
        with_password({"password": SHORT}),
        with_password({"env": SHORT, "file": SHORT}),
        {"haproxy": {"stats": {"password": SHORT, "passwrd": SHORT}}},
        {"haproxy": {"stats": {"pass": SHORT}}},
        {"haproxy": {"stats": {"auth": f"admin:{SHORT}"}}},
        {"haproxy": {"password": SHORT, "stats": {}}},
        {"haproxy": {"stats": SHORT}},
        {"password": SHORT},
    ],
)
def test_what_may_be_a_password_is_in_no_error(nornir_of: NornirOf, defaults: dict[str, Any]) -> None:
    with pytest.raises(InventoryError) as caught:
        load_intent(nornir_of(defaults=defaults))
    assert SHORT not in f"{caught.value} {caught.value!r} {caught.value.problems!r}"


def test_password_that_differs_between_nodes_is_refused_unseen(nornir_of: NornirOf) -> None:
    with pytest.raises(InventoryError) as caught:
        load_intent(nornir_of({"lb-2": with_password(f"{GOOD}-2")}, defaults=with_password(GOOD)))
    assert [(problem.host, problem.key) for problem in caught.value.problems] == [("lb-2", KEY)]
    assert GOOD not in str(caught.value)


@pytest.mark.parametrize("stats", [{"password": SHORT}, {"password": [SHORT]}, {"passwrd": SHORT}, SHORT])
def test_password_is_in_no_error_of_the_models_either(stats: object) -> None:
    with pytest.raises(ValidationError) as caught:
        HAProxy.model_validate({"stats": stats})
    assert SHORT not in f"{caught.value} {caught.value!r}"


def test_password_is_in_no_repr(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of(defaults=with_password(GOOD)))
    assert GOOD not in f"{intent} {intent!r} {intent.nodes[0].model_dump_json()}"


@pytest.mark.field_report("H8")
def test_words_of_a_prompt_drive_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _self: True})())

    def getpass(words: str, **_: object) -> str:
        asked.append(words)
        return "typed"

    monkeypatch.setattr("getpass.getpass", getpass)
    prompts.ask_secret("\x1b[2Jpassword\nroot# " + "x" * 1000)
    [words] = asked
    assert "\x1b" not in words
    assert "\n" not in words
    assert len(words) < 300
