"""Text that would end a word, a line or a block of a configuration file, or be run by a shell, gets into no field.

The fields are found in the models, so that one that is added later is tried too.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from nornir.core import Nornir
from pydantic import BaseModel, SecretStr

from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.intent import Node
from nornir_kube_ha.inventory import load_intent

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]

HOSTILE = {
    "newline": "a\nb",
    "final newline": "a\n",
    "carriage return": "a\rb",
    "NUL": "a\0b",
    "escape": "a\x1b[31mb",
    "line separator": "a\u2028b",
    "double quote": 'a"b',
    "single quote": "a'b",
    "brace": "a}b",
    "block": "a { b }",
    "command": "$(reboot)",
    "backquotes": "`reboot`",
    "variable": "${HOME}",
    "template": "{{ a }}",
    "comment": "a #b",
    "separator": "a;b",
    "backslash": "a\\",
    "blank": " ",
    "nothing": "",
}
# haproxy's own syntax, which the owner of the inventory writes as it is: it needs quotes and braces. One line it stays.
LINES = {
    "haproxy.log",
    "haproxy.stats.log",
    "haproxy.global_lines",
    "haproxy.defaults_lines",
    "haproxy.listener_lines",
}
NO_LINE = {"newline", "final newline", "carriage return", "NUL", "escape", "line separator", "blank", "nothing"}
# keepalived's: a command line with arguments, or a line; nothing that opens a block, a string or a comment.
KEEPALIVED_LINES = {"keepalived.check.script", "keepalived.global_lines", "keepalived.instance_lines"}
NO_KEEPALIVED_LINE = NO_LINE | {
    *("double quote", "single quote", "brace", "block", "variable", "template", "comment", "backslash")
}
# Read as a path of the controller and as a secret: test_inventory_errors.py, test_inventory_passwords.py.
ELSEWHERE = {"apiserver_ca", "haproxy.stats.password"}
PER_HOST = {"name"}  # not of the data


def text_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted path of each field that takes text, whatever becomes of it."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = [
            kind
            for kind in (field.annotation, *get_args(field.annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if inner:
            yield from text_fields(inner[0], f"{path}.")
        elif field.annotation not in {int, float, bool, SecretStr, int | None}:
            yield path


FIELDS = sorted(set(text_fields(Node)) - ELSEWHERE - PER_HOST)


def refused(path: str) -> set[str]:
    """The hostile texts that may not stand there."""
    return NO_LINE if path in LINES else NO_KEEPALIVED_LINE if path in KEEPALIVED_LINES else set(HOSTILE)


def data_with(path: str, value: object) -> dict[str, Any]:
    """The data that has a value at a dotted path."""
    head, _, rest = path.partition(".")
    if head == "apiservers":
        return {"apiservers": [{"address": "192.0.2.11", rest: value}, {"address": "192.0.2.12"}]}
    if rest:
        return {head: data_with(rest, value)}
    return {head: value}


def test_fields_are_found() -> None:
    assert {"cluster", "interface", "vip", "apiservers.name", "haproxy.balance", "haproxy.timeouts.check"} <= set(
        FIELDS
    )
    assert set(FIELDS) >= LINES | KEEPALIVED_LINES


@pytest.mark.parametrize("path", FIELDS)
def test_hostile_text_is_refused(nornir_of: NornirOf, path: str) -> None:
    accepted = []
    for name in sorted(refused(path)):
        value = HOSTILE[name]
        # `log` of the stats page is one line, `log` of haproxy is several.
        given: Any = [value] if path.endswith("_lines") or path == "haproxy.log" else value
        data = data_with(path, given)
        try:
            load_intent(nornir_of({"lb-3": data}))
        except InventoryError as error:
            # A value that is taken comes to the rules between nodes, which may refuse it too: for another reason.
            by_itself = [
                each for each in error.problems if not re.search(r"differs from|already|has one node", each.message)
            ]
            if any(re.sub(r"\.\d+", "", each.key) == path for each in by_itself if each.host == "lb-3"):
                continue
        accepted.append(name)
    assert accepted == []


@pytest.mark.parametrize("path", FIELDS)
def test_refusal_shows_no_control_character(problems_of: ProblemsOf, nornir_of: NornirOf, path: str) -> None:
    given: Any = ["a\x1b[31m\nb"] if path.endswith("_lines") or path == "haproxy.log" else "a\x1b[31m\nb"
    problems = problems_of(nornir_of({"lb-3": data_with(path, given)}))
    assert all(problem.message.isprintable() for problem in problems), problems


def test_lines_of_ones_own_may_use_haproxys_syntax(nornir_of: NornirOf) -> None:
    line = 'http-request set-header X-Peer "%[src]" if { src 10.0.0.0/8 } # ours'
    intent = load_intent(nornir_of(group={"haproxy": {"listener_lines": [line]}}))
    assert intent.nodes[0].haproxy.listener_lines == (line,)
