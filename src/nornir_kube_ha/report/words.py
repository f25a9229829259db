"""Figures and verdicts in the words that all formats share."""

from collections.abc import Iterable, Iterator, Sequence

from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.statistics import Statistics

NO_END = "no end"
NONE = "-"
PASSED = {"pass", "passed"}


def verdict(word: str) -> str:
    """Return the word of a status or an outcome, in capitals unless it passed, so that it stands out without colours.

    Arguments:
        word: status of a check, a host or a cluster, or outcome of a fault
    """
    return str(word) if word in PASSED else word.upper()


def counted(counts: Iterable[tuple[str, int]]) -> str:
    """Return numbers with their words, `3 passed, 1 failed`, without zeros.

    Arguments:
        counts: each word with its number
    """
    return ", ".join(f"{count} {word}" for word, count in counts if count)


def pieces(value: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of one of our own texts, and whether each is a command: those are between backticks."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        yield value, False
    else:
        yield from ((part, bool(number % 2)) for number, part in enumerate(parts) if part)


def figure(seconds: float) -> str:
    """Return seconds as text, with milliseconds below 10 s.

    Arguments:
        seconds: may be infinite
    """
    if seconds == FOREVER:
        return NO_END
    if not seconds:
        return "0"
    return f"{seconds:.3f}" if abs(seconds) < 10 else f"{seconds:.1f}"


def in_seconds(seconds: float) -> str:
    """Return seconds as text with the unit.

    Arguments:
        seconds: may be infinite
    """
    return _with_unit(figure(seconds))


def _with_unit(value: str) -> str:
    return value if value == NO_END else f"{value} s"


def spread(seconds: Sequence[float]) -> tuple[str, ...]:
    """Return a figure over trials: the figure itself if there is one, else median, p99 and maximum.

    Arguments:
        seconds: figure of each trial
    """
    if len(seconds) <= 1:
        return tuple(map(figure, seconds))
    found = Statistics.of(seconds)
    return figure(found.median), figure(found.p99), figure(found.maximum)


def in_words(figures: tuple[str, ...]) -> str:
    """Return an outage over trials in words: `0.080 s`, or `median 0.080 s, p99 0.120 s, max 0.140 s`.

    Arguments:
        figures: one figure, or median, p99 and maximum
    """
    words = [_with_unit(value) for value in figures]
    if len(words) <= 1:
        return "".join(words) or "not measured"
    return ", ".join(f"{name} {value}" for name, value in zip(("median", "p99", "max"), words, strict=True))
