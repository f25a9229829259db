"""Every command of kube-ha that a page shows is one that the command line takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.lab import ROOT

from nornir_kube_ha.cli.main import make_parser

PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
MOST_LINES = 120  # of README.md
RUNBOOK = re.compile(r"python runbooks/(\w+)\.py")


def commands(text: str) -> Iterator[str]:
    """Each line of a block of commands that starts kube-ha, as `kube-ha ...`; not its comment, nor a synopsis."""
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines() if language in {"", "sh"} else ():
            command = RUNBOOK.sub(lambda found: f"kube-ha {found[1].replace('_', '-')}", line.strip())
            if re.match(r"kube-ha [a-z-]+( |$)|kube-ha --", command) and not re.search(r"[\[\]|]|\.\.\.", command):
                yield re.split(r"\s{2,}|\s[#>]|;|\s&&", _with_values(command))[0]


def _with_values(command: str) -> str:
    """A synopsis with a value for each argument that takes one of a few words."""
    values = {" MODE": " hang", "schema FILE": "schema hosts", " SHELL": " bash"}
    for argument, value in values.items():
        command = command.replace(argument, value)
    return command


@pytest.mark.parametrize("page", [page for page in PAGES if [*commands(page.read_text())]], ids=lambda page: page.name)
def test_commands_of_a_page_are_taken(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser, refused = make_parser(), []
    for command in commands(page.read_text(encoding="utf-8")):
        try:
            parser.parse_args(shlex.split(command)[1:])
        except SystemExit as ended:
            if ended.code:  # `--help` ends, too
                refused.append(f"{command}: {capsys.readouterr().err}")
    assert not refused


def test_commands_are_found() -> None:
    assert sum(len([*commands(page.read_text(encoding="utf-8"))]) for page in PAGES) > 50
    shown = "```\npython runbooks/failover_test.py --fault x --yes   # a comment\nkube-ha lab up [-i INVENTORY]\n```\n"
    assert [*commands(shown)] == ["kube-ha failover-test --fault x --yes"]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES
