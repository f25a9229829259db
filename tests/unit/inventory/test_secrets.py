"""Where secrets come from beside text: the environment, files, a password store, and a person."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from pydantic import SecretStr

from nornir_kube_ha.cli.prompts import ask_secret, fetch_secrets
from nornir_kube_ha.errors import InventoryError
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.secret import STORE, read_secret
from nornir_kube_ha.planning.diff import MASK, masked

NornirOf = Callable[..., Nornir]
GOOD = "Tr0ub4dor&3-and-more"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A password store; what it was asked for is in the file."""
    asked = tmp_path / "asked"
    (tmp_path / "store").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {asked}\n'
        f"case $2 in gone) exit 3;; slow) exec sleep 60;; esac\nprintf '%s\\n' '{GOOD}' 'user: admin'\n"
    )
    (tmp_path / "store").chmod(0o755)
    monkeypatch.setenv(STORE, f"'{tmp_path / 'store'}' show")
    return asked


def password(source: object) -> dict[str, Any]:
    return {"haproxy": {"stats": {"password": source}}}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "source", [GOOD, SecretStr(GOOD), {"pass": "kube-ha/stats"}, {"env": "WORD"}, {"file": "word"}]
)
def test_secret_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: object) -> None:
    monkeypatch.setenv("WORD", GOOD)
    (tmp_path / "word").write_text(f"{GOOD}\n")
    assert read_secret(source, tmp_path).get_secret_value() == GOOD


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"pass": "gone"}, "store ended with exit status 3"),
        ({"pass": "slow"}, "store did not end within 0.2 s"),
        ({"pass": "-a"}, "expected the name of an entry"),
        ({"pass": "a; reboot"}, "expected the name of an entry"),
        ({"pass": "$(reboot)"}, "expected the name of an entry"),
        ({"prompt": "the word"}, "which only runbooks show"),
        ({"pass": ["a"]}, "must be text, or one of"),
        (5, "must be text, or one of"),
    ],
)
def test_secret_that_is_not_there_says_why(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: object, words: str
) -> None:
    monkeypatch.setattr("nornir_kube_ha.inventory.secret.PATIENCE", 0.2)
    with pytest.raises(ValueError, match=words):
        read_secret(source, tmp_path)
    assert not store.exists() or "reboot" not in store.read_text()


def test_store_that_is_not_a_program_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE, "no-such-program")
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        read_secret({"pass": "a"}, tmp_path)


def test_each_secret_is_fetched_once_for_all_hosts(nornir_of: NornirOf, store: Path) -> None:
    typed: list[str] = []

    def ask(words: str) -> str:
        typed.append(words)
        return "open sesame"

    login = {"login": {"password": {"prompt": "SSH password"}, "sudo_password": {"prompt": "SSH password"}}}
    stats = password({"pass": "kube-ha/stats"})
    nornir = nornir_of({"lb-1": {**login, **stats}, "lb-2": login}, group=stats, defaults=password({"env": "UNSET"}))
    fetch_secrets(nornir, ask)
    assert typed == ["SSH password"]
    assert store.read_text() == "show kube-ha/stats\n"
    node = load_intent(nornir).node("lb-1")
    assert node.haproxy.stats.password.get_secret_value() == GOOD
    assert node.login.password
    assert node.login.sudo_password
    assert node.login.sudo_password.get_secret_value() == "open sesame"
    assert "sesame" not in f"{node!r} {nornir.inventory.dict()!r}"
    assert masked("open sesame!", node) == f"{MASK}!"


@pytest.mark.usefixtures("store")
def test_secret_that_the_store_does_not_have_says_whose(nornir_of: NornirOf) -> None:
    with pytest.raises(InventoryError) as caught:
        fetch_secrets(nornir_of({"lb-2": password({"pass": "gone"})}))
    [problem] = caught.value.problems
    assert (problem.host, problem.key) == ("lb-2", "haproxy.stats.password")


def test_nobody_is_asked_where_nobody_is(nornir_of: NornirOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(InventoryError, match="cannot ask for the word"):
        fetch_secrets(nornir_of({"lb-2": password({"prompt": "the word"})}), ask_secret)


@pytest.mark.parametrize("data", [{"haproxy": 5}, {"haproxy": {"stats": []}}, password({"prompt": 5}), password({})])
def test_invalid_inventory_gets_its_own_errors(nornir_of: NornirOf, data: dict[str, Any]) -> None:
    fetch_secrets(nornir_of({"lb-2": data}))


@pytest.mark.parametrize("key", ["password", "sudo_password"])
@pytest.mark.parametrize("value", ["", "two\nlines", "nul\0", 5])
def test_login_password_that_nobody_could_type_is_refused_unseen(nornir_of: NornirOf, key: str, value: object) -> None:
    with pytest.raises(InventoryError) as caught:
        load_intent(nornir_of({"lb-2": {"login": {key: value}}}))
    [problem] = caught.value.problems
    assert (problem.host, problem.key) == ("lb-2", f"login.{key}")
    assert "lines" not in problem.message.replace("one line", "")
