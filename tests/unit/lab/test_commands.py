import argparse
import shutil
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from nornir_kube_ha.cli import lab as cli
from nornir_kube_ha.cli.options.lab import MODES as NAMED_MODES
from nornir_kube_ha.cli.options.lab import add_parser
from nornir_kube_ha.cli.options.parser import Parser
from nornir_kube_ha.files import write_file
from nornir_kube_ha.lab import lifecycle
from nornir_kube_ha.lab.control_plane.stand_in import MODES
from nornir_kube_ha.lab.errors import LabError, LabRequestError, LabRequiresRootError
from nornir_kube_ha.lab.images import image
from nornir_kube_ha.lab.layout import LabHost, Layout
from nornir_kube_ha.lab.machine import command, inotify
from nornir_kube_ha.lab.state import locked

LAB = Layout("unit", (LabHost("lb-1", "eth0", IPv4Interface("10.71.0.11/24")),))


def parse(*words: str) -> argparse.Namespace:
    parser = Parser()
    add_parser(parser.add_subparsers())
    parsed: argparse.Namespace = parser.parse_args(["lab", *words])
    return parsed


def test_commands_for_others_are_taken_as_they_are() -> None:
    assert parse("ssh", "lb-1", "ls", "-l", "--color").command == ["ls", "-l", "--color"]
    assert parse("exec", "--", "ip", "-br", "address").command[-3:] == ["ip", "-br", "address"]
    assert parse("status", "--lab", "demo").lab == "demo"


def test_ssh_trusts_only_the_lab() -> None:
    words = cli.ssh_command(LAB, "lb-1", ["true"], terminal=False)
    assert words[:3] == ["ssh", "-F", "none"]
    assert "StrictHostKeyChecking=yes" in words
    assert "UserKnownHostsFile=/var/lib/kube-ha/lab/unit/known_hosts" in words
    assert words[-2:] == ["root@10.71.0.11", "true"]
    assert "-t" in cli.ssh_command(LAB, "lb-1", [], terminal=True)


def test_ssh_to_an_unknown_host_names_the_known() -> None:
    with pytest.raises(LabRequestError, match=r"no host 'lb-9'; known hosts: lb-1"):
        cli.ssh_command(LAB, "lb-9", [], terminal=False)


@pytest.mark.parametrize(
    "words",
    [("up",), ("down",), ("status",), ("ssh", "a"), ("exec", "a"), ("apiserver", "a", "ok"), ("off", "a"), ("on", "a")],
)
def test_everybody_but_root_gets_one_clear_line(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    options = parse(*words)
    with pytest.raises(LabRequiresRootError, match="the lab needs root") as caught:
        options.run(options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, PermissionError)


def test_one_of_several_labs_must_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(lifecycle, "labs", lambda: ["a", "b"])
    options = parse("down")
    with pytest.raises(LabRequestError, match="--lab: a, b"):
        options.run(options)


def test_a_lab_that_is_not_up_is_not_said_to_be_taken_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(lifecycle, "labs", lambda: ["a"])
    monkeypatch.setattr(lifecycle, "down", lambda _: None)
    downs = [parse("down", "--lab", name) for name in ("a", "none")]
    assert [each.run(each) for each in downs] == [0, 0]
    said = capsys.readouterr().err
    assert "took lab a down" in said
    assert "lab none is not up; nothing to take down" in said


def test_missing_tools_are_named_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool in ("mmdebstrap", "unshare", "nsenter") else tool)
    with pytest.raises(LabError, match=r"apt-get install mmdebstrap util-linux$"):
        command.require_tools()


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(LabError, match=r"exit status 3: broken$"):
        command.run(["sh", "-c", "echo broken >&2; exit 3"])
    with pytest.raises(LabError, match=r"did not end within 0\.01 s"):
        command.run(["sleep", "5"], seconds=0.01)
    with pytest.raises(LabError, match="command not found on this machine"):
        command.run(["no-such-tool"])


def test_image_is_built_by_mmdebstrap_with_the_mirror_given() -> None:
    words = image.mmdebstrap_command("bookworm", Path("/there"), "http://mirror.invalid/debian")
    assert words[-3:] == ["bookworm", "/there", "http://mirror.invalid/debian"]
    assert image.mmdebstrap_command("bookworm", Path("/there"), None)[-1] == "/there"
    assert not set(image.POOL_PACKAGES) & set(image.ROOT_PACKAGES)


def test_image_is_named_after_its_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = image.image_of("bookworm")
    assert image.image_of("bookworm") == before
    assert image.image_of("trixie") != before
    monkeypatch.setattr(image, "POOL_PACKAGES", ("other",))
    assert image.image_of("bookworm") != before


def test_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "IMAGES", tmp_path / "images")
    monkeypatch.setattr("nornir_kube_ha.lab.state.RUN", tmp_path / "run")
    monkeypatch.setattr(image, "mmdebstrap_command", lambda *_: ["sh", "-c", "echo E: no mirror answers; exit 1"])
    with pytest.raises(LabError, match="E: no mirror answers"):
        image.ensure_image("bookworm", lambda _: None)
    assert not list((tmp_path / "images").iterdir())
    assert not (tmp_path / "run").exists()


def test_limit_is_raised_when_needed_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "limit"
    limit.write_text("128\n")
    monkeypatch.setattr(inotify, "LIMIT", limit)
    monkeypatch.setattr(inotify, "_BEFORE", tmp_path / "before")
    monkeypatch.setattr("nornir_kube_ha.lab.state.RUN", tmp_path / "run")
    inotify.raise_limit(3)
    assert limit.read_text() == "128\n"
    inotify.raise_limit(12)
    inotify.raise_limit(20)
    assert limit.read_text() == "16384"
    inotify.restore_limit()
    assert limit.read_text() == "128"
    assert not (tmp_path / "before").exists()


def test_limit_that_was_changed_since_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "limit"
    limit.write_text("128")
    monkeypatch.setattr(inotify, "LIMIT", limit)
    monkeypatch.setattr(inotify, "_BEFORE", tmp_path / "before")
    monkeypatch.setattr("nornir_kube_ha.lab.state.RUN", tmp_path / "run")
    inotify.raise_limit(100)
    limit.write_text("999999")
    inotify.restore_limit()
    assert limit.read_text() == "999999"


def test_files_are_never_more_readable_than_said(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_file(path, "secret", 0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_lock_leaves_nothing_and_reports_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nornir_kube_ha.lab.state.RUN", tmp_path / "run")
    with locked("x"):
        assert (tmp_path / "run/x.lock").exists()
    assert not (tmp_path / "run").exists()


def test_every_way_of_the_stand_in_can_be_chosen() -> None:
    assert NAMED_MODES == MODES
