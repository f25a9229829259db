"""What the docs take from the code is what the code says."""

import inspect
import re
from pathlib import Path

import pytest
from docs.reference import PAGES
from docs.reference_cli import EXIT_CODES
from rig.lab import ROOT
from ruamel.yaml import YAML
from tests.support.defects import DEFECTS

from nornir_kube_ha import tasks
from nornir_kube_ha.checks import CHECKS
from nornir_kube_ha.cli.main import main
from nornir_kube_ha.cli.options.examples import CODES

DOCS = ROOT / "docs"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_the_docs_take_from_the_code_is_what_it_says(path: Path) -> None:
    assert path.read_text() == PAGES[path](), "run `make docs`"


def test_exit_codes_are_documented_for_every_command() -> None:
    page = (DOCS / "cli.md").read_text()
    assert re.findall(r"^## kube-ha (.*)$", page, re.MULTILINE) == [*EXIT_CODES]
    told = {int(code) for each in EXIT_CODES.values() for code in re.findall(r"\b\d+\b", each)}
    assert told - {3} <= set(CODES)  # 3 is a monitoring plugin's
    assert {int(code) for code in re.findall(r"\| (\d) \| [A-Z]", (DOCS / "exit-codes.md").read_text())} <= set(CODES)


def test_the_readme_counts_right() -> None:
    text = (DOCS.parent / "README.md").read_text()
    assert f"{len(CHECKS)} checks, tested against {len(DEFECTS)} defects" in text


def test_every_task_is_listed_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", (DOCS / "tasks.md").read_text(), re.MULTILINE))
    assert sorted(rows) == sorted(tasks.__all__)
    for name, listed in rows.items():
        given = {each.partition("=")[0] for each in listed.split(", ") if each}
        known = inspect.signature(getattr(tasks, name)).parameters
        assert given <= set(known) - {"task"}, name
        required = {each.name for each in known.values() if each.default is each.empty} - {"task"}
        assert required <= given, name


def test_logins_of_the_page_are_taken_by_an_inventory(tmp_path: Path) -> None:
    folder, yaml = tmp_path / "mine", YAML()
    assert main(["init", str(folder)]) == 0
    tree = yaml.load(folder / "groups.yaml")
    [block] = re.findall(r"```yaml\n(.*?)```", (DOCS / "login.md").read_text(), re.DOTALL)
    login = yaml.load(block)
    [group] = tree.values()
    group["data"] |= login.pop("data")
    yaml.dump(tree | {name: {**each, **login} for name, each in tree.items()}, folder / "groups.yaml")
    assert main(["deploy", "-i", str(folder), "--list-hosts"]) == 0


@pytest.mark.parametrize(
    "page", [*sorted(DOCS.glob("*.md")), *sorted(DOCS.parent.glob("*.md"))], ids=lambda page: page.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        assert (page.parent / target.partition("#")[0]).exists(), target
