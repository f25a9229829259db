"""`kube-ha completion`: print a shell's completion script, which shtab makes from the parsers."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import shtab

from nornir_kube_ha.checks import CHECKS
from nornir_kube_ha.cli.main import make_parser
from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.failover.faults import FAULTS

NAMES = {"--check": CHECKS, "--skip": CHECKS, "--fault": FAULTS}
"""Names that an option's value may be completed to; a pattern is valid as well, so the parser has no choices."""


def run_completion(arguments: argparse.Namespace) -> int:
    """Print a completion script. It is static: completing starts no Python.

    Arguments:
        arguments: parsed: `shell`

    Returns:
        The exit code
    """
    parser = make_parser()
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab's own attribute
        for option in action.option_strings:
            if option in NAMES and action.nargs != 0:  # `--check` of a deploy is `--dry-run`
                action.choices = [*NAMES[option]]
    sys.stdout.write(f"{shtab.complete(parser, arguments.shell).rstrip()}\n")
    return 0


def _actions(parser: Parser) -> Iterator[argparse.Action]:
    """Yield each option and argument of a command and of its own commands."""
    yield from parser._actions  # noqa: SLF001 - argparse has no public name for it
    for _, each in parser.commands():
        yield from _actions(each)
