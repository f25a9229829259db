"""The programs of a real control plane: kube-apiserver, etcd and kubectl, made once and kept beside the images."""

import hashlib
import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from nornir_kube_ha.lab.build import draft_of, run_builder
from nornir_kube_ha.lab.command import run
from nornir_kube_ha.lab.errors import LabError, LabRequestError
from nornir_kube_ha.lab.image import MIRROR
from nornir_kube_ha.lab.state import IMAGES, Progress, locked

_HERE = Path(__file__).parent
_VERSION = re.compile(r"Kubernetes (v\d+\.\d+\.\d+\S*)")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Programs that one script makes in a root of Debian 12.

    Arguments:
        name: of the script, and of what it makes
        packages: that the script needs in its root
        words: what takes how long
    """

    name: str
    packages: tuple[str, ...]
    words: str

    @property
    def folder(self) -> Path:
        """Where they are, once they are made: named after their recipe, so a new recipe makes new ones."""
        recipe = f"{self.packages}{self._script.read_text()}"
        return IMAGES / f"{self.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"

    @property
    def _script(self) -> Path:
        return _HERE / f"{self.name}.sh"

    def ensure(self, progress: Progress) -> Path:
        """Return the folder with the programs, making them if they are not there.

        Arguments:
            progress: told what is being done when they must be made

        Raises:
            LabError: they could not be made; the builder's last words are in the message
        """
        if self.folder.is_dir():
            return self.folder
        with locked(f"image-{self.name}", progress) as lock:
            if not self.folder.is_dir():
                progress(f"{self.words}, once")
                started = time.monotonic()
                with draft_of(self.folder) as draft:
                    self._build(draft, progress, lock)
                progress(f"that took {time.monotonic() - started:.0f} s: {self.folder}")
        return self.folder

    def _build(self, draft: Path, progress: Progress, lock: int) -> None:
        root = draft / "root"
        mirror = os.environ.get(MIRROR)
        command = [
            *("unshare", "--mount", "--propagation", "private"),
            *("mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase"),
            f"--include={','.join(self.packages)}",
            f'--customize-hook=sh {shlex.quote(str(self._script))} "$1"',
            *("bookworm", str(root)),
            *([mirror] if mirror else []),
        ]
        run_builder(command, progress, lock)
        for program in sorted((root / "srv/kubernetes").iterdir()):
            program.rename(draft / program.name)
        run(["rm", "-rf", str(root)], seconds=300)


TOOLS = Bundle("kubernetes_tools", ("ca-certificates",), "fetching etcd and kubectl: about 40 s on a quick line")
SERVERS = Bundle(
    "kubernetes_servers",
    ("ca-certificates", "dpkg-dev", "golang-go", "jq", "make", "rsync", "which"),
    "building kube-apiserver and kube-controller-manager of Debian 12's source: 5 minutes on two idle processors",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """What a real control plane runs.

    Arguments:
        kube_apiserver: its program
        tools: the folder with etcd, etcdctl and kubectl
        version: kube-apiserver's: `v1.20.2`
    """

    kube_apiserver: Path
    tools: Path
    version: str

    @property
    def kube_controller_manager(self) -> Path:
        """It stands beside kube-apiserver; the user's own may have none."""
        return self.kube_apiserver.with_name("kube-controller-manager")


def ensure_programs(kube_apiserver: Path | None, progress: Progress) -> Programs:
    """Return the programs, making what is not there.

    Arguments:
        kube_apiserver: the user's own; None: the one of Debian 12's source package
        progress: told what is being done when something must be made

    Raises:
        LabRequestError: the user's own is not a kube-apiserver
        LabError: something could not be made
    """
    program = kube_apiserver or SERVERS.ensure(progress) / "kube-apiserver"
    version = version_of(program)  # before etcd is fetched: it may be something else
    return Programs(program, TOOLS.ensure(progress), version)


def version_of(kube_apiserver: Path) -> str:
    """Return what a kube-apiserver says of its version.

    Arguments:
        kube_apiserver: the program

    Raises:
        LabRequestError: it is not a kube-apiserver that runs here
    """
    try:
        said = run([str(kube_apiserver.absolute()), "--version"])
    except (LabError, OSError) as error:
        raise LabRequestError(f"{kube_apiserver}: expected a kube-apiserver that runs here: {error}") from error
    if not (found := _VERSION.match(said)):
        raise LabRequestError(f"{kube_apiserver}: expected `Kubernetes vX.Y.Z` of --version, got {said[:100]!r}")
    return found[1]


def main() -> None:
    """Make what is not there: who runs the tests shall not wait in the middle of one."""
    ensure_programs(None, lambda words: print(words, flush=True))  # noqa: T201 - a command's own words


if __name__ == "__main__":
    main()
