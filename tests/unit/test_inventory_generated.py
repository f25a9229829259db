"""Inventories that were made up, to do harm: each is taken, and renders, or it is refused in words.

Some of them here; `make generated-inventories` does ten thousand.
"""

import copy
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from nornir.core import Nornir
from tests.unit.changes import NONCE
from tests.unit.conftest import DATA, DEFAULTS, GROUP, HOSTS
from tests.unit.test_inventory_hostile import HOSTILE, text_fields

from nornir_kube_ha.errors import InventoryError, UsageError
from nornir_kube_ha.facts import parse_facts
from nornir_kube_ha.intent import Intent, Node
from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.inventory_files import FILES
from nornir_kube_ha.runbooks.selection import open_inventory
from nornir_kube_ha.secret import STORE
from nornir_kube_ha.tasks import render_config

EXAMPLES = int(os.environ.get("KUBE_HA_EXAMPLES", "150"))
CANARY = "executed"
SPITE = (
    *HOSTILE.values(),
    *(form.format(f"touch {CANARY}") for form in ("$({})", "`{}`", "; {}", "| {} |", "{{{{ cycler.__init__ }}}} {}")),
    *("../../../etc/shadow", "/dev/zero", "/dev/stdin", "\u202e", "\ufeff", "\u200b", "-", "~", "*x", "&x", "!x", "<<"),
    *("0", "-1", "1e999", "yes", "null", "192.0.2.256", "::", "0.0.0.0/0", "255.255.255.255/32"),
)
KNOWN = tuple(sorted(set(text_fields(Node))))
LONG = "-long-"  # is long where it is written
TEXT = st.sampled_from(SPITE) | st.just(LONG) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SECRET = st.fixed_dictionaries({}, optional=dict.fromkeys(("env", "file", "pass", "prompt"), TEXT))
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | SECRET,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
Tree = dict[str, Any]
Place = tuple[str | int, ...]


def base() -> Tree:
    """A good inventory: what each file holds."""
    return copy.deepcopy(
        {
            "host": {
                name: {"hostname": f"192.0.2.1{number}", "groups": ["kube"], "data": data}
                for number, (name, data) in enumerate(HOSTS.items(), 1)
            },
            "group": {"kube": {"username": "root", "data": GROUP, "connection_options": {"netmiko": {"extras": {}}}}},
            "defaults": {"platform": "linux", "data": DEFAULTS},
        }
    )


def places(tree: object, here: Place = ()) -> Iterator[Place]:
    """Every place in a tree, its own last."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*here, key))
    yield here


@st.composite
def inventories(draw: st.DrawFn) -> Tree:
    """A good inventory with some things put right in the wrong places."""
    tree = base()
    for _ in range(draw(st.integers(1, 3))):
        here = draw(st.sampled_from([place for place in places(tree) if place]))
        holder: Any = tree
        for key in here[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["set", "set", "delete", "add", "known"])):
            case "set":
                holder[here[-1]] = draw(VALUE)
            case "delete" if len(here) > 1:
                del holder[here[-1]]
            case "add" if isinstance(holder, dict):
                holder[draw(TEXT)] = draw(VALUE)
            case _:  # a key that there is, with what it may not hold
                set_data(tree, draw(st.sampled_from(KNOWN)), draw(VALUE))
    return tree


def set_data(tree: Tree, path: str, value: object) -> None:
    data = tree["defaults"].get("data") if isinstance(tree["defaults"], dict) else None
    *sections, last = path.split(".")
    for key in sections:
        data = data.setdefault(key, {}) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data[last] = value


def taken(folder: Path) -> tuple[Nornir, Intent] | None:
    """What an inventory means; none if it is refused, in words that a person can do something with."""
    try:
        nornir = open_inventory(folder)
        return nornir, load_intent(nornir)
    except (InventoryError, UsageError) as refused:
        error = refused
    if isinstance(error, InventoryError):
        for problem in error.problems:
            assert problem.message
            assert problem.host or problem.key or problem.message.startswith("no host of the inventory"), problem
    words = str(error)
    assert words
    assert all(line.isprintable() for line in words.splitlines()), words
    assert len(words) < 100_000
    return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("generated")
    shutil.copy(DATA / "ca.crt", found)
    return found


@pytest.fixture(autouse=True)
def _elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(STORE, "false")


def test_what_is_made_up_starts_from_what_is_good(folder: Path) -> None:
    write(folder, base())
    assert taken(folder)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(inventories())
def test_taken_and_rendered_or_refused_in_words(folder: Path, tree: Tree) -> None:
    write(folder, tree)
    found = taken(folder)
    event("taken" if found else "refused")
    if found:
        render(*found)
    assert sorted(path.name for path in folder.iterdir()) == sorted(["ca.crt", *FILES.values()])


def write(folder: Path, tree: Tree) -> None:
    for kind, name in FILES.items():  # JSON is YAML
        text = json.dumps(tree[kind], ensure_ascii=False).replace(LONG, "x" * 100_000)
        (folder / name).write_text(text, encoding="utf-8")


def render(nornir: Nornir, intent: Intent) -> None:
    facts = parse_facts((DATA / "facts-bare.txt").read_text(encoding="utf-8"), NONCE)
    node = intent.nodes[0]
    outcome = nornir.filter(name=node.name).run(render_config, intent=intent, facts={node.name: facts})[node.name][0]
    if outcome.exception:
        raise outcome.exception
    for file in outcome.result:
        assert all(line.isprintable() for line in file.content.replace("\t", " ").splitlines()), file.path
