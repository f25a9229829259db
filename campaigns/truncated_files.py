"""Truncate each rendered file at every byte, and stage it with the hosts' script. Written to docs/measured.md."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaigns.shared.record import record
from rig.truncation import FILES, RENDERED, Host

CHUNK = 500  # lengths in one script


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add none."""


def run(options: argparse.Namespace) -> int:
    lengths = {file: len(file.read_bytes()) for file in FILES}
    wrong = [words for file in FILES for words in _wrong(file)]
    sys.stderr.write("".join(f"{words}\n" for words in wrong))
    lines = [
        f"* {len(FILES)} files of one host were cut off at each of their {sum(lengths.values())} bytes. An incomplete",
        f"  file was accepted or left behind, or the live file was changed, **{len(wrong)} times**.",
    ]
    record("Files that arrive cut off", options.command, lines)
    return 1 if wrong else 0


def _wrong(file: Path) -> Iterator[str]:
    whole, name = file.read_bytes(), file.relative_to(RENDERED)
    for start in range(0, len(whole) + 1, CHUNK):
        lengths = range(start, min(start + CHUNK, len(whole) + 1))
        with tempfile.TemporaryDirectory() as folder:
            host = Host(Path(folder))
            taken = host.takes(whole, lengths)
            yield from (f"{name}: taken at byte {length}" for length in taken if length != len(whole))
            if len(whole) in lengths and len(whole) not in taken:
                yield f"{name}: not taken whole"
            if host.others or host.live.read_text() != "live\n":
                yield f"{name}: something was left, or the live file touched, within bytes {lengths}"
