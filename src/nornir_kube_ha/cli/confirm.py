"""Confirmation before something that cannot be undone."""

import argparse
import sys
from collections.abc import Callable

from nornir_kube_ha.errors import DeclinedError
from nornir_kube_ha.text import clean

Ask = Callable[[str], bool]
"""Takes a question, returns whether the answer is yes."""


def ask(question: str) -> bool:
    """Ask at the terminal, and return whether the answer is yes.

    Arguments:
        question: ends with the possible answers

    Raises:
        DeclinedError: stdin is not a terminal
    """
    if not (sys.stdin and sys.stdin.isatty()):  # None if it was closed before Python started
        raise DeclinedError("cannot ask for confirmation: stdin is not a terminal. Pass --yes to skip the question")
    sys.stderr.write(clean(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def confirmation(parsed: argparse.Namespace) -> Ask | None:
    """Return the function that asks for confirmation, None with `--yes`.

    Arguments:
        parsed: from a parser with a `--yes`
    """
    return None if parsed.yes else ask
