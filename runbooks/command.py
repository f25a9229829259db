"""A runbook as a command: options, hosts, the run, its report on stdout, its exit code."""

import argparse
import sys
from collections.abc import Callable

from rich.console import Console

from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.report import Report, to_json
from nornir_kube_ha.report.terminal import print_report
from nornir_kube_ha.runbooks.guard import guarded, tell
from nornir_kube_ha.runbooks.options import Options, add_options, parse_options
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.runbooks.selection import enter_lab, find_inventory, open_inventory, select

Runbook = Callable[[Run], Report]


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
    parsed = parser.parse_args(arguments)
    return guarded(lambda: run_runbook(name, runbook, parsed))


def run_runbook(name: str, runbook: Runbook, arguments: argparse.Namespace) -> int:
    """Run a runbook as a command line asks, and write its report to stdout.

    Arguments:
        name: of the runbook
        runbook: the function that does it
        arguments: parsed, of a parser that `add_options` was given

    Returns:
        The exit code

    Raises:
        KubeHaError: nothing was started
    """
    options = parse_options(arguments)
    inventory = find_inventory(options.inventory)
    tell(f"inventory {inventory}")
    nornir = open_inventory(inventory, forks=options.forks, dry_run=options.dry_run)
    hosts = select(nornir, options)
    load_intent(nornir, read_files=False)  # what is wrong is told first, be the hosts there or not
    if options.list_hosts:
        sys.stdout.write("".join(f"{host}\n" for host in hosts))
        return 0
    enter_lab(nornir, hosts, inventory)
    run = Run(name, nornir, load_intent(nornir), hosts, verbosity=options.verbosity, tell=tell)
    try:
        report = runbook(run)
    finally:
        run.close()
    _write(report, options)
    return report.exit_code


def _write(report: Report, options: Options) -> None:
    if options.output == "json":
        sys.stdout.write(to_json(report) + "\n")
    else:
        print_report(report, Console(highlight=False), with_diff=options.diff)
    sys.stdout.flush()
