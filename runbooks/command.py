"""A runbook as a command: options, hosts, the run, its report on stdout, its exit code."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from rich.console import Console

from nornir_kube_ha.errors import InventoryError, KubeHaError
from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.report import Report, to_json
from nornir_kube_ha.report.terminal import print_report
from nornir_kube_ha.runbooks.options import Options, add_options, parse_options
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.runbooks.selection import enter_lab, find_inventory, open_inventory, select

Runbook = Callable[[Run], Report]
INTERRUPTED = 130
TERMINATED = 143


def run_as_script(
    name: str, description: str | None, runbook: Runbook, arguments: list[str] | None, *, changes_hosts: bool
) -> int:
    """Run a runbook as a script of its own.

    Arguments:
        name: of the runbook
        description: what `--help` says
        runbook: the function that does it
        arguments: of the command line; the process's own if not given
        changes_hosts: whether it changes anything

    Returns:
        The exit code
    """
    parser = argparse.ArgumentParser(
        prog=f"{name}.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser, changes_hosts=changes_hosts)
    options = parse_options(parser.parse_args(arguments))
    return guarded(lambda: run_runbook(name, runbook, options))


def guarded(command: Callable[[], int]) -> int:
    """Run a command; errors and interruptions become a line on stderr and an exit code.

    Arguments:
        command: returns its exit code
    """
    signal.signal(signal.SIGTERM, _terminate)
    for library in ("nornir", "paramiko"):  # what they would log is in the report, in fewer words
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        return command()
    except KubeHaError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run_runbook(name: str, runbook: Runbook, options: Options) -> int:
    """Run a runbook with these options, and write its report to stdout.

    Arguments:
        name: of the runbook
        runbook: the function that does it
        options: what the command line asks for

    Returns:
        The exit code

    Raises:
        KubeHaError: nothing was started
    """
    inventory = find_inventory(options.inventory)
    tell(f"inventory {inventory}")
    nornir = open_inventory(inventory, forks=options.forks, dry_run=options.dry_run)
    hosts = select(nornir, options)
    if options.list_hosts:
        sys.stdout.write("".join(f"{host}\n" for host in hosts))
        return 0
    enter_lab(nornir, hosts)
    run = Run(name, nornir, load_intent(nornir), hosts, verbosity=options.verbosity, tell=tell)
    try:
        report = runbook(run)
    finally:
        nornir.close_connections()
    _write(report, options)
    return report.exit_code


def tell(text: str) -> None:
    """Progress, on stderr: stdout carries the report.

    Arguments:
        text: one line
    """
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _write(report: Report, options: Options) -> None:
    if options.output == "json":
        sys.stdout.write(to_json(report) + "\n")
    else:
        print_report(report, Console(highlight=False), with_diff=options.diff)
    sys.stdout.flush()


def _complain(error: KubeHaError) -> None:
    if isinstance(error, InventoryError):
        tell(f"error: {len(error.problems)} in the inventory; nothing was sent to any host")
        for problem in error.problems:
            tell(f"  {problem}")
    else:
        tell(f"error: {error}")


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
