"""Stands in for the package while a runbook runs as a script: `python runbooks/deploy.py`.

Python looks for imports beside the script first, so each runbook's first `import nornir_kube_ha` ends here. With the
package and Nornir installed, this file steps aside for the real one. Without them, one line says what to run, instead
of a traceback. `kube-ha` and programs that import a runbook never read this file.
"""

import importlib
import importlib.util
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".venv" / "bin" / "python"


def _instead() -> str:
    """Return what to run instead of this interpreter."""
    if ENVIRONMENT.exists():
        return f"run: {shlex.join([str(ENVIRONMENT), *sys.argv])}"
    command = Path(sys.argv[0]).stem.replace("_", "-")
    return (
        f"run: make -C {HERE.parent} setup. Or install the command: pipx install {HERE.parent}, then kube-ha {command}"
    )


sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
del sys.modules[__name__]
if not all(map(importlib.util.find_spec, ("nornir", "pydantic", __name__))):
    sys.stderr.write(f"error: {sys.executable} lacks Nornir or nornir-kube-ha; {_instead()}\n")
    sys.exit(2)
importlib.import_module("nornir_kube_ha")  # the import that led here returns what `sys.modules` has now
