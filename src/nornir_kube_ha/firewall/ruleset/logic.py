"""Three-valued logic: true, false, and None for unknown."""

from collections.abc import Iterable

Truth = bool | None


def negation(truth: Truth) -> Truth:
    """Return the opposite; None stays None."""
    return None if truth is None else not truth


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return True if any is true, else None if any is unknown, else False.

    Arguments:
        truths: evaluated lazily, up to the first that is true
    """
    unknown = False
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return False if any is false, else None if any is unknown, else True.

    Arguments:
        truths: evaluated lazily, up to the first that is false
    """
    return negation(any_of(negation(truth) for truth in truths))
