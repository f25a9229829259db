"""Print each task's results on stderr, for `-v`, with nornir-utils but without its side effects on stdout."""

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

SEVERITIES = (None, 20, 10)  # levels of logging: without -v, with -v, with -vv
MOST_PRINTED = 200_000  # characters of one result: to lay out more takes minutes and much memory


def print_results(results: AggregatedResult, verbosity: int) -> None:
    """Print what a task found and did on each host.

    Arguments:
        results: of the task
        verbosity: number of `-v`; 0 prints nothing
    """
    severity = SEVERITIES[min(verbosity, len(SEVERITIES) - 1)]
    if severity is None:
        return
    # Imported only here: colorama then wraps stdout and stderr, so that even a pipe gets escape codes. `deinit` undoes
    # that, but restores the streams of the first import.
    own = sys.stdout, sys.stderr
    from nornir_utils.plugins.functions import print_result  # noqa: PLC0415

    colorama.deinit()
    sys.stdout, sys.stderr = own
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_result(_readable(results), severity_level=severity)
    plain = not sys.stderr.isatty() or "NO_COLOR" in os.environ
    # The text holds what hosts said: every control sequence is removed, except colours.
    words = re.split(r"(\x1b\[[0-9;]*m)", text.getvalue())
    colours = [""] * len(words[1::2]) if plain else words[1::2]
    sys.stderr.write("".join(map("".join, zip_longest(map(clean, words[::2]), colours, fillvalue=""))))


def _readable(results: AggregatedResult) -> AggregatedResult:
    """Return the same results, with those cut that are too long to print."""
    found = AggregatedResult(results.name)
    for host, several in results.items():
        found[host] = MultiResult(several.name)
        for result in several:
            found[host].append(short := copy.copy(result))
            if len(whole := repr(result.result)) > MOST_PRINTED:
                short.result = shortened(result.result if isinstance(result.result, str) else whole, MOST_PRINTED)
            short.diff = shortened(result.diff or "", MOST_PRINTED)
    return found
