"""pydantic's errors as problems of the inventory: with the inventory's key and the setting's meaning."""

from collections.abc import Iterator, Mapping
from typing import get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent import Node, Settings
from nornir_kube_ha.inventory.merge import FOREIGN_KEYS
from nornir_kube_ha.nearest import did_you_mean

FOLLOWS = "default_factory_not_called"  # pydantic's error type for a default that depends on an invalid field


OF_A_MAPPING = "[key]"  # pydantic's last word in the location of a mapping's key

PER_HOST_KEYS = frozenset({"name"})  # set from Nornir's host, not from its data


def problems_of(host: str, error: ValidationError) -> list[Problem]:
    """Return what pydantic refused in a host's data.

    Arguments:
        host: its name
        error: pydantic's
    """
    return [_problem(host, details) for details in _causes(error)]


def _causes(error: ValidationError) -> Iterator[ErrorDetails]:
    """Yield pydantic's errors without consequential ones, like a section's error caused by an error in its item."""
    found = error.errors()
    locations = [details["loc"] for details in found]
    for details in found:
        depth = len(details["loc"])
        spoilt = any(len(other) > depth and other[:depth] == details["loc"] for other in locations)
        if details["type"] != FOLLOWS and not spoilt:
            yield details


def _problem(host: str, details: ErrorDetails) -> Problem:
    """Return a pydantic error as a problem with the inventory's key and the field's docstring."""
    location = details["loc"][:-1] if details["loc"][-1:] == (OF_A_MAPPING,) else details["loc"]
    key = ".".join(str(part) for part in location)
    models = list(_models_along(location))
    if details["type"] == "extra_forbidden":
        return Problem(host, key, _unknown_key(str(location[-1]), models[-1], top_level=len(location) == 1))
    field = models[-1].model_fields.get(str(location[-1])) if location else None
    meaning = models[-1].meaning(str(location[-1])) if field else ""
    hint = f" ({meaning})" if meaning else ""
    if details["type"] == "missing":
        return Problem(host, key, f"is missing{hint}")
    reason = details["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("valid tuple", "list")
    value = details["input"]
    # A value given instead of a section may be the secret that belongs into it.
    may_be_shown = isinstance(value, str | int | float) and not (field and _model_in(field.annotation))
    shown = f"{value!r} " if may_be_shown and not any("password" in str(part) for part in location) else ""
    return Problem(host, key, f"{shown}{reason}{hint}")


def _models_along(location: tuple[int | str, ...]) -> Iterator[type[Settings]]:
    """Yield the models along a location, from `Node` down to the one with the last key."""
    model: type[Settings] = Node
    yield model
    parts = iter(location[:-1])
    for part in parts:
        field = model.model_fields.get(str(part))
        if field and get_origin(field.annotation) is Mapping:
            next(parts, None)  # the user's own name for an item
        inner = _model_in(field.annotation) if field else None
        if inner:
            model = inner
            yield model


def _model_in(annotation: object) -> type[Settings] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _unknown_key(key: str, model: type[Settings], *, top_level: bool) -> str:
    known = sorted(set(model.model_fields) - (PER_HOST_KEYS if top_level else set()))
    message = f"is unknown; {did_you_mean(key, known, cutoff=0)}"
    return f"{message} (if it belongs to other automation, list it under {FOREIGN_KEYS})" if top_level else message
