"""Writes docs/settings.md from the models that read the inventory, so that the two agree."""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from nornir_kube_ha.intent import Apiserver, Node
from nornir_kube_ha.inventory import PER_HOST_KEYS

PAGE = Path(__file__).with_name("settings.md")
INTRODUCTION = """\
# Every setting of the inventory

Written by `make docs` from the models that read the inventory. All keys stand in `data` of a host, of a group or of the
defaults; [inventory.md](inventory.md) says how these are merged.

"""
FROM_HOST = {
    "address": "the host's `hostname`",
    "keepalived.router_id": "the host's name",
    "keepalived.priority": "120 for the master; 110, 109, ... for the backups",
    "keepalived.state": "MASTER for the master, BACKUP for the backups; BACKUP for all without `preempt`",
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _table("A host", "", Node)]
    for key, model in _sections("", Node):
        parts.append(_table(f"`{key}`", f"{key}.", model))
    parts.append(_table("An item of `apiservers`", "apiservers.", Apiserver))
    return "\n".join(parts)


def _sections(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if inner := _model_of(field):
            yield f"{prefix}{name}", inner
            yield from _sections(f"{prefix}{name}.", inner)


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(title: str, prefix: str, model: type[BaseModel]) -> str:
    rows = [f"## {title}", "", "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if _model_of(field) or (model is Node and name in PER_HOST_KEYS):
            continue
        default = FROM_HOST.get(f"{prefix}{name}") or _default(field)
        rows.append(f"| `{name}` | {_type(field.annotation)} | {default} | {field.description} |")
    return "\n".join([*rows, ""])


def _default(field: FieldInfo) -> str:
    if field.default_factory:
        return "its address"
    if field.is_required():
        return "**required**"
    value = field.default
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(kind: object) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_type(each) for each in arguments if each is not NoneType)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is Annotated:
        return _type(arguments[0])
    names = {bool: "true or false", int: "number", float: "number", str: "text", SecretStr: "secret"}
    names |= {Apiserver: "mappings"}
    names |= {IPv4Address: "address", IPv4Interface: "address/prefix"}
    return names[kind]  # type: ignore[index]  # a type that no table names is an error here


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stderr.write(f"wrote {PAGE.name}\n")
