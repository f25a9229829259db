"""Files on the operator's machine: by the user's umask, and never through a link that somebody has laid."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.reports import report_of

from nornir_kube_ha.cli.main import main
from nornir_kube_ha.files import write_file
from nornir_kube_ha.report.files import write_report


@pytest.fixture
def _private() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.field_report(
    "H7",
    "found by trial",
    "a link laid in a shared folder has a report overwrite its target, and reports are 0644 under umask 077",
    "drafts have names that nobody can foresee and are never links; files have the user's umask",
)
@pytest.mark.usefixtures("_private")
def test_reports_have_the_users_umask(tmp_path: Path) -> None:
    (tmp_path / "report.txt").touch(mode=0o644)
    write_report(report_of(), tmp_path)
    assert modes(tmp_path) == {0o600}


@pytest.mark.field_report("H7")
@pytest.mark.usefixtures("_private")
def test_first_inventory_has_the_users_umask(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "mine")]) == 0
    assert modes(tmp_path / "mine") == {0o600}
    assert modes(tmp_path) == {0o700}


@pytest.mark.usefixtures("_private")
def test_mode_that_is_asked_for_goes_before_the_umask(tmp_path: Path) -> None:
    write_file(tmp_path / "of-a-host", "", 0o644)
    assert modes(tmp_path) == {0o644}


@pytest.mark.field_report("H7")
@pytest.mark.parametrize("laid", ["link", "file"])
def test_draft_is_never_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laid: str) -> None:
    victim, draft = tmp_path / "victim", tmp_path / ".report.txt.foreseen"
    victim.write_text("of the operator")
    draft.symlink_to(victim) if laid == "link" else draft.write_text("of another user")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "foreseen")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "report.txt", "ours")
    assert victim.read_text() == "of the operator"
    assert draft.is_symlink() == (laid == "link")  # and it is not ours to remove
    assert not (tmp_path / "report.txt").exists()


def test_link_in_the_files_own_place_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("of the operator")
    (tmp_path / "report.txt").symlink_to("victim")
    write_file(tmp_path / "report.txt", "ours")
    assert (tmp_path / "victim").read_text() == "of the operator"
    assert not (tmp_path / "report.txt").is_symlink()


def test_no_two_drafts_have_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: list[str] = []
    replace = Path.replace

    def remember(own: Path, target: Path) -> Path:
        drafts.append(own.name)
        return replace(own, target)

    monkeypatch.setattr(Path, "replace", remember)
    for _ in range(2):
        write_file(tmp_path / "report.txt", "ours")
    assert len({*drafts}) == 2
    assert str(os.getpid()) not in drafts
