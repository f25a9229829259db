"""A new file that did not arrive whole: wherever it was cut off, staging ends, and nothing is left of it."""

from pathlib import Path

import pytest
from rig.truncation import FILES, RENDERED, Host

STEP = 53  # bytes; `python -m campaigns truncated-files` takes every one


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(RENDERED)))
def test_file_that_was_cut_off_is_refused_and_the_live_one_stays(host: Host, file: Path) -> None:
    whole = file.read_bytes()
    lengths = [*range(0, len(whole), STEP), len(whole) - 1, len(whole)]
    assert host.takes(whole, lengths) == [len(whole)]
    assert host.live.read_text() == "live\n"
    assert host.others == []


def test_file_of_other_bytes_is_refused(host: Host) -> None:
    assert host.takes(b"as it should be\n", [16], sent=b"as it should not\n"[:16]) == []
    assert host.others == []


def test_folder_that_is_not_writable_is_reported(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.live.unlink()
    host.live.parent.rmdir()
    host.live.parent.write_text("a file where a folder should be")
    assert host.takes(b"x\n", [2]) == []
