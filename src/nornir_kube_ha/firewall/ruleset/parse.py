"""Parse the output of `nft --json list` into tables, chains and rules. No I/O."""

import json
import re
from collections.abc import Iterator

from nornir_kube_ha.firewall.ruleset.ruleset import Chain, Rule, Ruleset, Table

MOST_TEXT = 2_000_000  # characters; facts.sh prints no more
_SPACE = re.compile(r"\s*")
FAMILIES = frozenset(
    {"inet", "ip", "ip6"}
)  # other families see no IP packets, or not in the hooks of the host's own stack
NAMES = {  # keys that name each kind of item, owners first
    "table": ("family", "name"),
    "chain": ("family", "table", "name"),
    "set": ("family", "table", "name"),
    "map": ("family", "table", "name"),
    "rule": ("family", "table", "chain"),
}

Body = dict[str, object]


def parse_ruleset(text: str) -> Ruleset:
    """Parse nft's output, and keep the tables of families that IP packets meet.

    Arguments:
        text: one or more outputs of `nft --json list table` or `nft --json list ruleset`, one after another

    Raises:
        ValueError: the text is empty, truncated, or not nft's JSON
    """
    tables: dict[tuple[object, object], Table] = {}
    items = [item for document in _documents(text) for item in _items(document)]
    for kind, body in sorted(items, key=lambda item: list(NAMES).index(item[0])):  # owners first
        name = body[NAMES[kind][1]]
        table = tables.setdefault((body["family"], name), Table(str(body["family"]), str(name)))
        _keep(table, kind, body)
    return Ruleset(tuple(tables.values()))


def _documents(text: str) -> Iterator[object]:
    decoder, end = json.JSONDecoder(), 0
    text = text.strip()
    if not text:
        raise ValueError("nft printed nothing; expected at least an empty ruleset")
    if len(text) > MOST_TEXT:
        raise ValueError(f"nft printed {len(text)} characters, expected at most {MOST_TEXT}")
    while end < len(text):
        try:
            document, end = decoder.raw_decode(text, _SPACE.match(text, end).end())  # type: ignore[union-attr]  # or ""
        except (ValueError, RecursionError) as error:
            raise ValueError(f"nft printed invalid JSON: {error}") from error
        yield document


def _items(document: object) -> Iterator[tuple[str, Body]]:
    items = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f'nft\'s JSON: expected a list of items in "nftables", got {json.dumps(document)[:80]}')
    for kind, body in (pair for item in items for pair in item.items() if pair[0] in NAMES):
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in NAMES[kind]):
            raise ValueError(f"nft's JSON has a {kind} without a name: {json.dumps(body)[:80]}")
        if body["family"] in FAMILIES:
            yield kind, body


def _keep(table: Table, kind: str, body: Body) -> None:
    name = str(body["chain" if kind == "rule" else "name"])
    if kind == "table":
        table.dormant = _is_dormant(body.get("flags"))
    elif kind == "chain":
        table.chains[name] = _chain(name, body)
    elif kind == "rule":
        if name not in table.chains:
            raise ValueError(f"nft's JSON has a rule of chain {name}, {table}, but not that chain")
        table.chains[name].rules.append(_rule(body))
    else:
        table.sets[name] = _elements(body.get("elem", []), f"{kind} {name}, {table}")


def _is_dormant(flags: object) -> bool | None:
    """Return whether a table's flags say so; None for nft 1.0.6, which prints the table's name instead of its flags."""
    words = {str(flag) for flag in flags} if isinstance(flags, list) else {str(flags or "owner")}
    if "dormant" in words:
        return True
    return None if words - {"owner", "persist"} else False


def _chain(name: str, body: Body) -> Chain:
    hook, priority, policy = body.get("hook", ""), body.get("prio", 0), body.get("policy", "accept")
    if not isinstance(hook, str) or not isinstance(priority, int) or str(policy) not in {"accept", "drop"}:
        raise ValueError(f"nft's JSON has a chain {name} with hook {hook}, prio {priority}, policy {policy}")
    return Chain(name, hook, priority, "drop" if policy == "drop" else "accept", [])


def _rule(body: Body) -> Rule:
    match body:
        case {"handle": int(handle), "expr": [*statements]}:
            return Rule(handle, str(body.get("comment", "")), tuple(statements))
    raise ValueError(f"nft's JSON has a rule without handle or expr: {json.dumps(body)[:80]}")


def _elements(listed: object, where: str) -> tuple[object, ...]:
    if not isinstance(listed, list):
        raise ValueError(f"nft's JSON has no list of the elements of {where}")  # noqa: TRY004 - what was read is wrong
    return tuple(listed)
