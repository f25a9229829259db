"""Generated inventories, valid with unusual settings from the types of the model's fields, or wrong on purpose."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from nornir.core import Nornir
from pydantic import BaseModel, SecretStr

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.errors import InventoryError, UsageError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent, Node
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.fields import Port
from nornir_kube_ha.inventory.files import FILES
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config
from rig.samples import DEFAULTS, GROUP, HOSTS

HOSTILE = {  # appended to a valid value
    "newline": "\nb",
    "final newline": "\n",
    "carriage return": "\rb",
    "NUL": "\0b",
    "escape": "\x1b[31mb",
    "line separator": "\u2028b",
    "double quote": '"b',
    "single quote": "'b",
    "brace": "}b",
    "block": " { b }",
    "command": "$(reboot)",
    "backquotes": "`reboot`",
    "variable": "${HOME}",
    "template": "{{ a }}",
    "comment": " #b",
    "separator": ";b",
    "backslash": "\\",
    "final blank": " ",
}


def text_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of each field that takes text."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = [
            kind
            for kind in (field.annotation, *get_args(field.annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if inner:
            yield from text_fields(inner[0], f"{path}.")
        elif field.annotation not in {int, float, bool, SecretStr, int | None, Port | None, Literal[2, 3]}:
            yield path


CANARY = "executed"
SPITE = (
    *HOSTILE.values(),
    *(form.format(f"touch {CANARY}") for form in ("$({})", "`{}`", "; {}", "| {} |", "{{{{ cycler.__init__ }}}} {}")),
    *("../../../etc/shadow", "/dev/zero", "/dev/stdin", "\u202e", "\ufeff", "\u200b", "-", "~", "*x", "&x", "!x", "<<"),
    *("0", "-1", "1e999", "yes", "null", "192.0.2.256", "::", "0.0.0.0/0", "255.255.255.255/32"),
)
KNOWN = tuple(sorted(set(text_fields(Node))))
LONG = "-long-"  # becomes 100,000 characters in the file
TEXT = st.sampled_from(SPITE) | st.just(LONG) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SECRET = st.fixed_dictionaries({}, optional=dict.fromkeys(("env", "file", "pass", "prompt"), TEXT))
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | SECRET,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
Tree = dict[str, Any]
Place = tuple[str | int, ...]
OWN_LINES = {  # cannot be generated from a type: the daemons' own syntax
    "haproxy.log": (
        "127.0.0.1:514 local0",
        "/dev/log len 4096 format rfc5424 local3 info",
        "stdout format raw local7",
    ),
    "kubeconfig": ("admin.conf", "~/.kube/config"),
    "haproxy.stats.log": ("global", "127.0.0.1:514 local1 err"),
    "haproxy.global_lines": ("maxconn 2000", "nbthread 2", "tune.bufsize 32768", "description ours # and mine"),
    "haproxy.defaults_lines": ("backlog 100", "option dontlognull", "timeout queue 5s", "maxconn 500"),
    "haproxy.listener_lines": ("option clitcpka", "tcp-request connection reject if { src 198.51.100.0/24 }"),
    "keepalived.check.script": ("/usr/bin/true", "/usr/bin/test -d /run", "/etc/keepalived/kube-ha-check-haproxy"),
    "keepalived.global_lines": ("dynamic_interfaces", "vrrp_garp_interval 0.001", "max_auto_priority 50"),
    "keepalived.instance_lines": ("garp_master_delay 2", "accept", "debug 2"),
}
LINES = ("timeout client 1m", "option clitcpka", "maxconn 100")  # of a further listener
SINGLE_LINES = {"kubeconfig", "haproxy.stats.log", "keepalived.check.script"}
PER_NODE = {"address", "interface", "role", "keepalived.priority", "keepalived.router_id", "keepalived.state"}
ELSEWHERE = {"name", "lab", "apiserver_ca", "templates"}  # not in `data`, a lab to enter, files beside the inventory


def good_values(kind: Any, limits: Sequence[Any] = ()) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any type
    """Return a strategy for values that a field's type accepts, as YAML has them.

    Arguments:
        kind: the type
        limits: the rest of its annotation: bounds, a pattern
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return good_values(inner[0], inner[1:])
    if origin in {Union, UnionType}:
        return st.one_of([good_values(each, limits) for each in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in {tuple, Mapping}:
        items = [*map(good_values, inner[: 1 if origin is tuple else 2])]
        return st.lists(*items, min_size=1, max_size=5) if origin is tuple else st.dictionaries(*items, max_size=2)
    if issubclass(kind, BaseModel):
        required = {name for name, field in kind.model_fields.items() if field.is_required()}
        return st.fixed_dictionaries(
            {name: _good_field(kind, name) for name in required},
            optional={name: _good_field(kind, name) for name in kind.model_fields.keys() - required},
        )
    return _good_simple(kind, limits)


def _good_field(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    if name == "lines":
        return st.lists(st.sampled_from(LINES), max_size=2, unique=True)
    field = model.model_fields[name]
    return good_values(field.annotation, field.metadata)


def _good_simple(kind: type, limits: Sequence[Any]) -> st.SearchStrategy[Any]:
    lowest, highest, pattern = (
        next((value for limit in limits if (value := getattr(limit, name, None)) is not None), None)
        for name in ("ge", "le", "pattern")
    )
    if kind is bool:
        return st.booleans()
    if kind in {int, float}:
        bounds = [lowest, highest]
        between = st.integers(lowest, highest) if kind is int else st.floats(lowest, highest).map(lambda n: round(n, 2))
        return st.sampled_from(bounds) | between
    if pattern:
        return st.from_regex(pattern.removesuffix("$") + r"\Z")
    return {
        NoneType: st.none(),
        IPv4Address: st.ip_addresses(v=4).map(str),
        IPv4Interface: st.builds("{}/{}".format, st.ip_addresses(v=4), st.integers(0, 32)),
        IPv4Network: st.just("198.51.100.0/24"),
        IPv6Network: st.just("2001:db8::/64"),
        IPv6Address: st.ip_addresses(v=6).map(str),
        IPv6Interface: st.builds("{}/{}".format, st.ip_addresses(v=6), st.integers(0, 128)),
        SecretStr: st.from_regex(r"\A[!-&(-~]{12,40}\Z"),
    }[kind]


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """Yield the dotted path of each setting, and a strategy for values that its type accepts."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{path}.")
        elif lines := OWN_LINES.get(path):
            line = st.sampled_from(lines)
            yield (
                path,
                line if path in SINGLE_LINES else st.lists(line, max_size=3, unique=True),
            )
        elif path not in ELSEWHERE:
            yield path, _good_field(model, name)


SETTINGS = dict(settings_of(Node))


def base() -> Tree:
    """Return a valid inventory: the content of each file."""
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
    """Yield every place in a tree, its own last."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*here, key))
    yield here


def own_lines() -> Iterator[Tree]:
    """Yield valid inventories that together use all of `OWN_LINES`."""
    for number in range(max(map(len, OWN_LINES.values()))):
        tree = base()
        for path, lines in OWN_LINES.items():
            line = lines[number % len(lines)]
            set_at(tree["group"]["kube"]["data"], path, line if path in SINGLE_LINES else [line])
        yield tree


@st.composite
def unusual(draw: st.DrawFn) -> Tree:
    """Draw a valid inventory in which some settings have other valid values."""
    paths = draw(st.lists(st.sampled_from(sorted(SETTINGS)), min_size=1, max_size=6, unique=True))
    return draw(with_other(paths))


@st.composite
def all_settings(draw: st.DrawFn) -> list[Tree]:
    """Draw valid inventories that together give every setting another valid value, two in each inventory."""
    paths = draw(st.permutations(sorted(SETTINGS)))
    return [draw(with_other(paths[start : start + 2])) for start in range(0, len(paths), 2)]


@st.composite
def with_other(draw: st.DrawFn, paths: Sequence[str]) -> Tree:
    """Draw a valid inventory in which these settings have other values."""
    tree = base()
    for path in paths:
        owner = tree["host"][draw(st.sampled_from(sorted(HOSTS)))] if path in PER_NODE else tree["group"]["kube"]
        set_at(owner["data"], path, draw(SETTINGS[path]))
    return tree


@st.composite
def wrong(draw: st.DrawFn) -> Tree:
    """Draw a valid inventory, then put some valid or random values in wrong places."""
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
            case _:  # a known key with a wrong value
                set_at(tree["defaults"], f"data.{draw(st.sampled_from(KNOWN))}", draw(VALUE))
    return tree


def set_at(data: object, path: str, value: object) -> None:
    """Set a value at a dotted path, if it leads through mappings."""
    *sections, last = path.split(".")
    for key in sections:
        data = data.setdefault(key, {}) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data[last] = value


def write(folder: Path, tree: Tree) -> None:
    """Write an inventory's files."""
    for kind, name in FILES.items():  # JSON is YAML
        text = json.dumps(tree[kind], ensure_ascii=False).replace(LONG, "x" * 100_000)
        (folder / name).write_text(text, encoding="utf-8")


def taken(folder: Path) -> tuple[Nornir, Intent] | None:
    """Return what an inventory means, or None if it is refused. Check that a refusal can be read and names a place."""
    try:
        nornir = open_inventory(folder)
        return nornir, load_intent(nornir)
    except (InventoryError, UsageError) as refused:
        error = refused
    if isinstance(error, InventoryError):
        for problem in error.problems:
            assert problem.message
            assert problem.host or problem.key or problem.message.startswith("expected a host whose data"), problem
    words = str(error)
    assert words
    assert all(line.isprintable() for line in words.splitlines()), words
    assert len(words) < 100_000
    return None


def rendered(nornir: Nornir, intent: Intent, name: str, facts: Facts) -> tuple[ConfigFile, ...]:
    """Return a host's files, and check that all their lines are printable."""
    outcome = nornir.filter(name=name).run(render_config, intent=intent, facts={name: facts})[name][0]
    if outcome.exception:
        raise outcome.exception
    files: tuple[ConfigFile, ...] = outcome.result
    for file in files:
        assert all(line.isprintable() for line in file.content.replace("\t", " ").splitlines()), file.path
    return files
