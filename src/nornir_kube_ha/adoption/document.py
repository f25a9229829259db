"""YAML with a comment at each value. Whatever a value or a comment holds, it cannot end its line or become markup."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nornir_kube_ha.text import one_line, shortened

LONGEST_COMMENT = 160  # characters
# What YAML 1.1 and 1.2 both read as this very text without quotes.
_PLAIN = re.compile(
    r"[A-Za-z/][A-Za-z0-9/_.@-]*|[1-9][0-9]{0,9}(?:us|ms|s|m|h|d)|(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?"
)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


@dataclass(frozen=True, slots=True)
class Commented:
    """A value with a comment.

    Arguments:
        value: a scalar, a list or a mapping
        comment: "" for none
    """

    value: object
    comment: str = ""


def to_yaml(head: str, tree: Mapping[str, object]) -> str:
    """Return a YAML document.

    Arguments:
        head: comment above it, a line or more
        tree: of mappings, lists, scalars and `Commented` values
    """
    lines = [f"# {one_line(line)}" for line in head.splitlines()]
    return "\n".join([*lines, *_mapping(tree, "")]) + "\n"


def _mapping(tree: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, given in tree.items():
        value, comment = _apart(given)
        name = f"{indent}{scalar(key)}:"
        if isinstance(value, Mapping) and value and not _is_flow(value):
            yield f"{name}{comment}"
            yield from _mapping(value, f"{indent}  ")
        elif _is_long(value):
            yield f"{name}{comment}"
            yield from _items(value, f"{indent}  ")  # type: ignore[arg-type]  # it is a list
        else:
            yield f"{name} {_flow(value)}{comment}"


def _items(values: Sequence[object], indent: str) -> Iterator[str]:
    for given in values:
        value, comment = _apart(given)
        yield f"{indent}- {_flow(value)}{comment}"


def _apart(given: object) -> tuple[object, str]:
    """Return a value, and its comment as it stands behind it."""
    if not isinstance(given, Commented):
        return given, ""
    words = shortened(one_line(given.comment), LONGEST_COMMENT)
    return given.value, f"  # {words}" if words else ""


def _is_flow(value: Mapping[str, object]) -> bool:
    """Return whether a mapping stands on one line: a reference to a secret does."""
    return len(value) == 1 and all(isinstance(each, str) for each in value.values())


def _is_long(value: object) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and any(isinstance(each, Commented | Mapping) for each in value)  # type: ignore[attr-defined]


def _flow(value: object) -> str:
    if isinstance(value, Commented):
        return _flow(value.value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {_flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_flow, value))}]"
    return scalar(value)


def scalar(value: object) -> str:
    """Return a scalar as YAML has it, in quotes wherever it could be taken for anything else."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value)
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=not text.isprintable())
