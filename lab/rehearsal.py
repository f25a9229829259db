"""The lab of a rehearsal: the hosts of an inventory's old and new state, for as long as the rehearsal takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir_kube_ha.files import write_file
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.lab import lifecycle
from nornir_kube_ha.lab.errors import LabRequestError
from nornir_kube_ha.lab.images.image import image_of
from nornir_kube_ha.lab.images.programs import SERVERS, TOOLS, ensure_programs
from nornir_kube_ha.lab.intent import has_real_plane, layout_of_both
from nornir_kube_ha.lab.layout import Layout, check_lab_name
from nornir_kube_ha.lab.state import LabFiles, Progress
from nornir_kube_ha.planning.plan import PACKAGES

IMAGE_SECONDS, TOOLS_SECONDS, SERVERS_SECONDS = 40, 40, 300  # as what builds them says


@contextmanager
def rehearsal_lab(lab: str, *, keep: bool = False) -> Iterator[Path]:
    """Yield a folder for a rehearsal's files, with its CA files. Afterwards take the lab down.

    Arguments:
        lab: a name that no lab has yet
        keep: leave it up

    Raises:
        LabRequiresRootError: we are not root
        LabRequestError: a lab of that name exists
    """
    lifecycle.require_root()
    if check_lab_name(lab) in lifecycle.labs():
        raise LabRequestError(f"lab {lab} exists; take it down first: kube-ha lab down --lab {lab}")
    try:
        yield _make_folder(LabFiles(lab))
    finally:
        if not keep:
            lifecycle.down(lab)


def _make_folder(files: LabFiles) -> Path:
    from nornir_kube_ha.lab.control_plane import pki  # noqa: PLC0415 - cryptography takes 100 ms to import

    folder = files.folder / "rehearsal"
    files.folder.mkdir(mode=0o700, parents=True)
    folder.mkdir(mode=0o700)
    pki.ensure_ca(files.pki)
    pki.ensure_ca(folder / "stranger")
    own, stranger = ((each / "ca.crt").read_text() for each in (files.pki, folder / "stranger"))
    for name, text in (("ca.crt", own), ("stranger.crt", stranger), ("both.crt", own + stranger)):
        write_file(folder / name, text)
    return folder


def boot(lab: str, old: Intent | None, new: Intent, progress: Progress, packages: tuple[str, ...] = ()) -> Layout:
    """Boot the hosts of both states, and return the lab's layout.

    Packages are installed already if the old state has all hosts: then they are in production, too.

    Arguments:
        lab: name of the lab, which both intents name
        old: intent of the old state, if there is one
        new: intent of the new state
        progress: called before long steps
        packages: installed on all hosts; () leaves that to the old state

    Raises:
        LabError: the lab cannot be brought up
    """
    programs = ensure_programs(None, progress) if has_real_plane(new) else None
    layout = layout_of_both(lab, old, new, programs.version if programs else "")
    is_installed = old is not None and {node.name for node in new.nodes} <= {node.name for node in old.nodes}
    lifecycle.up(layout, progress, packages or (PACKAGES if is_installed else ()), programs)
    return layout


def building_seconds(old: Intent | None, new: Intent) -> int:
    """Return how long images and programs will take that are not built yet."""
    suites = {node.lab_suite for intent in (old, new) if intent for node in intent.nodes}
    seconds = IMAGE_SECONDS * sum(not image_of(suite).folder.is_dir() for suite in suites)
    if has_real_plane(new):
        made = ((TOOLS, TOOLS_SECONDS), (SERVERS, SERVERS_SECONDS))
        seconds += sum(each for bundle, each in made if not bundle.folder.is_dir())
    return seconds
