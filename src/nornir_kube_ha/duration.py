"""Lengths of time, as haproxy, keepalived and the command line write them."""

import re
from dataclasses import dataclass

MICROSECONDS = {"us": 1, "ms": 10**3, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
"""Length of each unit."""
_HAPROXY = re.compile(r"(\d{1,10})(us|ms|s|m|h|d)?", re.ASCII)
_KEEPALIVED = re.compile(r"(\d{1,10}(?:\.\d{0,6})?|\.\d{1,6})()", re.ASCII)
_COMMAND_LINE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)?")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time.

    Arguments:
        microseconds: a whole number of them
    """

    microseconds: int

    @classmethod
    def of_haproxy(cls, text: str, bare: str = "ms") -> "Duration":
        """Parse a time of a haproxy.cfg: `30s`, `500ms`, `10`.

        Arguments:
            text: the time
            bare: unit of a number without one; some keywords count seconds

        Raises:
            ValueError: not a time
        """
        return cls._of(_HAPROXY, text, bare)

    @classmethod
    def of_keepalived(cls, text: str) -> "Duration":
        """Parse a time of a keepalived.conf, which is in seconds: `0.05`, `1`.

        Raises:
            ValueError: not a time
        """
        return cls._of(_KEEPALIVED, text, "s")

    @classmethod
    def of_command_line(cls, text: str) -> "Duration":
        """Parse an option's time: `30s`, `1.5m`, `500ms`; seconds without a unit.

        Raises:
            ValueError: not a time
        """
        return cls._of(_COMMAND_LINE, text, "s")

    @classmethod
    def _of(cls, notation: re.Pattern[str], text: str, bare: str) -> "Duration":
        if not (found := notation.fullmatch(text)):
            raise ValueError(f"expected a time, got {text[:40]!r}")
        whole, _, decimals = found[1].partition(".")
        return cls(int(whole + decimals) * MICROSECONDS[found[2] or bare] // 10 ** len(decimals))

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.microseconds / MICROSECONDS["s"]


def keepalived_seconds(seconds: float) -> str:
    """Return seconds as they stand in a keepalived.conf: `0.05`, `1`."""
    return f"{seconds:g}"
