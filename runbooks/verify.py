#!/usr/bin/env python3
"""Check whether every host matches the inventory, and change nothing."""

import sys
from pathlib import Path

from nornir_kube_ha.checks import NEED_CREDENTIAL
from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.retry import look_until_passed
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.report import Report
from nornir_kube_ha.text import named


def verify(run: Run, *, retry_timeout: float = 0, sleep: float = 1, kubeconfig: Path | None = None) -> Report:
    """Check every host of a run. A host that cannot be reached is unknown; the others are still checked.

    Arguments:
        run: the hosts
        retry_timeout: seconds for which failed checks are repeated
        sleep: seconds between two looks
        kubeconfig: credential for asking each apiserver for its health; None: the inventory's

    Returns:
        Every check

    Raises:
        UsageError: a kubeconfig cannot be used
    """
    credentials = credentials_of(run.clusters, kubeconfig) if NEED_CREDENTIAL & {*run.checks} else {}
    run.keep_no_logins()
    run.tell(f"looking at {named(run.hosts)}")
    return look_until_passed(run, timeout=retry_timeout, sleep=sleep, tell=run.tell, credentials=credentials)


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("verify", __doc__, verify, arguments)


if __name__ == "__main__":
    sys.exit(main())
