"""Build images and programs once. A folder is there only when it is complete."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir_kube_ha.lab.errors import LabError
from nornir_kube_ha.lab.state import Progress


@contextmanager
def draft_of(folder: Path) -> Iterator[Path]:
    """Yield a draft that becomes `folder` if the block succeeds. The caller holds the lock of its kind.

    Arguments:
        folder: named KIND-HASH
    """
    kind = folder.name.rpartition("-")[0]
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for leftover in folder.parent.glob(f".{kind}-*"):  # left by a killed builder: we have the lock that it had
        _discard(leftover)
    draft = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=folder.parent))
    try:
        draft.chmod(0o755)
        yield draft
        draft.rename(folder)
    except BaseException:
        _discard(draft)
        raise


def _discard(draft: Path) -> None:
    """Remove a draft, trying for 10 s: a killed builder's last children may still write to it."""
    deadline = time.monotonic() + 10
    while draft.exists() and time.monotonic() < deadline:
        shutil.rmtree(draft, ignore_errors=True)
        time.sleep(0.05)


def run_builder(command: list[str], progress: Progress, lock: int) -> None:
    """Run mmdebstrap, which inherits the lock: no other builder starts while it runs, even if we are killed.

    Arguments:
        command: mmdebstrap's
        progress: called with what it does
        lock: from `locked`

    Raises:
        LabError: it failed; the message has its last lines
    """
    words: list[str] = []
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        pass_fds=(lock,),
    ) as builder:
        try:
            for line in builder.stdout or ():
                words = [*words[-14:], line.rstrip()]
                if line.startswith(("I: ", "building ", "downloading ", "setting ")):
                    progress(f"  {line.removeprefix('I: ').rstrip()}")
        except BaseException:
            builder.terminate()
            raise
    if builder.returncode:
        raise LabError(f"mmdebstrap ended with {builder.returncode}; it said last:\n" + "\n".join(words))
