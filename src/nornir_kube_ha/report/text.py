"""The parts of a finding or trouble, each with its title."""

from collections.abc import Iterator
from typing import Protocol


class Told(Protocol):
    """A finding or a trouble."""

    @property
    def expected(self) -> str:
        """What was expected."""

    @property
    def seen(self) -> str:
        """What was seen."""

    @property
    def next(self) -> str:
        """What to do."""


def parts(told: Told) -> Iterator[tuple[str, str]]:
    """Yield title and text of what was expected, what was seen and what to do, without empty ones."""
    for title, value in (("expected", told.expected), ("seen", told.seen), ("next", told.next)):
        if value:
            yield title, value
