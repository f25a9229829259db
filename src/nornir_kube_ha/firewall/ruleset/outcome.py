"""What may come of a statement, a rule or a chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

End = Literal["element", "statement", "rule", "return", "accept", "drop"]
"""On with the next element of a verdict map, the next statement, the next rule, behind the jump; or a verdict."""

ANYWHERE: tuple[End, ...] = ("statement", "rule", "return", "accept", "drop")
"""Where a statement may end of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What may come of a part of a ruleset.

    Arguments:
        ends: where it may end, each with the words that say why; more than one if that cannot be told
        doubt: what would have to be understood to tell, "" if there is one end
    """

    ends: Mapping[End, str]
    doubt: str = ""

    def then(self, through: End, rest: "Outcome") -> "Outcome":
        """What may come of this part and the one behind it.

        Arguments:
            through: the end that leads to the part behind
            rest: what may come of that
        """
        if through not in self.ends:
            return self
        ends = {**{end: words for end, words in self.ends.items() if end != through}, **rest.ends}
        return Outcome(ends, (rest.doubt or self.doubt) if len(ends) > 1 else "")


def certain(end: End, words: str = "") -> Outcome:
    """An outcome that is sure.

    Arguments:
        end: where it ends
        words: why
    """
    return Outcome({end: words})


def either(doubt: str, *ends: End) -> Outcome:
    """An outcome that cannot be told.

    Arguments:
        doubt: what would have to be understood
        ends: where it may end
    """
    return Outcome(dict.fromkeys(ends, doubt), doubt)


def in_turn(parts: Iterable[Outcome], through: End, last: Outcome) -> Outcome:
    """What may come of parts that follow one another; none is asked behind one that cannot be passed.

    Arguments:
        parts: the parts, in order
        through: the end that leads from each to the next
        last: what comes behind all of them
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
