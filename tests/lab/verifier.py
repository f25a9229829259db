"""Verify, look after look, in one process: Python's start would be most of what a quick look costs.

Reads the options of a run from each line of stdin, as a JSON list, and writes its exit code, stdout and stderr as a
JSON object. Everything else is the runbook's own: inventory, lab, logins and report are new each time.
"""

import contextlib
import io
import json
import sys

from nornir_kube_ha.runbooks import verify


def main() -> None:
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = verify.main(json.loads(line))
        answer = {"status": status, "stdout": out.getvalue(), "stderr": err.getvalue()}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
