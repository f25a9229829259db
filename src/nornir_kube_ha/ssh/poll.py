"""Wait for input, in a process with any number of open files."""

import math
import select


def is_readable(descriptor: int, seconds: float | None) -> bool:
    """Return whether there is input, or its end, before the time is over.

    `select.select` refuses descriptors above 1023, which the logins of a few hundred hosts exceed.

    Arguments:
        descriptor: of a file, a pipe or a socket
        seconds: how long to wait; None waits forever

    Raises:
        ValueError: it is closed
    """
    if descriptor < 0:
        raise ValueError("the file is closed")
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(None if seconds is None else math.ceil(seconds * 1000)))
