"""nft's statements: which of them decide nothing, and how to name what is not understood."""

from typing import Literal

NEUTRAL = frozenset(
    {
        "comment",
        "counter",
        "ct expectation",
        "ct helper",
        "ct timeout",
        "dup",
        "flow",
        "last",
        "log",
        "map",
        "reset",
        "secmark",
    }
)
CONDITIONS = frozenset({"connlimit", "ct count", "limit", "meter", "quota"})  # they depend on what passed before
REWRITTEN = frozenset({"daddr", "dport", "protocol", "saddr", "sport"})  # to write these is to make another packet

Extension = Literal["neutral", "marks", "match", "reject", "target"]

TARGETS: dict[str, Extension] = {
    "AUDIT": "neutral",
    "CHECKSUM": "neutral",
    "CONNMARK": "marks",
    "CT": "marks",
    "LOG": "neutral",
    "MARK": "marks",
    "NFLOG": "neutral",
    "NOTRACK": "marks",
    "REJECT": "reject",
    "TCPMSS": "neutral",
    "TRACE": "neutral",
}


def extension(body: object, *, is_last: bool) -> Extension:
    """What an iptables extension does, as far as nft says: it never says what the extension compares with.

    Arguments:
        body: what nft prints of it, type and name or, before nft 1.0.7, nothing
        is_last: nothing follows it in its rule, as nothing follows a target
    """
    match body:
        case {"type": "match", "name": "comment"} | {"type": "watcher"}:
            return "neutral"
        case {"type": "target", "name": str(name)}:
            return TARGETS.get(name, "target")
        case {"type": "match"}:
            return "match"
    return "match" if body is None and not is_last else "target"


def described(expression: object) -> str:
    """An expression or a statement in nft's words, short.

    Arguments:
        expression: as JSON
    """
    match expression:
        case {"payload": {"protocol": str(header), "field": str(name)}}:
            words = f"{header} {name}"
        case {"concat": [*parts]}:
            words = " . ".join(described(part) for part in parts)
        case {"&": [left, _]}:
            words = described(left)
        case {"xt": {"type": str(kind), "name": str(name)}}:
            words = f"iptables {kind} {name}"
        case {"xt": _}:
            words = "an iptables extension"
        case {**entries} if entries:
            first, body = next(iter(entries.items()))
            words = f"{first} {body['key']}" if isinstance(body, dict) and "key" in body else f"{first}"
        case _:
            words = " ".join(str(expression).split())
    return words
