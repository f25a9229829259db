"""Possible results of a statement, a rule or a chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

End = Literal["element", "statement", "rule", "return", "accept", "drop"]
"""Continue with the next element of a verdict map, the next statement, the next rule, after the jump; or a verdict."""

ANYWHERE: tuple[End, ...] = ("statement", "rule", "return", "accept", "drop")
"""Possible ends of a statement that is not understood."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Possible results of a part of a ruleset.

    Arguments:
        ends: possible ends, each with its reason; more than one if the result is uncertain
        doubt: what is not understood, "" if there is one end
    """

    ends: Mapping[End, str]
    doubt: str = ""

    def then(self, through: End, rest: "Outcome") -> "Outcome":
        """Return the outcome of this part followed by another.

        Arguments:
            through: the end that leads to the next part
            rest: outcome of the next part
        """
        if through not in self.ends:
            return self
        ends = {**{end: words for end, words in self.ends.items() if end != through}, **rest.ends}
        return Outcome(ends, (rest.doubt or self.doubt) if len(ends) > 1 else "")


def certain(end: End, words: str = "") -> Outcome:
    """Return an outcome with one end.

    Arguments:
        end: the end
        words: the reason
    """
    return Outcome({end: words})


def either(doubt: str, *ends: End) -> Outcome:
    """Return an uncertain outcome.

    Arguments:
        doubt: what is not understood
        ends: the possible ends
    """
    return Outcome(dict.fromkeys(ends, doubt), doubt)


def in_turn(parts: Iterable[Outcome], through: End, last: Outcome) -> Outcome:
    """Return the outcome of consecutive parts; parts after one that nothing gets through are not evaluated.

    Arguments:
        parts: the parts, in order
        through: the end that leads from each part to the next
        last: outcome after the last part
    """
    met = []
    for part in parts:
        met.append(part)
        if through not in part.ends:
            break
    outcome = last
    for part in reversed(met):
        outcome = part.then(through, outcome)
    return outcome
