"""Parser for what scripts on hosts answer: named sections, as tasks/section.sh prints them. No I/O."""

from collections.abc import Iterator, Mapping

MOST_DIGITS = 20  # of 2**64: no size, time or count on a host is longer, and floats overflow at 309 digits


def whole(text: str) -> int:
    """Parse an integer that a host printed.

    Raises:
        ValueError: not an integer, or longer than `MOST_DIGITS`
    """
    if len(text) > MOST_DIGITS:
        raise ValueError(f"expected at most {MOST_DIGITS} digits, got {len(text)}")
    return int(text)


def sections_of(text: str, nonce: str) -> dict[str, str]:
    """Return each section's text by its name; of several with one name, the last. See `list_sections`."""
    return dict(list_sections(text, nonce))


def list_sections(text: str, nonce: str) -> list[tuple[str, str]]:
    """Return the name and the text of each section.

    Arguments:
        text: the script's whole output; text that a login shell prints around it is ignored
        nonce: word that marks section lines

    Raises:
        ValueError: the output is truncated
    """
    lines = "\n" + text.replace("\r\n", "\n")
    parts = (part.partition("\n") for part in lines.split(f"\n@{nonce} ")[1:])
    *sections, (last, _) = [("(none)", ""), *((name, body.strip("\n")) for name, _, body in parts)]
    if last != "end":
        raise ValueError(f"the output ends in section {last}")
    return sections[1:]


def sections_about(kind: str, sections: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """Yield the sections whose name begins with a word, like `file PATH MODE ...`.

    Arguments:
        kind: the first word of the name
        sections: all sections

    Yields:
        The other words of the name, and the text
    """
    for name, body in sections.items():
        if name.startswith(f"{kind} "):
            yield name.split()[1:], body
