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
