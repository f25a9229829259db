"""The Debian root that hosts boot from, and the package pool that they install from. Each is built once per suite."""

import hashlib
import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from nornir_kube_ha.lab.images.build import draft_of, run_builder
from nornir_kube_ha.lab.machine.command import run
from nornir_kube_ha.lab.state import IMAGES, Progress, locked
from nornir_kube_ha.planning.package_managers import functions

MIRROR = "KUBE_HA_LAB_MIRROR"
"""Environment variable: a Debian mirror to build from instead of mmdebstrap's defaults."""

ROOT_PACKAGES = (
    "iproute2",
    "libpython3-stdlib",  # asyncio and ssl for the apiserver stand-in
    "openssh-server",
    "procps",
    "python3-minimal",
    "sudo",
    "systemd-sysv",
)
POOL_PACKAGES = (
    "curl",
    "firewalld",
    "haproxy",
    "iputils-arping",
    "iputils-ping",
    "keepalived",
    "nftables",
    "openssl",
    "psmisc",
    "socat",
    "tcpdump",
    "ufw",
    "zsh",
)
"""Packages that a host can install, with all that they depend on or recommend. None of them is in the root."""

WHOLE = "whole-"
DNF_ROOT_PACKAGES = (*ROOT_PACKAGES, "createrepo-c", "dnf", "rpm")
NO_RPM = frozenset({"firewalld", "ufw", "zsh"})
"""Packages of the pool that get no RPM: most need Python modules, which that root has as Debian packages only."""

_NO_DOCUMENTS = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/man/*", "/usr/share/locale/*")
_HERE = Path(__file__).parent
_INSTALLED = _HERE / "installed.sh"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of.

    Arguments:
        release: Debian's code name
        root: packages in the root
        pool: packages that a host can install
        hooks: scripts that finish the root, in order
    """

    release: str
    root: tuple[str, ...]
    pool: tuple[str, ...]
    hooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A built image.

    Arguments:
        folder: the image's folder
    """

    folder: Path

    @property
    def root(self) -> Path:
        """The lowest layer of every host's disk. Nothing writes to it."""
        return self.folder / "root"

    @property
    def pool(self) -> Path:
        """The package repository. A host sees it as /srv/pool."""
        return (self.folder / "pool").resolve()


def recipe_of(suite: str) -> Recipe:
    """Return what the image of `suite` is made of.

    Arguments:
        suite: a release of Debian; `dnf`: Debian 12 with dnf instead of apt; or `whole-RELEASE`, to upgrade from an
            older release. Its pool also has the root's packages
    """
    if suite.startswith(WHOLE):
        return Recipe(suite.removeprefix(WHOLE), ROOT_PACKAGES, POOL_PACKAGES, ("whole.sh", "image.sh"))
    if suite != "dnf":
        return Recipe(suite, ROOT_PACKAGES, POOL_PACKAGES, ("image.sh",))
    pool = tuple(name for name in POOL_PACKAGES if name not in NO_RPM)
    return Recipe("bookworm", DNF_ROOT_PACKAGES, pool, ("image.sh", "image_dnf.sh"))


def mmdebstrap_command(suite: str, target: Path, mirror: str | None) -> list[str]:
    """Return the command that builds the image of `suite` into `target`."""
    recipe = recipe_of(suite)
    hooks = (f'sh {shlex.quote(str(_HERE / hook))} "$1" {" ".join(recipe.pool)}' for hook in recipe.hooks)
    return [
        *("unshare", "--mount", "--propagation", "private"),  # its mounts end with it
        *("mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase"),
        f"--include={','.join(recipe.root)}",
        *(f"--dpkgopt=path-exclude={path}" for path in _NO_DOCUMENTS),
        *(f"--customize-hook={hook}" for hook in hooks),
        "--skip=cleanup/apt/lists",  # a dry run on a fresh host needs the candidate versions
        recipe.release,
        str(target),
        *([mirror] if mirror else []),
    ]


def image_of(suite: str) -> Image:
    """Return the image of `suite`, built or not. Its name depends on its recipe, so a new recipe makes a new image."""
    recipe = repr(mmdebstrap_command(suite, Path("target"), None))
    for hook in recipe_of(suite).hooks:
        recipe = recipe.replace(str(_HERE / hook), "") + (_HERE / hook).read_text()
    return Image(IMAGES / f"{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}")


def ensure_image(suite: str, progress: Progress) -> Image:
    """Return the image of `suite`, building it if it is missing.

    Arguments:
        suite: as in `recipe_of`
        progress: called if it must be built

    Raises:
        LabError: it could not be built; the message has the builder's last lines
    """
    image = image_of(suite)
    if image.folder.is_dir():
        return image
    with locked(f"image-{suite}", progress) as lock:
        if not image.folder.is_dir():
            _build(suite, image, progress, lock)
    return image


def ensure_installed(base: Image, packages: tuple[str, ...], progress: Progress) -> Image:
    """Return a copy of an image with packages installed, making it if it is missing.

    Arguments:
        base: the image to copy; its pool has the packages
        packages: Debian names of packages
        progress: called if it must be made

    Raises:
        LabError: it could not be made
    """
    script = f"{functions(packages)}export LC_ALL=C LOCK=60\nchoose_family\n${{FAMILY}}_install $NAMES\n"
    recipe = hashlib.sha256((_INSTALLED.read_text() + script).encode()).hexdigest()[:6]
    image = Image(base.folder.with_name(f"{base.folder.name}-{recipe}"))
    if image.folder.is_dir():
        return image
    suite = base.folder.name.partition("-")[0]
    with locked(f"image-{suite}", progress):
        if not image.folder.is_dir():
            progress(f"installing packages in a copy of the {suite} image, once")
            with draft_of(image.folder) as draft:
                run(["cp", "--archive", str(base.root), str(draft)], seconds=120)
                (draft / "pool").symlink_to(Path("..") / base.folder.name / "pool")
                inside = ("unshare", "--mount", "--propagation", "private", "sh", str(_INSTALLED))
                run([*inside, str(draft / "root"), str(base.pool)], stdin=script, seconds=300)
    return image


def _build(suite: str, image: Image, progress: Progress, lock: int) -> None:
    progress(f"building the {suite} image, once: about 40 s on a quick line")
    started = time.monotonic()
    with draft_of(image.folder) as draft:
        run_builder(mmdebstrap_command(suite, draft / "root", os.environ.get(MIRROR)), progress, lock)
        (draft / "root/srv/pool").rename(draft / "pool")
        (draft / "root/srv/pool").mkdir()
    progress(f"built the {suite} image in {time.monotonic() - started:.0f} s: {image.folder}")
