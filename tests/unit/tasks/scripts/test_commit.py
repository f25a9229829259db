"""Drafts become live: one that cannot ends the script at once, and what is said to have changed is what has."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from rig.lab import ROOT

from nornir_kube_ha.planning.generations import KEPT
from nornir_kube_ha.ssh.script import assignments, load_script

LEFT_ALONE = 78
SCRIPTS = ("draft.sh", "generations.sh", "keep.sh", "selinux.sh", "commit.sh")


class Host:
    """Two files of ours, each with a draft beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.files = [folder / "etc/a", folder / "etc/b"]
        self.files[0].parent.mkdir()
        for file in self.files:
            file.write_text("live\n")
            self.draft_of(file).write_text(f"new {file.name}\n")
        self.stand_in("chown", f'echo "$*" >>{folder}/given')  # only root gives away what is its own

    def draft_of(self, file: Path) -> Path:
        return file.with_name(f".{file.name}.kube-ha-new")

    def commit(self, *, folders: str = "", remove: str = "") -> subprocess.CompletedProcess[str]:
        drafts = {file: hashlib.sha256(f"new {file.name}\n".encode()).hexdigest() for file in self.files}
        variables = assignments(
            managed=" ".join(map(str, self.files)),
            write="\n".join(f"{sha256} {file}" for file, sha256 in drafts.items()),
            remove=remove,
            folders=folders,
            stale="haproxy",
            keep=str(KEPT),
            about="aaaa root@noc-1",
            replaced="",
            scripts="",
            set_here="",
        )
        script = variables + "".join(map(load_script, SCRIPTS))
        for path in ("/var/lib/kube-ha", "/run/kube-ha-pending"):
            script = script.replace(path, f"{self.folder}{path}")
        script = script.replace("PATH=/usr/sbin", f"PATH={self.bin}:/usr/sbin")
        return subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=False)

    def stand_in(self, program: str, script: str) -> None:
        path = self.bin / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    @property
    def live(self) -> list[str]:
        return [file.read_text() for file in self.files]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_drafts_take_the_place_of_the_live_files(host: Host) -> None:
    assert host.commit().returncode == 0
    assert host.live == ["new a\n", "new b\n"]
    assert host.commit().returncode == 0  # its answer was lost, and it is asked again
    assert host.live == ["new a\n", "new b\n"]


@pytest.mark.field_report(
    "B3",
    "ansible#13981, ansible#48886",
    "The copy fails on one node, and the others go on.",
    "Pre-flight names the immutable or mounted file; a rename that fails all the same ends the host's change at once.",
)
def test_a_rename_that_fails_ends_it_with_its_own_words(host: Host) -> None:
    host.stand_in("mv", 'case "$*" in *etc/.a*) echo "mv: no, not this one" >&2; exit 1 ;; esac; exec /bin/mv "$@"')
    done = host.commit()
    assert (done.returncode, host.live) == (1, ["live\n", "live\n"])
    assert "mv: no, not this one" in done.stderr


@pytest.mark.parametrize("program", ["sync", "chmod", "rm"])
def test_any_other_command_that_fails_ends_it_too(host: Host, program: str) -> None:
    host.stand_in(program, f'case "$*" in *etc*) exit 9 ;; esac; exec /bin/{program} "$@"')
    assert host.commit(folders=str(host.files[0].parent), remove=str(host.folder / "etc/c")).returncode == 9


def test_a_file_is_never_moved_into_a_folder_of_its_name(host: Host) -> None:
    host.files[0].unlink()
    host.files[0].mkdir()
    done = host.commit()
    assert done.returncode != 0
    assert list(host.files[0].iterdir()) == []
    assert host.files[1].read_text() == "live\n"


@pytest.mark.field_report(
    "B1",
    "ansible#28655",
    "The link is replaced, and what it led to stays, unsaid.",
    "The dry run says that a file takes the link's place and that its target stays; the target's content is kept.",
)
def test_a_link_is_replaced_and_what_it_leads_to_is_kept(host: Host) -> None:
    elsewhere = host.folder / "elsewhere"
    host.files[0].rename(elsewhere)
    host.files[0].symlink_to("../elsewhere")
    assert host.commit().returncode == 0
    assert not host.files[0].is_symlink()
    assert (host.live[0], elsewhere.read_text()) == ("new a\n", "live\n")
    kept = host.folder / "var/lib/kube-ha"
    [generation] = (kept / "generations").iterdir()
    assert Path(f"{generation}/files{host.files[0]}").read_text() == "live\n"
    assert Path(f"{kept}/before{host.files[0]}").readlink() == Path("../elsewhere")


def test_what_cannot_be_kept_is_not_replaced(host: Host) -> None:
    host.stand_in("cp", "exit 1")
    done = host.commit()
    assert (done.returncode, host.live) == (LEFT_ALONE, ["live\n", "live\n"])
    assert f"cannot copy {host.files[0]}; nothing was changed" in done.stderr


def test_a_draft_that_is_gone_leaves_all_alone(host: Host) -> None:
    host.draft_of(host.files[0]).unlink()
    done = host.commit()
    assert (done.returncode, host.live) == (LEFT_ALONE, ["live\n", "live\n"])
    assert done.stderr.endswith("is gone; nothing was changed\n")


def test_a_folder_is_taken_from_others(host: Host) -> None:
    folder = host.files[0].parent
    folder.chmod(0o775)
    assert host.commit(folders=str(folder)).returncode == 0
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (host.folder / "given").read_text() == f"root {folder}\n"


def test_no_script_under_set_e_lets_an_and_list_fail_unseen() -> None:
    """`set -e` passes over every command of `a && b` but the last: a statement of its own says what becomes of it."""
    for path in sorted(ROOT.glob("*/*.sh")):
        lines = path.read_text().splitlines()
        if "set -e" not in lines:
            continue
        joined = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
        for line in joined.split("\n"):
            is_condition = line.lstrip().startswith(("if ", "while ", "until ", "elif ", "(")) or "||" in line
            assert "&&" not in line or is_condition, f"{path.name}: {line.strip()}"
