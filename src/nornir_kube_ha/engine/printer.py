"""Each task's own results on stderr, for `-v`: nornir-utils prints them, and its colours stay where they belong."""

import contextlib
import copy
import io
import os
import re
import sys
from itertools import zip_longest

import colorama
from nornir.core.task import AggregatedResult, MultiResult

from nornir_kube_ha.text import clean, shortened

SEVERITIES = (None, 20, 10)  # of logging: what -v and -vv let through
MOST_PRINTED = 200_000  # characters of one result: laying out what a host can say takes minutes and much memory


def print_results(results: AggregatedResult, verbosity: int) -> None:
    """Print what a task found and did on each host.

    Arguments:
        results: of the task
        verbosity: how often `-v` was given; nothing is printed without it
    """
    severity = SEVERITIES[min(verbosity, len(SEVERITIES) - 1)]
    if severity is None:
        return
    # Imported only here: it wraps stdout and stderr, so that even a pipe gets escape codes, until colorama lets go, and
    # that puts back those of the first time.
    own = sys.stdout, sys.stderr
    from nornir_utils.plugins.functions import print_result  # noqa: PLC0415

    colorama.deinit()
    sys.stdout, sys.stderr = own
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_result(_readable(results), severity_level=severity)
    plain = not sys.stderr.isatty() or "NO_COLOR" in os.environ
    # Words of hosts are in it: what would drive a terminal does not pass, but for colours.
    words = re.split(r"(\x1b\[[0-9;]*m)", text.getvalue())
    colours = [""] * len(words[1::2]) if plain else words[1::2]
    sys.stderr.write("".join(map("".join, zip_longest(map(clean, words[::2]), colours, fillvalue=""))))


def _readable(results: AggregatedResult) -> AggregatedResult:
    """The same results, but for what is too long to be read."""
    found = AggregatedResult(results.name)
    for host, several in results.items():
        found[host] = MultiResult(several.name)
        for result in several:
            found[host].append(short := copy.copy(result))
            if len(whole := repr(result.result)) > MOST_PRINTED:
                short.result = shortened(result.result if isinstance(result.result, str) else whole, MOST_PRINTED)
            short.diff = shortened(result.diff or "", MOST_PRINTED)
    return found
