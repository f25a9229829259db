"""An inventory as a git revision has it, by git itself."""

import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.revision import inventory_at


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=unit", "-c", "user.email=unit@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with an inventory in a folder, and with what it refers to beside it; the checkout has changed."""
    top = tmp_path / "repository"
    (top / "sites/production").mkdir(parents=True)
    (top / "pki").mkdir()
    git(top, "init", "--quiet")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "nothing yet")
    (top / "sites/production/hosts.yaml").write_text("lb-1: {}\n")
    (top / "pki/ca.crt").write_text("old\n")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "first")
    (top / "sites/production/hosts.yaml").write_text("lb-2: {}\n")
    (top / "pki/ca.crt").write_text("new\n")
    return top


def test_files_are_those_of_the_revision(repository: Path, tmp_path: Path) -> None:
    found = inventory_at(repository / "sites/production", "HEAD", tmp_path / "old")
    assert found == tmp_path / "old/sites/production"
    assert (found / "hosts.yaml").read_text() == "lb-1: {}\n"
    assert (found / "../../pki/ca.crt").read_text() == "old\n"


def test_checkout_stays_as_it_is(repository: Path, tmp_path: Path) -> None:
    before = git(repository, "status", "--porcelain"), git(repository, "worktree", "list")
    inventory_at(repository / "sites/production", "HEAD", tmp_path / "old")
    assert (git(repository, "status", "--porcelain"), git(repository, "worktree", "list")) == before
    assert (repository / "sites/production/hosts.yaml").read_text() == "lb-2: {}\n"


def test_only_its_owner_can_read_it(repository: Path, tmp_path: Path) -> None:
    inventory_at(repository / "sites/production", "HEAD", tmp_path / "old")
    assert (tmp_path / "old").stat().st_mode & 0o077 == 0


def test_inventory_may_be_the_whole_repository(tmp_path: Path) -> None:
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "--quiet")
    (top / "hosts.yaml").write_text("lb-1: {}\n")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "first")
    assert inventory_at(top, "main", tmp_path / "old") == tmp_path / "old"


def test_hooks_environment_does_not_mislead(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert inventory_at(repository / "sites/production", "HEAD", tmp_path / "old").is_dir()


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("no-such-branch", "no such revision"),
        ("--output=/tmp/x", "no such revision"),
        ("", "no such revision"),
        ("HEAD~1", r"sites/production/hosts\.yaml does not exist in HEAD~1"),
    ],
)
def test_what_is_not_there_is_named(repository: Path, tmp_path: Path, revision: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"--from-git: .*{words}"):
        inventory_at(repository / "sites/production", revision, tmp_path / "old")


def test_folder_outside_of_any_repository_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="not a git repository"):
        inventory_at(tmp_path, "HEAD", tmp_path / "old")


def test_nornir_configuration_file_has_no_revision(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    with pytest.raises(UsageError, match=r"config\.yaml is a file"):
        inventory_at(tmp_path / "config.yaml", "HEAD", tmp_path / "old")


def test_machine_without_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        inventory_at(tmp_path, "HEAD", tmp_path / "old")
