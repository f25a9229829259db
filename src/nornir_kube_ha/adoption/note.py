"""What an adopted inventory says otherwise than the hosts' own files, and where a value was found."""

from dataclasses import dataclass
from enum import Enum

from nornir_kube_ha.text import one_line, shortened

LONGEST = 300  # characters of each part


class Kind(Enum):
    """What a deploy does to the thing that a note is about."""

    ENDS = "ends"
    CHANGES = "changes"
    TO_DO = "to do"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file on a host.

    Arguments:
        path: of the file
        line: its number, from 1; 0 for the file as a whole
    """

    path: str
    line: int = 0

    def __str__(self) -> str:
        """Return path and line: `/etc/haproxy/haproxy.cfg line 14`."""
        return f"{self.path} line {self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a deploy of the adopted inventory ends or changes, or that an operator has to settle.

    Arguments:
        kind: what happens to it
        what: the thing, as the hosts' files name it
        effect: what clients or operators notice
        place: where it stands; None if in no file
    """

    kind: Kind
    what: str
    effect: str
    place: Place | None = None

    def __str__(self) -> str:
        """Return the note on one line. All of its text may come from a host."""
        what, effect = (shortened(one_line(part), LONGEST) for part in (self.what, self.effect))
        where = f" ({shortened(one_line(str(self.place)), LONGEST)})" if self.place else ""
        return f"{self.kind.value}: {what}{where}: {effect}"
