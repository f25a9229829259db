"""The frame of what `facts.sh` prints: sections by name."""

from collections.abc import Iterator, Mapping

MOST_DIGITS = 20  # 2**64 has as many; a longer number is no size, time or count of a host, and no float holds it


def whole(text: str) -> int:
    """A whole number that a host printed.

    Arguments:
        text: its digits

    Raises:
        ValueError: it is none, or none that a host could count
    """
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def sections_of(text: str, nonce: str) -> dict[str, str]:
    """Each section's text, by its name.

    Arguments:
        text: the script's whole output, whatever a login shell printed around it
        nonce: the word that section lines begin with

    Raises:
        ValueError: the output is cut short
    """
    sections: dict[str, str] = {}
    name = ""
    lines = "\n" + text.replace("\r\n", "\n")
    for part in lines.split(f"\n@{nonce} ")[1:]:
        name, _, body = part.partition("\n")
        sections[name] = body.strip("\n")
    if name != "end":
        raise ValueError(f"the output ends in section {name or '(none)'}")
    return sections


def sections_about(kind: str, sections: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """Sections whose name begins with a word: `file PATH MODE ...`.

    Arguments:
        kind: that word
        sections: all of them

    Yields:
        The name's other words, and the text
    """
    for name, body in sections.items():
        if name.startswith(f"{kind} "):
            yield name.split()[1:], body
