"""A deploy that is killed at a point of its own: before, during or after its Nth script on a host.

    python -m rig.dying POINT -i INVENTORY

Nothing gets a chance to clear up: SIGKILL. Ends as a deploy does if it has fewer points.
"""

import itertools
import os
import signal
import sys
import threading

import paramiko

from nornir_kube_ha.runbooks import deploy
from nornir_kube_ha.ssh import remote
from nornir_kube_ha.ssh.shell import Completed, Shell

WHEN = ("before", "during", "after")
DURING = 0.02  # seconds after a script was sent; the quickest take a few hundredths


def main() -> int:
    point = int(sys.argv[1])
    numbers, lock = itertools.count(), threading.Lock()
    execute = remote._execute  # noqa: SLF001 - the one place that every script goes through

    def dying(client: paramiko.SSHClient, script: str, timeout: float, shell: Shell) -> Completed:
        with lock:
            at = {when: next(numbers) for when in WHEN}
        if at["before"] == point:
            die()
        if at["during"] == point:
            threading.Timer(DURING, die).start()
        completed = execute(client, script, timeout, shell)
        if at["after"] == point:
            die()
        return completed

    remote._execute = dying  # noqa: SLF001
    return deploy.main(sys.argv[2:])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
