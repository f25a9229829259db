"""A terminal picture shows a command and what it printed, by itself: no font or script of a server."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from docs import terminal

PRINTED = "\x1b[32mpass\x1b[0m  <b> & 3 hosts\r\nlb-1\r\n"
NAMESPACE = "http://www.w3.org/2000/svg"
MOST_BYTES = 60_000  # a page that shows two pictures stays light


def shown(svg: str) -> list[str]:
    """The lines of a picture, without spaces that nothing is drawn for."""
    lines: dict[str, str] = {}
    for text in ET.fromstring(svg).iter(f"{{{NAMESPACE}}}text"):  # noqa: S314 - our own
        lines[text.attrib["y"]] = lines.get(text.attrib["y"], "") + str(text.text).replace("\xa0", " ")
    return [*lines.values()]


def test_a_picture_shows_the_command_and_what_it_printed() -> None:
    assert shown(terminal.render("kube-ha deploy", PRINTED)) == ["$kube-ha deploy", "pass  <b> & 3 hosts", "lb-1"]


def test_colours_are_kept() -> None:
    colours = [set(re.findall(r"fill: (#\w+)", terminal.render("x", text))) for text in ("\x1b[31mFAIL\x1b[0m", "FAIL")]
    assert colours[1] < colours[0]


def test_what_script_adds_to_its_recording_is_not_shown() -> None:
    saved = f"Script started on 2026-11-30 [COMMAND=x]\n{PRINTED}\nScript done on 2026-11-30\n"
    assert terminal.render("x", saved) == terminal.render("x", PRINTED)


def test_long_output_is_cut_in_the_middle() -> None:
    lines = shown(terminal.render("x", "".join(f"line{number}\n" for number in range(100))))
    assert lines[:2] + lines[-1:] == ["$x", "line0", "line99"]
    assert f"...{100 - terminal.FIRST - terminal.LAST}morelines..." in [line.replace(" ", "") for line in lines]
    assert len(lines) == terminal.FIRST + terminal.LAST + 2


def test_a_command_is_recorded_at_a_terminal_of_one_size() -> None:
    size = "import os, sys; print(os.get_terminal_size(), all(map(os.isatty, (0, 1, 2))))"
    assert terminal.record([sys.executable, "-c", size]) == "os.terminal_size(columns=100, lines=50) True\r\n"


def test_a_command_that_fails_makes_no_picture() -> None:
    with pytest.raises(SystemExit, match=r"exit code 3\n"):
        terminal.record([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_saved_recording_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "ASSETS", tmp_path)
    (tmp_path / "saved").write_text(PRINTED, encoding="utf-8")
    assert terminal.main(["deploy", "--recording", str(tmp_path / "saved")]) == 0
    svg = (tmp_path / "deploy.svg").read_text(encoding="utf-8")
    assert svg == terminal.render("kube-ha deploy", PRINTED)
