"""Words of others, made fit to be shown: they are read, never obeyed."""


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
