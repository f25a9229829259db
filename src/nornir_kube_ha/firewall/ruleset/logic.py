"""Three-valued logic: true, false, and None for what cannot be told."""

from collections.abc import Iterable

Truth = bool | None


def negation(truth: Truth) -> Truth:
    """The opposite, if it is known.

    Arguments:
        truth: what is negated
    """
    return None if truth is None else not truth


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if one is; unknown if none is and one may be.

    Arguments:
        truths: asked for one by one, up to the first that is true
    """
    unknown = False
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def all_of(truths: Iterable[Truth]) -> Truth:
    """False if one is; unknown if none is and one may be.

    Arguments:
        truths: asked for one by one, up to the first that is false
    """
    return negation(any_of(negation(truth) for truth in truths))
