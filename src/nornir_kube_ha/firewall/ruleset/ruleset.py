"""nft's tables, chains and rules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MET = {4: frozenset({"inet", "ip"}), 6: frozenset({"inet", "ip6"})}
"""Table families that a packet meets, by IP version."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Arguments:
        handle: its number, as `nft --handle list` shows it
        comment: its comment, "" if there is none
        statements: its matches and actions, as JSON
    """

    handle: int
    comment: str
    statements: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain.

    Arguments:
        name: name of the chain
        hook: hook of a base chain; "" for a chain that rules jump to
        priority: priority of a base chain; lower ones are called first
        policy: verdict of a base chain, `accept` or `drop`, for packets that no rule decides on
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
        name: name of the table
        dormant: whether its base chains are disabled; None if unknown
        chains: chains by name
        sets: elements of its sets and maps, as JSON, by name
    """

    family: str
    name: str
    dormant: bool | None = False
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the table in nft's syntax: `table inet filter`."""
        return f"table {self.family} {self.name}"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A listed ruleset.

    Arguments:
        tables: the tables that IP packets meet
    """

    tables: tuple[Table, ...]

    def base_chains(self, hook: str, version: int = 4) -> Iterator[tuple[Table, Chain]]:
        """Yield the base chains of a hook in the order in which the kernel calls them.

        Arguments:
            hook: `prerouting`, `input`, `output` or `postrouting`
            version: IP version of the packet
        """
        awake = (table for table in self.tables if not table.dormant and table.family in MET[version])
        called = [(table, chain) for table in awake for chain in table.chains.values() if chain.hook == hook]
        yield from sorted(called, key=lambda pair: pair[1].priority)
