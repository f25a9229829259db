"""Words of others, made fit to be shown: they are read, never obeyed."""

MOST_READ = 20_000  # characters: some hundred lines


def clean(value: str) -> str:
    """Without what would drive a terminal, or what XML cannot hold; lines stay lines.

    Arguments:
        value: anything that a host or an inventory said
    """
    kept = value.replace("\t", " ")
    # What is printable is a part of what XML 1.0 calls a character, so that one rule serves both.
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in kept)


def indented(value: str) -> str:
    """Clean, and each further line further in.

    Arguments:
        value: anything that a host or an inventory said
    """
    return clean(value).replace("\n", "\n    ")


def one_line(value: str) -> str:
    """Clean, and on one line.

    Arguments:
        value: anything that a host or an inventory said
    """
    return " ".join(clean(value).split())


def bounded(value: str) -> str:
    """What somebody may still read: a host may have said more than a terminal shows in a minute.

    Arguments:
        value: anything that a host said, without secrets: half a one would not be found any more
    """
    return shortened(value, MOST_READ)


def shortened(value: str, most: int) -> str:
    """The beginning and the end of what is too long to be read.

    Arguments:
        value: any text
        most: characters that it may have
    """
    if len(value) <= most:
        return value
    half = most // 2
    return f"{value[:half]}[{len(value) - 2 * half} more characters]{value[-half:]}"
