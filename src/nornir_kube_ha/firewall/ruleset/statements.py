"""nft's statements: those without a verdict, and a short text for those not understood."""

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
CONDITIONS = frozenset({"connlimit", "ct count", "limit", "meter", "quota"})  # depend on earlier packets
REWRITTEN = frozenset({"daddr", "dport", "protocol", "saddr", "sport"})  # a write to these makes it another packet

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
    """Return what kind of iptables extension a statement is; nft does not print an extension's arguments.

    Arguments:
        body: nft's JSON, with type and name; None before nft 1.0.7
        is_last: whether it is the last statement of its rule, as targets are
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
    """Return a short text for an expression or a statement, in nft's words.

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
