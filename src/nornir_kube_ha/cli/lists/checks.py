"""`kube-ha checks`: list every check."""

import argparse
import sys

from nornir_kube_ha.checks import CHECKS


def run_list(_arguments: argparse.Namespace) -> int:
    """Print id, severity and meaning of every check.

    Returns:
        The exit code
    """
    width = max(map(len, CHECKS))
    sys.stdout.write("".join(f"{check.id:{width}}  {check.severity:8}  {check.meaning}\n" for check in CHECKS.values()))
    return 0
