"""What runs before a commit is what `make lint` runs, and prose is checked by rules that can fail."""

import re
import tomllib
from pathlib import Path

import pytest
from docs.prose import PAGES, main, page_texts, problems, source_texts
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def lint_steps() -> set[str]:
    """Program and first words of each step of `make lint`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(PYTHON)", ".venv/bin/python")
    [recipe] = re.findall(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    return {_words(step) for step in re.findall(r"\.venv/bin/.*", recipe)}


def _words(command: str) -> str:
    """A command without options, paths and what Make puts in; with the schema that it names."""
    [schema] = re.findall(r"--builtin-schema (\S+)", command) or [""]
    words = re.match(r"\S+(?: -m \S+)?(?: check| format)?", command)
    assert words
    return f"{words[0]} {schema}".strip()


def test_hooks_run_each_step_of_lint() -> None:
    [repository] = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = repository["hooks"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {_words(hook["entry"]) for hook in hooks} == lint_steps()
    checks = re.findall(r"^SHELLCHECKS := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [hook["entry"].partition("--enable=")[2] for hook in hooks if hook["id"] == "shellcheck"] == checks


def test_ci_runs_the_lowest_python_of_the_project_and_each_classified_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    jobs = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")["jobs"]
    tested = jobs["unit"]["strategy"]["matrix"]["python"]
    classified = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r":: 3\.\d+$", each)]
    assert classified
    assert set(classified) <= set(tested)
    assert project["requires-python"] == f">={tested[0]}"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("The host keeps its files.", 0),
        (" ".join(["word"] * 25) + ".", 0),
        (" ".join(["word"] * 26) + ".", 1),
        (" ".join(["word"] * 20) + ". " + " ".join(["word"] * 20) + ".", 0),
        ("A value is none that there is.", 1),
        ("The VIP's new master shall have it.", 1),
        ("They are told of it, and nothing is well.", 2),
        ("It takes everything off again.", 1),
        ("Its names are well-known, and well understood.", 0),
    ],
)
def test_prose(words: str, found: int) -> None:
    assert len([*problems(words)]) == found


def test_page_is_read_by_paragraph_item_and_cell_without_its_code() -> None:
    texts = [text.words for text in page_texts(ROOT / "docs/stability.md")]
    assert "`" not in "".join(texts)
    assert "What is stable" in texts
    assert "inventory keys" in texts
    assert len(PAGES) > 30


def test_sentences_of_a_measurement_are_read_without_the_rows_of_its_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    section = "## Title\n\n`python -m campaigns x`, 2026-11-30, after abc:\n\nIt ran.\n\n| mended |\n|---|\n| 1 |\n"
    page.write_text(f"| prose |\n\n{section}\n## Next\n\n| more prose |\n", encoding="utf-8")
    texts = [text.words for text in page_texts(page)]
    assert {"It ran.", "prose", "more prose", "Next"} <= {*texts}
    assert "mended" not in texts


def test_messages_of_sources_are_read_with_a_word_for_each_value() -> None:
    texts = source_texts(ROOT / "src/nornir_kube_ha/files.py")
    [text] = [text for text in texts if "expected a regular file" in text.words]
    assert text.words == "CODE: expected a regular file"
    assert text.place.startswith("src/nornir_kube_ha/files.py:")


def test_docstrings_and_comments_of_sources_are_read_and_scripts_are_not(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text(
        '"""Return the hosts.\n\n    kube-ha hosts all\n\nArguments:\n    first: name of it\n"""\n'
        "ONE = 1  # seconds to wait\nTWO = 2  # seconds to sleep\n# a comment\n# on two lines\n"
        "SCRIPT = Script('one.sh', 'many words of input')\nHEAL = 'kill $(cat pid) of it'\n",
        encoding="utf-8",
    )
    assert [(text.words, text.place.rpartition(":")[2]) for text in source_texts(source)] == [
        ("Return the hosts.", "1"),
        ("Arguments:", "1"),
        ("name of it", "1"),
        ("seconds to wait", "8"),
        ("seconds to sleep", "9"),
        ("a comment on two lines", "10"),
    ]


def test_findings_are_printed_with_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.py"
    page.write_text('WORDS = f"{1} shall be there"\n', encoding="utf-8")
    assert main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1: 'shall'; say: a plain verb, or must\n"


def test_changelog_has_this_version_below_what_is_unreleased() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)[:2] == ["Unreleased", version]
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds
