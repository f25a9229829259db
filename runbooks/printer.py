"""Each task's own results on stderr, for `-v`: nornir-utils prints them, and its colours stay where they belong."""

import contextlib
import io
import os
import re
import sys

import colorama
from nornir.core.task import AggregatedResult

SEVERITIES = (None, 20, 10)  # of logging: what -v and -vv let through


def print_results(results: AggregatedResult, verbosity: int) -> None:
    """Print what a task found and did on each host.

    Arguments:
        results: of the task
        verbosity: how often `-v` was given; nothing is printed without it
    """
    severity = SEVERITIES[min(verbosity, len(SEVERITIES) - 1)]
    if severity is None:
        return
    # Imported only here: it wraps stdout and stderr, so that even a pipe gets escape codes, until colorama lets go.
    from nornir_utils.plugins.functions import print_result  # noqa: PLC0415

    colorama.deinit()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_result(results, severity_level=severity)
    plain = not sys.stderr.isatty() or "NO_COLOR" in os.environ
    sys.stderr.write(re.sub(r"\x1b\[[0-9;]*m", "", text.getvalue()) if plain else text.getvalue())
