"""Text of a file that may be anybody's: bounded before anything reads it."""

from nornir_kube_ha.text import one_line, shortened

MOST_PARSED = 262_144  # bytes; files of ours have some thousand, large haproxy.cfg of others some ten thousand
MOST_NAMES = 8  # listeners or addresses that a message names
LONGEST_NAME = 60  # characters


def text_of(content: bytes) -> str:
    """Return the beginning of a file as text, with newlines as the only line ends.

    Arguments:
        content: its bytes, of any length
    """
    text = content[:MOST_PARSED].decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def listed(names: tuple[str, ...]) -> str:
    """Return names for a message: the first few of them, each on one line and short, and how many more there are.

    Arguments:
        names: words of a host
    """
    shown = ", ".join(shortened(one_line(name), LONGEST_NAME) for name in names[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
