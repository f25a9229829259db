"""Run a runbook as a command: options, hosts, the run, its report on stdout, its exit code."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from nornir_kube_ha.cli.exit_codes import abandon_stdout, defer_signals, guarded, is_full, leave_in_time, tell
from nornir_kube_ha.cli.lists.generations import list_generations
from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.cli.options.runbook import NAGIOS_UNKNOWN, add_options, parse
from nornir_kube_ha.cli.progress import with_progress
from nornir_kube_ha.cli.prompts import fetch_secrets
from nornir_kube_ha.cli.runbooks import RUNBOOKS
from nornir_kube_ha.cli.selection import (
    choose_checks,
    enter_lab,
    find_inventory,
    needs_stats_password,
    open_inventory,
    select,
)
from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError, OutputError, UsageError
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lazy import later
from nornir_kube_ha.report import RENDERINGS, Report
from nornir_kube_ha.report.files import FORMATS, write_report
from nornir_kube_ha.text import one_line

Runbook = Callable[..., Report]
"""Takes a run, and what its own options mean."""


def run_as_script(name: str, description: str | None, runbook: Runbook, arguments: list[str] | None) -> int:
    """Run a runbook as a script.

    Arguments:
        name: the runbook's name
        description: text of `--help`
        runbook: the runbook's function
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    parser = Parser(prog=f"{name}.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, RUNBOOKS[name.replace("_", "-")].add_options)
    return guarded(
        lambda: run_runbook(name, runbook, parse(parser, arguments)),
        owns_process=arguments is None,
    )


def run_runbook(name: str, runbook: Runbook, parsed: argparse.Namespace) -> int:
    """Run a runbook with parsed options, and write its report to stdout.

    Arguments:
        name: the runbook's name
        runbook: the runbook's function
        parsed: from a parser with the options of `add_options`

    Returns:
        The exit code; with `--output nagios` that of a monitoring plugin

    Raises:
        KubeHaError: the run could not start, or ended early
    """
    if parsed.list_faults:
        show(later("nornir_kube_ha.cli.lists.faults:fault_lines")())
        return 0
    if parsed.output != "nagios":
        report, unwritten = _run(name, runbook, parsed)
        return (report.exit_code if report else 0) or (OutputError.exit_code if unwritten else 0)
    try:
        report, _ = _run(name, runbook, parsed)
    except Exception as error:  # noqa: BLE001 - whatever it is, a pager must not take it for an answer
        if not isinstance(error, KubeHaError):
            traceback.print_exc()
        sys.stdout.write(f"KUBE-HA UNKNOWN - {one_line(str(error)).replace('|', '/')}\n")
        return NAGIOS_UNKNOWN
    status: int = later(RENDERINGS["nagios_status"])(report) if report else NAGIOS_UNKNOWN
    return status


def _run(name: str, runbook: Runbook, parsed: argparse.Namespace) -> tuple[Report | None, bool]:
    """Return the run's report, and whether part of it could not be written.

    The report is None if hosts were only listed.
    """
    leave_in_time(changes=name != "verify" and not parsed.dry_run)
    inventory = find_inventory(parsed.inventory)
    tell(f"inventory {inventory}")
    nornir = with_progress(open_inventory(inventory, forks=parsed.forks, dry_run=parsed.dry_run), sys.stderr)
    hosts = select(nornir, parsed.filters, parsed.limit)
    if parsed.former:
        hosts = add_former_hosts(nornir, hosts, parsed.former)
    checks = choose_checks(parsed.check, parsed.skip)
    load_intent(nornir, read_files=False)  # errors in the inventory come before prompts and before a lab that is down
    if parsed.list_hosts:
        show(hosts)
        return None, False
    make_folder(parsed.report_dir, "--report-dir")
    make_folder(parsed.history, "--history")
    url = _webhook(parsed)
    needed = needs_stats_password(name, checks)
    fetch_secrets(nornir, stats_password=needed)
    enter_lab(nornir, hosts, inventory)
    intent = load_intent(nornir, stats_password=needed)
    verbosity = parsed.verbosity
    run = Run(name, nornir, intent, hosts, checks=checks, verbosity=verbosity, tell=tell, defer_signals=defer_signals)
    try:
        if parsed.list_generations:
            return list_generations(run, allow_unreachable=parsed.allow_unreachable), False
        report = runbook(run, **RUNBOOKS[name.replace("_", "-")].arguments_of(parsed))
    except BaseException as error:  # publish what is known so far
        run.interrupt(error)
        publish(run.report(), parsed)
        raise
    finally:
        run.close()
    if not parsed.history:
        return report, not publish(report, parsed)
    kept = later("nornir_kube_ha.cli.regular.store:keep")(report, parsed.history, notifies=url is not None)
    written = publish(kept.report, parsed)
    sent = url is None or later("nornir_kube_ha.cli.regular.notify:send")(kept.unsent, url, parsed.history)
    return kept.report, not (kept.written and written and sent)


def _webhook(parsed: argparse.Namespace) -> SecretStr | None:
    if parsed.notify is None:
        return None
    if parsed.history is None:
        raise UsageError("--notify needs --history DIR, which knows what has changed")
    url: SecretStr = later("nornir_kube_ha.cli.regular.notify:webhook")(parsed.notify)
    return url


def make_folder(folder: Path | None, option: str) -> None:
    """Create a folder before the run, so that what is meant for it cannot get lost after it.

    Raises:
        UsageError: it cannot be created or written to
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {option} {folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option} {folder} is not writable")


def publish(report: Report, parsed: argparse.Namespace) -> bool:
    """Write the report to its folder and to stdout, and return whether all of it was written.

    A failed write does not prevent the others: only the report knows which hosts were changed.

    Arguments:
        report: the run's
        parsed: with `report_dir`, `output` and `diff`
    """
    written = True
    if parsed.report_dir:
        try:
            write_report(report, parsed.report_dir)
            tell(f"report in {parsed.report_dir}")
        except OSError as error:
            tell(f"error: {error.strerror}")
            written = False
    try:
        _show(report, parsed)
    except OSError as error:
        if not is_full(error):
            raise
        abandon_stdout()
        tell(f"error: cannot write the report to stdout: {error.strerror}")
        written = False
    return written


def _show(report: Report, parsed: argparse.Namespace) -> None:
    if parsed.output == "terminal":
        later("nornir_kube_ha.report.formats.terminal:show_report")(
            report, with_diff=parsed.diff, only_failed=parsed.only_failed
        )
    else:
        _name, render = FORMATS[parsed.output]
        sys.stdout.write(f"{render(report).rstrip()}\n")
    sys.stdout.flush()
