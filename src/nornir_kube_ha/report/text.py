"""A host's words, made fit to be shown: they are read, never obeyed."""

from collections.abc import Iterator
from typing import Protocol


class Told(Protocol):
    """What has something to tell: a finding, or a trouble."""

    @property
    def expected(self) -> str:
        """What should be."""

    @property
    def seen(self) -> str:
        """What is."""

    @property
    def next(self) -> str:
        """What to do about it."""


def parts(told: Told) -> Iterator[tuple[str, str]]:
    """What was expected, what was seen, what to do, each after its title; without what is empty.

    Arguments:
        told: what is told of
    """
    for title, value in (("expected", told.expected), ("seen", told.seen), ("next", told.next)):
        if value:
            yield title, value


def clean(value: str) -> str:
    """Without what would drive a terminal, or what XML cannot hold; lines stay lines.

    Arguments:
        value: anything that a host said
    """
    kept = value.replace("\t", " ")
    # What is printable is a part of what XML 1.0 calls a character, so that one rule serves both.
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in kept)


def indented(value: str) -> str:
    """Clean, and each further line further in.

    Arguments:
        value: anything that a host said
    """
    return clean(value).replace("\n", "\n    ")


def one_line(value: str) -> str:
    """Clean, and on one line.

    Arguments:
        value: anything that a host said
    """
    return " ".join(clean(value).split())
