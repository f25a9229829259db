"""`kube-ha checks`: every check that verify makes."""

import argparse
import sys

from nornir_kube_ha.checks import CHECKS


def run_list(_arguments: argparse.Namespace) -> int:
    """Print every check: its id, what it means that it does not hold, and what it says when it holds.

    Returns:
        The exit code
    """
    width = max(map(len, CHECKS))
    sys.stdout.write("".join(f"{check.id:{width}}  {check.severity:8}  {check.meaning}\n" for check in CHECKS.values()))
    return 0
