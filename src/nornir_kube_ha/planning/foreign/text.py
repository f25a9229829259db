"""Limits for the text of a file of unknown origin, applied before anything parses it."""

from nornir_kube_ha.text import one_line, shortened

MOST_PARSED = 262_144  # bytes; ours have a few thousand, large foreign haproxy.cfg files tens of thousands
MOST_NAMES = 8  # listeners or addresses named in a message
LONGEST_NAME = 60  # characters


def text_of(content: bytes) -> str:
    """Return the first 256 KiB of a file as text, with all line ends as newlines."""
    text = content[:MOST_PARSED].decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def listed(names: tuple[str, ...]) -> str:
    """Return names for a message: the first few, shortened to one line each, and the number of the others.

    Arguments:
        names: untrusted text from a host
    """
    shown = ", ".join(shortened(one_line(name), LONGEST_NAME) for name in names[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
