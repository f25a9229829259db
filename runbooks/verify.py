#!/usr/bin/env python3
"""Look whether every host is what the inventory says it should be, and change nothing."""

import sys

from nornir_kube_ha.checks import NEED_CREDENTIAL
from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.cli.options.runbook import Options, add_verify_options
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.retry import until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.report import Report


def verify(run: Run, options: Options | None = None) -> Report:
    """Check every host of a run. One that cannot be reached is unknown; the others are checked all the same.

    Arguments:
        run: which hosts, by which Nornir
        options: how long to look again if not all passes; not at all if not given

    Returns:
        Every check

    Raises:
        UsageError: a kubeconfig cannot be used
    """
    options = options or Options()
    if NEED_CREDENTIAL & {*run.checks}:
        run.credentials = credentials_of(run.clusters, options.kubeconfig)
    run.keep_no_logins()
    run.tell(f"looking at {', '.join(run.hosts)}")

    def look() -> Report:
        run.start_over()
        run.look()
        return run.report()

    return until_passed(look, timeout=options.retry_timeout, sleep=options.sleep, tell=run.tell)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command.

    Arguments:
        arguments: of the command line; the process's own if not given

    Returns:
        The exit code
    """
    return run_as_script("verify", __doc__, verify, arguments, add_verify_options)


if __name__ == "__main__":
    sys.exit(main())
