"""The floor: one ssh login per host, with one script on stdin that does everything, on many hosts at once."""

import base64
import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, cast
from unittest.mock import patch

from benchmarks.contestants.contestant import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site, Target
from nornir.core.task import Task

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.plan import PACKAGES
from nornir_kube_ha.ssh.script import assignments, whole
from nornir_kube_ha.tasks import facts

PARALLEL = 4 * (os.cpu_count() or 1)  # hosts at once: a login spends half of its time waiting
_HERE = Path(__file__).parent


def _command(name: str, site: Site, _job: Job) -> list[str]:
    scripts = str(site.folder / name)
    return ["sh", str(_HERE / "floor.sh"), str(site.folder / "quick_ssh_config"), scripts, str(PARALLEL)]


def _write(site: Site, name: str, scripts: Mapping[str, str]) -> None:
    folder = site.folder / name
    folder.mkdir(exist_ok=True)
    for address, script in scripts.items():
        (folder / address).write_text(script)


def _write_true(site: Site) -> None:
    _write(site, "login", {target.address: "true\n" for target in site.targets})


def _write_look(site: Site) -> None:
    """Keep the script of `get_facts` for each host instead of sending it."""
    sent: dict[str, str] = {}

    def keep(task: Task, script: str, *, timeout: float) -> NoReturn:  # noqa: ARG001 - as `run_script` has it
        sent[str(task.host.hostname)] = whole(script)
        raise InterruptedError

    nornir = open_inventory(site.lab.inventory)
    intent = load_intent(nornir)
    with patch.object(facts, "run_script", keep):
        for host in nornir.inventory.hosts.values():
            with suppress(InterruptedError):
                facts.get_facts(cast("Task", SimpleNamespace(host=host)), intent)
    _write(site, "look", sent)


def _write_deploy(site: Site) -> None:
    script = (_HERE / "floor_host.sh").read_text()
    _write(site, "floor", {target.address: f"{_wanted(target)}{script}" for target in site.targets})


def _wanted(target: Target) -> str:
    return assignments(
        packages=" ".join(PACKAGES),
        sums="\n".join(f"{file.sha256}  {file.path}" for file in target.files),
        files=" ".join(file.path for file in target.files),
        attributes="\n".join(f"{int(file.mode, 8):o} {file.owner}:{file.group}" for file in target.files),
        tree=base64.b64encode(_tree(target.files)).decode(),
    )


def _tree(files: tuple[ConfigFile, ...]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tree:
        for file in files:
            entry = tarfile.TarInfo(file.path.removeprefix("/"))
            entry.size, entry.mode, entry.uname, entry.gname = len(file.data), int(file.mode, 8), file.owner, file.group
            tree.addfile(entry, io.BytesIO(file.data))
    return stream.getvalue()


def _version() -> str:
    said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True)
    return said.stderr.strip()


_SSH = (
    f"One `ssh` a host, {PARALLEL} at once, each with `sh -s`. Key exchange curve25519-sha256, no shared connection, "
    "packets acknowledged at once: `quickack` on the lab's route. OpenSSH itself sets TCP_NODELAY after the login"
)
LOGIN = Contestant(
    "floor: `true`",
    f"{_SSH}. The script is `true`.",
    frozenset({Job.VERIFY}),
    _write_true,
    partial(_command, "login"),
    _version,
    is_floor=True,
)
LOOK = Contestant(
    "floor: one look",
    "The same, with the script that gathers facts for `ours`. It listens for VRRP as long as `ours` does. "
    "Nothing reads its output.",
    frozenset({Job.VERIFY}),
    _write_look,
    partial(_command, "look"),
    _version,
)
FLOOR = Contestant(
    "floor",
    f"{_SSH}. The script is `benchmarks/contestants/floor_host.sh`, with the host's files in it.",
    DEPLOYS,
    _write_deploy,
    partial(_command, "floor"),
    _version,
    is_floor=True,
)
