#!/usr/bin/env python3
"""Check whether every host matches the inventory, and change nothing."""

import sys

from nornir_kube_ha.checks import NEED_CREDENTIAL
from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.cli.options.runbook import Options, add_verify_options
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.retry import until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.report import Report


def verify(run: Run, options: Options | None = None) -> Report:
    """Check every host of a run. A host that cannot be reached is unknown; the others are still checked.

    Arguments:
        run: the hosts
        options: checks to repeat, and for how long; default: each once

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
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("verify", __doc__, verify, arguments, add_verify_options)


if __name__ == "__main__":
    sys.exit(main())
