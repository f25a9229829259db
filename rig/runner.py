"""Runbooks and the command `kube-ha`, each call in a fork of a process that has already imported everything.

Starting Python, importing Nornir and netmiko and compiling templates is half of what a run costs. A fork is as fresh as
a new process. Reads from each line of stdin the arguments of `python -m nornir_kube_ha.runbooks.NAME`, NAME first, as a
JSON list. Writes exit code, stdout and stderr as a JSON object.
"""

import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
from typing import TextIO

from nornir_kube_ha import templating

RUNBOOKS = ("deploy", "verify", "rollback", "upgrade", "remove", "snapshot", "failover_test", "vip")
MODULES = {"cli": "nornir_kube_ha.cli.main", **{name: f"nornir_kube_ha.runbooks.{name}" for name in RUNBOOKS}}
LONGEST = 240  # seconds that a run may take


def main() -> None:
    for name in MODULES.values():
        importlib.import_module(name)
    for name in templating.NAMES:
        templating.our_environment().get_template(name)  # compiled
    gc.freeze()  # a collection in a child would copy every page
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(_run(*json.loads(line)))}\n")
        sys.stdout.flush()


def _run(name: str, *arguments: str) -> dict[str, object]:
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        child = os.fork()
        if child == 0:
            _become(name, list(arguments), stdout, stderr)
        _, ended = os.waitpid(child, 0)
        status = os.waitstatus_to_exitcode(ended)
        return {"status": status, "stdout": _read(stdout), "stderr": _read(stderr)}


def _become(name: str, arguments: list[str], stdout: TextIO, stderr: TextIO) -> None:
    signal.alarm(LONGEST)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, stream in enumerate((nothing, stdout.fileno(), stderr.fileno())):
        os.dup2(stream, descriptor)
    status = 1
    try:
        status = sys.modules[MODULES[name]].main(arguments)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python itself would end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read()


if __name__ == "__main__":
    main()
