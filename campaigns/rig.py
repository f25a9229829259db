"""A lab for as long as a campaign takes, deployed, with the settings that users have."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.rig import Lab, copy_inventory


@contextmanager
def deployed_lab(name: str) -> Iterator[Lab]:
    """Three hosts that pass every check; gone at the end, however it comes.

    Arguments:
        name: the lab's
    """
    with tempfile.TemporaryDirectory() as folder:
        lab = copy_inventory(name, Path(folder) / "inventory")
        lab.set("verify.listen", 1.2)  # tests listen for less
        lab.up()
        try:
            completed = lab.deploy()
            if completed.status:
                raise SystemExit(completed.stdout + completed.stderr)
            yield lab
        finally:
            lab.down()
