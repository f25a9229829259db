"""What stands below each command's help: examples that can be typed, exit codes, and where the docs are."""

import re
import shlex
import tomllib
from collections.abc import Iterator

import pytest
from rig.lab import ROOT

from nornir_kube_ha.cli.main import make_parser
from nornir_kube_ha.cli.options.examples import CODES, DOCS, EXAMPLES
from nornir_kube_ha.cli.options.parser import Parser


def leaves(parser: Parser, name: str = "") -> Iterator[tuple[str, Parser]]:
    """Name, without `kube-ha`, and parser of each command that does something."""
    inner = [*parser.commands()]
    if not inner:
        yield name, parser
    for word, each in inner:
        yield from leaves(each, f"{name} {word}".strip())


COMMANDS = dict(leaves(make_parser()))


def test_every_command_has_examples() -> None:
    assert {*EXAMPLES} - {""} == {*COMMANDS}


@pytest.mark.parametrize("example", sorted({each for examples in EXAMPLES.values() for each in examples}))
def test_example_can_be_typed(example: str) -> None:
    assert make_parser().parse_args(shlex.split(example)).run


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_ends_with_its_own_examples_and_the_docs(command: str) -> None:
    text = COMMANDS[command].format_help()
    shown = re.findall(r"^  kube-ha (.*)$", text.partition("examples:")[2], re.MULTILINE)
    assert shown == [*EXAMPLES[command]]
    assert all(f"{each} ".startswith(f"{command} ") for each in shown)
    assert text.endswith(f"{DOCS}/cli.html\n")


def test_help_ends_with_examples_exit_codes_and_docs() -> None:
    text = make_parser().format_help()
    assert [int(code) for code in re.findall(r"^  (\d+) ", text.partition("exit codes:")[2], re.MULTILINE)] == [*CODES]
    assert all(f"kube-ha {example}\n" in text for example in EXAMPLES[""])
    assert text.endswith(f"documentation: {DOCS}\n")


def test_address_of_the_docs_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCS
    assert (ROOT / "docs/cli.md").exists()  # cli.html on the site
