"""Validation of an inventory's YAML files before Nornir reads them, since Nornir ignores unknown keys.

A misspelt `groups:`, for example, would silently take a host out of its cluster. Malicious files are refused too. Each
problem names file and line.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nornir_kube_ha.errors import Problem

FILES: Mapping[str, str] = MappingProxyType({"host": "hosts.yaml", "group": "groups.yaml", "defaults": "defaults.yaml"})
"""File names in an inventory's folder, by kind, as in Nornir's SimpleInventory."""
MAX_SIZE = 4 * 2**20  # bytes; enough for ten thousand hosts with their own data
MAX_VALUES = 1_000_000  # after aliases are expanded; limits a "billion laughs" file
PLAIN = "tag:yaml.org,2002:"
PLAIN_TAGS = frozenset(
    PLAIN + name
    for name in ("binary", "bool", "float", "int", "map", "merge", "null", "seq", "set", "str", "timestamp")
)
LEVEL_KEYS = frozenset({"hostname", "port", "username", "password", "platform", "data", "connection_options"})
CONNECTION_KEYS = frozenset({"hostname", "port", "username", "password", "platform", "extras"})


class _RefusedError(Exception):
    """A file is refused as a whole."""

    def __init__(self, node: Node | None, message: str) -> None:
        super().__init__(message)
        self.line = node.start_mark.line + 1 if node else 0


def problems_of_files(folder: Path) -> Iterator[Problem]:
    """Yield the syntax and structure problems of an inventory's files; the content of `data` is not validated here.

    Arguments:
        folder: the inventory's folder; missing files are not a problem
    """
    for kind, name in FILES.items():
        path = folder / name
        if not path.is_file():
            continue
        try:
            root = _composed(path)
            _refuse_harm(root)
            for node, message in _problems(kind, root):
                yield _problem(path, node.start_mark.line + 1, message)
        except _RefusedError as error:
            yield _problem(path, error.line, str(error))


def group_names(folder: Path) -> list[str]:
    """Return the names of the groups of an inventory's folder; empty without a valid groups.yaml.

    Arguments:
        folder: the inventory's folder
    """
    path = folder / FILES["group"]
    try:
        root = _composed(path) if path.is_file() else None
    except _RefusedError:
        return []
    return [str(key.value) for key, _ in root.value] if isinstance(root, MappingNode) else []


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem("", f"{path} line {line}" if line else str(path), message)


def _composed(path: Path) -> Node | None:
    """Parse a file into YAML nodes, which have line numbers; return None if it is empty."""
    if (size := path.stat().st_size) > MAX_SIZE:
        raise _RefusedError(None, f"has {size} bytes, expected at most {MAX_SIZE}")
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        refused = _RefusedError(None, " ".join(filter(None, (error.context, error.problem))) or "is not valid YAML")
        refused.line = place.line + 1 if place else 0
        raise refused from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise _RefusedError(None, f"is not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise _RefusedError(None, "is nested too deep") from error
    return root


def _refuse_harm(root: Node | None) -> None:
    """Refuse application-specific tags, and aliases that expand to too many values or to themselves."""
    values: dict[int, int] = {}
    open_nodes: set[int] = set()

    def count(node: Node) -> int:
        if id(node) in values:
            return values[id(node)]
        if id(node) in open_nodes:
            raise _RefusedError(node, "contains itself")
        if node.tag not in PLAIN_TAGS:
            raise _RefusedError(node, f"tag {node.tag!r:.60} is not allowed: expected plain data")
        open_nodes.add(id(node))
        found = 1 + sum(map(count, _children(node)))
        open_nodes.discard(id(node))
        if found > MAX_VALUES:
            raise _RefusedError(node, f"expands to more than {MAX_VALUES} values by its aliases")
        values[id(node)] = found
        return found

    if root is not None:
        try:
            count(root)
        except RecursionError as error:
            raise _RefusedError(None, "is nested too deep") from error


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _problems(kind: str, root: Node | None) -> Iterator[tuple[Node, str]]:
    """Yield node and message of each key or value that Nornir would ignore or fail on."""
    if root is None or _is_null(root):
        return
    if not isinstance(root, MappingNode):
        yield root, f"must be a mapping: {'keys' if kind == 'defaults' else f'a {kind} a key'}, got {_kind(root)}"
    elif kind == "defaults":
        yield from _of_level("the defaults", root, root, LEVEL_KEYS)
    else:
        for key, value in root.value:
            yield from _of_level(f"{kind} {key.value!r:.60}", key, value, LEVEL_KEYS | {"groups"})


def _of_level(name: str, place: Node, node: Node, known: frozenset[str]) -> Iterator[tuple[Node, str]]:
    if not isinstance(node, MappingNode):
        yield place, f"{name} must be a mapping, for example {{hostname: 192.0.2.11}}, got {_kind(node)}"
        return
    for key, value in node.value:
        if key.tag == f"{PLAIN}merge":
            continue
        if key.value not in known:
            keys = ", ".join(sorted(known))
            yield key, f"{name} has an unknown key {key.value!r:.60}, which Nornir would ignore; known keys: {keys}"
        elif wrong := _wrong_value(key.value, value):
            yield key, f"{key.value} of {name} must be {wrong}, got {_kind(value)}"
        elif key.value == "connection_options":
            for connection, options in value.value:
                where = f"connection {connection.value!r:.60} of {name}"
                yield from _of_level(where, connection, options, CONNECTION_KEYS)


def _wrong_value(key: str, value: Node) -> str:
    """Return what a key's value must be; "" if it is valid."""
    if key == "groups":
        names = value.value if isinstance(value, SequenceNode) else [value]
        right = isinstance(value, SequenceNode) and all(isinstance(each, ScalarNode) for each in names)
        return "" if right else "a list of names, for example [kube]"
    if key == "connection_options" or (key == "data" and not _is_null(value)):
        return "" if isinstance(value, MappingNode) else "a mapping"
    return ""


def _is_null(node: Node) -> bool:
    return bool(node.tag == f"{PLAIN}null")


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return "nothing" if _is_null(node) else f"{node.value!r:.60}"
