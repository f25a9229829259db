"""Sanitizing and shortening of text from hosts and inventories before it is shown."""

from collections.abc import Collection
from itertools import islice

MOST_READ = 20_000  # characters, a few hundred lines
MOST_NAMED = 8  # hosts in a line of progress


def clean(value: str) -> str:
    """Return the text with each control or other unprintable character replaced; newlines stay."""
    kept = value.replace("\t", " ")
    # Printable characters are a subset of XML 1.0's Char, so the result is safe for terminals and for JUnit files.
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in kept)


def indented(value: str) -> str:
    """Return the cleaned text with all lines but the first indented by four spaces."""
    return clean(value).replace("\n", "\n    ")


def one_line(value: str) -> str:
    """Return the cleaned text on one line, with runs of white space collapsed."""
    return " ".join(clean(value).split())


def bounded(value: str) -> str:
    """Return the text shortened to `MOST_READ` characters.

    Arguments:
        value: output of a host. Mask secrets first: a secret that the cut splits would not be found any more
    """
    return shortened(value, MOST_READ)


def shortened(value: str, most: int) -> str:
    """Return the text; if it is too long, its beginning and end with the number of characters left out.

    Arguments:
        value: any text
        most: characters to keep
    """
    if len(value) <= most:
        return value
    half = most // 2
    return f"{value[:half]}[{len(value) - 2 * half} more characters]{value[-half:]}"


def named(hosts: Collection[str]) -> str:
    """Return hosts' names for a line of progress: all of a few, the first of many: `lb-1, lb-2 and 997 more`."""
    if len(hosts) <= MOST_NAMED:
        return ", ".join(hosts)
    first = MOST_NAMED // 2
    return f"{', '.join(islice(hosts, first))} and {len(hosts) - first} more hosts"
