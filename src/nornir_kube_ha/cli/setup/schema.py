"""`kube-ha schema`: print the JSON Schema of one file of an inventory."""

import argparse
import sys
from pathlib import Path

import nornir_kube_ha.inventory

FOLDER = Path(nornir_kube_ha.inventory.__file__).parent / "schema"
"""The published schemas, one for each file of an inventory."""


def run_schema(arguments: argparse.Namespace) -> int:
    """Print a schema.

    Arguments:
        arguments: parsed: `kind`

    Returns:
        The exit code
    """
    sys.stdout.write((FOLDER / f"{arguments.kind}.json").read_text(encoding="utf-8"))
    return 0
