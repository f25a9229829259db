"""Print to stdout whatever is not a report, without the control characters that hosts or inventories may send."""

import sys
from collections.abc import Iterable

from nornir_kube_ha.text import clean


def show(lines: Iterable[str]) -> None:
    """Print lines to stdout, without control characters.

    Arguments:
        lines: each without its newline
    """
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    sys.stdout.flush()
