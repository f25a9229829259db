"""Asking a person before something that cannot be taken back."""

import sys
from collections.abc import Callable

from nornir_kube_ha.errors import DeclinedError
from nornir_kube_ha.text import clean

Ask = Callable[[str], bool]
"""Is given a question, and answers it."""


def ask(question: str) -> bool:
    """Ask the person at the terminal.

    Arguments:
        question: ends with what can be answered

    Returns:
        Whether they said yes

    Raises:
        DeclinedError: nobody is there
    """
    if not (sys.stdin and sys.stdin.isatty()):  # none where it was closed before we began
        raise DeclinedError("nobody is there to be asked; --yes goes on without asking")
    sys.stderr.write(clean(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
