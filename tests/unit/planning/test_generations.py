"""Files that were live before a change: how a host keeps them, and how the controller reads them."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.generations import KEPT, Generation, last_good, parse_files, parse_generations, serves
from nornir_kube_ha.ssh.script import assignments, load_script

NONCE = "0123"


class Host:
    """A host with two files of ours, and where it keeps what they were."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "kept"
        self.files = [folder / "etc/haproxy.cfg", folder / "etc/keepalived.conf"]
        self.files[0].parent.mkdir()
        self.write("one")

    def write(self, content: str) -> None:
        for file in self.files:
            file.write_text(f"{content}\n")
            file.chmod(0o640)

    def run(self, call: str, about: str = "aaaa root@noc-1") -> str:
        variables = assignments(managed=" ".join(map(str, self.files)), nonce=NONCE, keep=str(KEPT), about=about)
        parts = ("section.sh", "draft.sh", "generations.sh", "keep.sh")
        script = "".join(map(load_script, parts)).replace("=/var/lib/kube-ha", f"={self.kept}") + "REPLACED=\n"
        done = subprocess.run(
            ["sh", "-u", "-s"], input=f"{variables}{script}{call}\n", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def keep(self, about: str = "aaaa root@noc-1") -> None:
        self.run("keep_generation", about)

    @property
    def generations(self) -> tuple[Generation, ...]:
        return parse_generations(self.run("list_generations"), NONCE)

    def files_of(self, number: int) -> tuple[ConfigFile, ...]:
        return parse_files(self.run(f"show_generation {number:06}"), NONCE)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Nothing is kept there yet."""
    return Host(tmp_path)


def test_nothing_is_kept_on_a_host_that_was_never_changed(host: Host) -> None:
    assert host.generations == ()


def test_what_was_live_comes_back_with_content_mode_and_owner(host: Host) -> None:
    host.keep()
    host.write("two")
    (kept,) = host.generations
    assert (kept.number, kept.run_id, kept.user, kept.good, kept.is_live) == (1, "aaaa", "root@noc-1", False, False)
    assert abs(kept.replaced.timestamp() - datetime.now(UTC).timestamp()) < 60
    was = tuple(ConfigFile(str(file), "one\n", "0640", file.owner(), file.group()) for file in host.files)
    assert host.files_of(1) == was


def test_content_that_is_no_text_comes_back_as_it_was(host: Host) -> None:
    host.files[0].write_bytes(b"\xff\xfe no text\r")
    host.keep()
    assert host.files_of(1)[0].data == b"\xff\xfe no text\r"


def test_only_root_can_read_it(host: Host) -> None:
    host.keep()
    assert (host.kept / "generations").stat().st_mode & 0o777 == 0o700


def test_file_that_was_not_there_is_not_there_afterwards(host: Host) -> None:
    host.files[1].unlink()
    host.keep()
    assert [file.path for file in host.files_of(1)] == [str(host.files[0])]


def test_good_is_what_was_live_when_all_checks_passed(host: Host) -> None:
    host.run("mark_good")
    host.keep()
    host.write("two")
    host.keep()
    assert [each.good for each in host.generations] == [True, False]


def test_good_that_cannot_be_noted_is_said(host: Host) -> None:
    (host.kept / "good.new").mkdir(parents=True)
    said = host.run("mark_good 2>&1 || echo told")
    assert f"cannot write {host.kept}/good, so the live files are not marked as good\ntold\n" in said


def test_owner_and_mode_count_as_well(host: Host) -> None:
    host.run("mark_good")
    host.files[0].chmod(0o600)
    host.keep()
    assert [each.good for each in host.generations] == [False]


def test_same_files_are_not_kept_twice_in_a_row(host: Host) -> None:
    host.keep("aaaa root@noc-1")
    host.keep("bbbb root@noc-2")
    (kept,) = host.generations
    assert (kept.run_id, kept.is_live) == ("bbbb", True)


def test_only_the_last_few_stay_in_their_order(host: Host) -> None:
    for number in range(12):
        host.write(str(number))
        host.keep()
    assert [each.number for each in host.generations] == [8, 9, 10, 11, 12]
    assert host.files_of(12)[0].content == "11\n"


def test_what_stood_there_before_the_first_change_never_goes(host: Host) -> None:
    for number in range(8):
        host.keep()
        host.write(str(number))
    before = [Path(f"{host.kept}/before{file}").read_text() for file in host.files]
    assert before == ["one\n", "one\n"]


def test_kube_ha_s_files_are_not_kept_as_those_from_before(host: Host) -> None:
    host.write("# Written by nornir-kube-ha for cluster demo.")
    host.keep()
    assert not (host.kept / "before").exists()


def test_what_a_run_left_half_kept_is_swept(host: Host) -> None:
    (host.kept / "generations/.new/files/tmp").mkdir(parents=True)
    host.keep()
    assert [each.number for each in host.generations] == [1]
    assert not (host.kept / "generations/.new").exists()


def test_answer_that_is_cut_short_is_an_error(host: Host) -> None:
    host.keep()
    with pytest.raises(ValueError, match="ends in section"):
        parse_generations(host.run("list_generations").replace(f"@{NONCE} end", ""), NONCE)


def generation(number: int, *, good: bool = True, is_live: bool = False) -> Generation:
    return Generation(number, datetime(2026, 11, 24, 23, 0, 1, tzinfo=UTC), good, "0123456789ab", "root@noc-1", is_live)


def test_last_good_is_the_newest_that_passed_and_is_not_live() -> None:
    kept = [generation(1), generation(2), generation(3, is_live=True), generation(4, good=False)]
    assert last_good(kept) == kept[1]
    assert last_good(kept[2:]) is None


def test_generation_in_words() -> None:
    assert str(generation(12)) == "12: good, replaced 2026-11-24 23:00:01 UTC by run 0123456789ab of root@noc-1"
    assert str(generation(3, is_live=True)).startswith("3: live now, ")
    assert str(generation(3, good=False)).startswith("3: never passed every check, ")


def test_what_a_package_ships_makes_no_load_balancer() -> None:
    cfg, conf = ConfigFile(HAPROXY_CFG, ""), ConfigFile(KEEPALIVED_CONF, "")
    assert serves([cfg, conf])
    assert not serves([cfg])
