#!/usr/bin/env python3
"""Look whether every host is what the inventory says it should be, and change nothing."""

import sys

from nornir_kube_ha.report import Report
from nornir_kube_ha.runbooks.command import run_as_script
from nornir_kube_ha.runbooks.run import Run


def verify(run: Run) -> Report:
    """Check every host of a run. One that cannot be reached is unknown; the others are checked all the same.

    Arguments:
        run: which hosts, by which Nornir

    Returns:
        Every check
    """
    run.tell(f"looking at {', '.join(run.hosts)}")
    run.look()
    return run.report()


def main(arguments: list[str] | None = None) -> int:
    """Run as a command.

    Arguments:
        arguments: of the command line; the process's own if not given

    Returns:
        The exit code
    """
    return run_as_script("verify", __doc__, verify, arguments, changes_hosts=False)


if __name__ == "__main__":
    sys.exit(main())
