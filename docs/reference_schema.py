"""Write the JSON Schemas of an inventory's files from the models that read them, for editors."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nornir_kube_ha.intent import Apiserver, Backend, Listener, Node, Settings, VirtualRouter
from nornir_kube_ha.inventory.files import CONNECTION_KEYS, LEVEL_KEYS
from nornir_kube_ha.inventory.login_extras import ALLOWED
from nornir_kube_ha.inventory.login_options import CONNECTION
from nornir_kube_ha.inventory.merge import FOREIGN_KEYS
from nornir_kube_ha.inventory.problems import PER_HOST_KEYS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
ITEMS: tuple[type[Settings], ...] = (Apiserver, Backend, VirtualRouter)
"""Models of list items. Lists are not merged, so an item is complete; a section may lack keys at any level."""
SECRET_FORMS = ("env", "file", "pass", "prompt")
INSTEAD: Mapping[str, Schema] = {
    "templates": TEXT,  # the model has the templates themselves, the inventory their folder
    FOREIGN_KEYS: {"type": "array", "items": TEXT, "description": "Keys of `data` that belong to other automation."},
}
"""Keys of `data` whose form differs from the model's."""
FORMATS: Mapping[str, Schema] = {
    "ipv4interface": {**TEXT, "pattern": r"^[0-9.]+/[0-9]+$"},
    "ipv6interface": {**TEXT, "pattern": r"^[0-9A-Fa-f:.]+/[0-9]+$"},
    "password": {
        "anyOf": [
            TEXT,
            {
                "type": "object",
                "properties": dict.fromkeys(SECRET_FORMS, TEXT),
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    },
}
"""Schemas for pydantic's formats that JSON Schema does not have, or that an inventory writes in another way."""


def schema_page(kind: str) -> str:
    """Return the schema of one file as JSON text.

    Arguments:
        kind: `hosts`, `groups` or `defaults`
    """
    level = _level(with_groups=kind != "defaults")
    top = {"type": ["object", "null"], "additionalProperties": {"$ref": "#/definitions/level"}}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{kind}.yaml of a kube-ha inventory",
        **({"$ref": "#/definitions/level"} if kind == "defaults" else top),
        "definitions": {"level": level, **_definitions()},
    }
    return f"{json.dumps(schema, indent=1)}\n"


def _level(*, with_groups: bool) -> Schema:
    """Return the schema of a host, a group or the defaults: Nornir's own keys."""
    options = {**dict.fromkeys(sorted(CONNECTION_KEYS), TEXT), "port": _port(), "extras": {"type": "object"}}
    ours = {**options, "extras": {"type": "object", "propertyNames": {"enum": sorted(ALLOWED)}}}
    keys = {
        **dict.fromkeys(sorted(LEVEL_KEYS), TEXT),
        "port": _port(),
        "data": {"$ref": "#/definitions/Node"},
        "connection_options": {
            "type": "object",
            "properties": {CONNECTION: _closed(ours)},
            "additionalProperties": _closed(options),
        },
    }
    return _closed(keys | ({"groups": {"type": "array", "items": TEXT}} if with_groups else {}))


def _port() -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": 65535}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _definitions() -> Schema:
    """Return the schema of each model by its name; `Node` is the schema of `data`."""
    node = Node.model_json_schema(ref_template="#/definitions/{model}")
    found = {**node.pop("$defs"), "Node": node}
    models = {model.__name__: model for model in _models()}
    return {name: _definition(model, found[name]) for name, model in sorted(models.items())}


def _models() -> Iterator[type[Settings]]:
    yield Node
    yield from ITEMS
    yield Listener
    yield from _sections(Node)


def _sections(model: type[Settings]) -> Iterator[type[Settings]]:
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield field.annotation
            yield from _sections(field.annotation)


def _definition(model: type[Settings], schema: Schema) -> Schema:
    """Return a model's schema as an inventory writes it, with the meaning of each key."""
    properties = {}
    for name, each in schema["properties"].items():
        meaning = {"description": " ".join(model.meaning(name).split())}
        properties[name] = each if "$ref" in each else {**_plain(each), **meaning}
    if model is Node:
        properties = {name: each for name, each in properties.items() if name not in PER_HOST_KEYS}
        templates = {**INSTEAD["templates"], "description": properties["templates"]["description"]}
        properties |= {**INSTEAD, "templates": templates}
        return {"type": ["object", "null"], "properties": properties, **_unless_foreign(properties)}
    needed = {"required": schema["required"]} if model in ITEMS else {}
    return _closed(dict(sorted(properties.items()))) | needed


def _unless_foreign(properties: Schema) -> Schema:
    """Refuse unknown keys of `data`, unless it lists `foreign_keys`: a schema cannot compare keys with that list."""
    return {"if": {"required": [FOREIGN_KEYS]}, "else": {"propertyNames": {"enum": sorted(properties)}}}


def _plain(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return a part of pydantic's schema without titles, sections' defaults and pydantic's own formats."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if instead := FORMATS.get(schema.get("format", "")):
        return instead
    dropped = {"title", "writeOnly"} | ({"default"} if isinstance(schema.get("default"), dict) else set())
    return {key: _plain(value) for key, value in schema.items() if key not in dropped}
