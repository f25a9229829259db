"""What nft listed: tables, chains and rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MET = {4: frozenset({"inet", "ip"}), 6: frozenset({"inet", "ip6"})}
"""Families of tables that a packet meets, by its version of IP."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Arguments:
        handle: its number, as `nft --handle list` shows it
        comment: its owner's words, "" if there are none
        statements: what it matches and does, as JSON
    """

    handle: int
    comment: str
    statements: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain.

    Arguments:
        name: its name
        hook: of a base chain, where the kernel calls it; "" if only rules jump to it
        priority: of a base chain; the lower ones are called first
        policy: of a base chain: `accept` or `drop`, what becomes of a packet that no rule decides on
        rules: its rules, in order
    """

    name: str
    hook: str
    priority: int
    policy: Literal["accept", "drop"]
    rules: list[Rule]


@dataclass(slots=True)
class Table:
    """A table.

    Arguments:
        family: `inet`, `ip` or `ip6`
        name: its name
        dormant: its base chains are not called; None if that cannot be told
        chains: by name
        sets: elements of its sets and maps, as JSON, by name
    """

    family: str
    name: str
    dormant: bool | None = False
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """`table inet filter`, as nft says."""
        return f"table {self.family} {self.name}"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What nft listed.

    Arguments:
        tables: those that an IP packet meets
    """

    tables: tuple[Table, ...]

    def base_chains(self, hook: str, version: int = 4) -> Iterator[tuple[Table, Chain]]:
        """Chains that the kernel calls, in its order.

        Arguments:
            hook: `prerouting`, `input`, `output` or `postrouting`
            version: of IP, whose packet it calls them for
        """
        awake = (table for table in self.tables if not table.dormant and table.family in MET[version])
        called = [(table, chain) for table in awake for chain in table.chains.values() if chain.hook == hook]
        yield from sorted(called, key=lambda pair: pair[1].priority)
