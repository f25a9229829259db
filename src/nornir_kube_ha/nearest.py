"""Hints for misspelt names: `did you mean lb-1?`."""

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches

CLOSE = 0.6
"""Least similarity of a hint, from 0 to 1. 0 always finds one, where any known name helps more than none."""


def did_you_mean(given: str, known: Iterable[str], otherwise: str = "", *, cutoff: float = CLOSE) -> str:
    """Return `did you mean NAME?` with the known name that is nearest, or `otherwise` if none is close.

    Arguments:
        given: what was typed
        known: valid names
        otherwise: what to return without a hint
        cutoff: least similarity, from 0 to 1
    """
    return _question(get_close_matches(given, [*known], n=1, cutoff=cutoff)) or otherwise


def hint(unknown: Iterable[str], known: Collection[str]) -> str:
    """Return `; did you mean lb-1, lb-2?` for the end of an error, or "" if no known name is close.

    Where two names are equally close, as lb-1 and lb-2 are to lb-9, there is no hint.

    Arguments:
        unknown: what was typed
        known: valid names
    """
    question = _question(near for each in unknown for near in _nearest(each, known))
    return question and f"; {question}"


def _nearest(given: str, known: Collection[str]) -> list[str]:
    first, *others = get_close_matches(given, known, n=2, cutoff=CLOSE) or [""]
    is_clear = all(_similarity(given, each) < _similarity(given, first) for each in others)
    return [first] if first and is_clear else []


def _similarity(given: str, name: str) -> float:
    return SequenceMatcher(None, name, given).ratio()


def _question(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return listed and f"did you mean {listed}?"
