"""Limits for the text of a file of unknown origin, applied before anything parses it."""

MOST_PARSED = 262_144  # bytes; kube-ha's have a few thousand, large foreign haproxy.cfg files tens of thousands
MOST_KEPT = 64  # parsed files; a look at a host asks for the same two again and again


def text_of(content: bytes) -> str:
    """Return the first 256 KiB of a file as text, with all line ends as newlines."""
    text = content[:MOST_PARSED].decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
