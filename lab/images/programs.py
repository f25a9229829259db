"""The programs of a real control plane: kube-apiserver, etcd and kubectl, made once and kept beside the images."""

import hashlib
import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from nornir_kube_ha.lab.errors import LabError, LabRequestError
from nornir_kube_ha.lab.images.build import draft_of, run_builder
from nornir_kube_ha.lab.images.image import MIRROR
from nornir_kube_ha.lab.machine.command import run
from nornir_kube_ha.lab.state import IMAGES, Progress, locked

_HERE = Path(__file__).parent
_VERSION = re.compile(r"Kubernetes (v\d+\.\d+\.\d+\S*)")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Programs that one script makes in a root of Debian 12.

    Arguments:
        name: name of the script and of the result
        packages: packages that the script needs in the root
        words: what it does and how long that takes
    """

    name: str
    packages: tuple[str, ...]
    words: str

    @property
    def folder(self) -> Path:
        """The folder of the programs. Its name depends on the recipe, so a changed recipe makes new ones."""
        recipe = f"{self.packages}{self._script.read_text()}"
        return IMAGES / f"{self.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"

    @property
    def _script(self) -> Path:
        return _HERE / f"{self.name}.sh"

    def ensure(self, progress: Progress) -> Path:
        """Return the folder of the programs, making them if they are missing.

        Arguments:
            progress: called if they must be made

        Raises:
            LabError: they could not be made; the message has the builder's last lines
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
        kube_apiserver: path of the program
        tools: folder with etcd, etcdctl and kubectl
        version: kube-apiserver's version, as `v1.20.2`
    """

    kube_apiserver: Path
    tools: Path
    version: str

    @property
    def kube_controller_manager(self) -> Path:
        """Its path beside kube-apiserver. A user's own kube-apiserver may come without it."""
        return self.kube_apiserver.with_name("kube-controller-manager")


def ensure_programs(kube_apiserver: Path | None, progress: Progress) -> Programs:
    """Return the programs, making those that are missing.

    Arguments:
        kube_apiserver: the user's own; None: that of Debian 12's source package
        progress: called if something must be made

    Raises:
        LabRequestError: the user's own is not a kube-apiserver
        LabError: something could not be made
    """
    program = kube_apiserver or SERVERS.ensure(progress) / "kube-apiserver"
    version = version_of(program)  # before etcd is fetched: the user's own may be something else
    return Programs(program, TOOLS.ensure(progress), version)


def version_of(kube_apiserver: Path) -> str:
    """Return the version that a kube-apiserver reports.

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
    """Make what is missing, so that no test has to wait for it."""
    ensure_programs(None, lambda words: print(words, flush=True))  # noqa: T201 - a command's own words


if __name__ == "__main__":
    main()
