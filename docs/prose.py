"""Check the words people read against the house's rules: `python -m docs.prose [TEXT...]`, part of `make lint`.

A sentence has 25 words at most, and no turn of `BANNED`. A text is a page, a Python file, a folder of Python files, or
`kube-ha` for all `--help`. Without arguments, `PAGES` and `CLEAN` are checked.
"""

import argparse
import ast
import inspect
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.reference import PAGES as GENERATED

from nornir_kube_ha.cli.main import make_parser

ROOT = Path(__file__).resolve().parents[1]
MOST_WORDS = 25
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")} - GENERATED.keys())
HELP = "kube-ha"
CLEAN = ("src/nornir_kube_ha", "tasks", "runbooks", "lab", "examples", HELP)
"""Further texts to check: what programs say, with docstrings and comments."""
BANNED = {
    r"\bshall\b": "a plain verb, or must",
    r"(?<!there )\b(is|are|gives? (it|them)) none\b|\bnone (that|to)\b": "say what is missing",
    r"\b(is|are|was|were|be|been|being) told\b|\btold of\b|\btells? of\b": "reports, names, lists",
    r"\b(its|their) like\b|\bsuch as it\b": "name it",
    r"\b(is|are|was|were|be|looks?|not) well\b(?!-| \w+ed)": "healthy, passes its checks",
    r"\b(take|takes|took|taken|taking)( \w+)? off\b": "remove",
    r"\b(as|than) (it|they) should\b": "say what is expected",
    r"\b(made|makes?|making) up\b": "generate, consist of",
    r"\bto be had\b": "available",
    r"\bwho knows what\b|\bnobody knows\b": "unknown",
    r"\ball the same\b": "anyway, or nothing",
    r"\bby right\b|\brightly\b": "as expected",
    r"\bof (ours|one's own|ones own|somebody else's?|others')(?=[ .,;]|$)": "say whose",
    r"\bsomebody\b|\bwhoever\b": "name who or what",
    r"\bwhat (becomes|became|stands|stood) of\b": "say the fact",
    r"\b(has|have|is|are) to be\b": "must be",
    r"\bbeside each other\b": "in parallel",
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"\b(vouch|vouches|vouched|spoil|spoils|spoiled|spoilt|hinder|hinders|hindered|hindrances?)\b": "a glossary term",
    r"(?<!there )\b(is|are) no (?!longer|more|other)\w+": "expected ..., got ...",
    r", and not CODE\b|\bis wanted\b|\bneed be\b": "expected ..., got ...",
    r"\bthere are CODE": "known: ..., or use one of ...",
    r"\bso many hosts\b|\bso long at most\b": "a number, a time",
    r"\blook(s|ing)? whether\b": "check that",
    r"\b(let|lets) us in\b|\bleft to (itself|themselves)\b|\bcome to it\b": "say what happened",
    r"\bpass(ed|es)? over\b": "ignore, skip",
    r"\bin the place of\b|\bunlike each other\b": "instead of, different",
    r"\bof before\b|\banew\b": "earlier, again",
    r"\b(in order to|it should be noted|please note|due to the fact|basically|simply)\b": "leave it out",
}
"""Turns that no engineer would write, and what to say instead. From the table of words, and from what was found."""
TURNS = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in BANNED.items()]
WORD = re.compile(r"[\w'./%-]*\w[\w'./%-]*")
RECORDED = re.compile(r"^`python -m [^`]+`, \d{4}-.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
"""What a campaign or a benchmark has written, up to the next heading."""
CODE = "CODE"
"""Stands for code and for what a program puts in: one word."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, a list's item, a table's cell or a message, and where it stands."""

    place: str
    words: str


def main(arguments: list[str] | None = None) -> int:
    """Print each finding, and return 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m docs.prose", description="Check prose against the house's rules.")
    parser.add_argument("texts", metavar="TEXT", nargs="*", help=f"a page, a Python file, a folder of them, or {HELP}")
    given = parser.parse_args(arguments).texts or [*map(str, PAGES), *CLEAN]
    findings = [
        f"{text.place}: {problem}\n" for name in given for text in texts(name) for problem in problems(text.words)
    ]
    sys.stdout.writelines(findings)
    return 1 if findings else 0


def texts(name: str) -> Iterator[Text]:
    """Yield the texts that an argument names."""
    if name == HELP:
        return help_texts()
    path = (ROOT / name).resolve()
    return page_texts(path) if path.suffix == ".md" else source_texts(path)


def problems(words: str) -> Iterator[str]:
    """Yield the problems of a text."""
    for sentence in re.split(r"(?<=[.!?])[)\"]?\s+", words):
        if (count := len(WORD.findall(sentence))) > MOST_WORDS:
            yield f"{count} words, of {MOST_WORDS}: {sentence}"
    for turn, instead in TURNS:
        for match in turn.finditer(words):
            yield f"{match[0]!r}; say: {instead}"


def page_texts(path: Path) -> Iterator[Text]:
    """Yield the prose of a Markdown page: no code, no addresses of links, no rows of measured tables."""
    page = re.sub(r"^```.*?^```", _only_line_ends, path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    page = RECORDED.sub(lambda found: re.sub(r"^\|.*", "", found[0], flags=re.MULTILINE), page)
    first, block = 1, ""
    for number, line in enumerate([*page.splitlines(), ""], 1):
        if not line.strip() or re.match(
            r" *([*-]|\d+\.) |#|\|", line
        ):  # a paragraph's end; or an item, a heading, a row
            yield from (Text(f"{_short(path)}:{first}", cell) for cell in _cells(block))
            first, block = number, ""
        block += f"{line} "


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _only_line_ends(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _cells(block: str) -> Iterator[str]:
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", _without_code(block)).replace("**", "")
    yield from (cell.strip(" #*") for cell in words.split("|"))


def _without_code(words: str) -> str:
    return re.sub(r"``.*?``|`[^`]*`", CODE, " ".join(words.split()))


def help_texts() -> Iterator[Text]:
    """Yield what `kube-ha --help` and the help of each command say."""
    waiting = [make_parser()]
    while waiting:
        parser = waiting.pop()
        yield Text(f"{parser.prog} --help", parser.description or "")
        for action in parser._actions:  # noqa: SLF001 - argparse tells them nowhere else
            yield Text(f"{parser.prog} --help, {'/'.join(action.option_strings) or action.metavar}", action.help or "")
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
                waiting += action.choices.values()


def source_texts(path: Path) -> Iterator[Text]:
    """Yield what a Python file, or each file of a folder, says to a person: literals, docstrings and comments."""
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        silent = {id(part) for node in ast.walk(tree) for part in _silent(node)}
        for node in ast.walk(tree):
            if id(node) not in silent and _is_prose(words := _literal(node)):
                yield Text(f"{_short(file)}:{node.lineno}", _without_code(words))  # type: ignore[attr-defined]
            if words := _docstring(node):
                yield from _paragraphs(f"{_short(file)}:{node.lineno}", words)  # type: ignore[attr-defined]
        yield from _comments(file)


def _silent(node: ast.AST) -> Iterator[ast.AST]:
    """Yield literals that are not a message, or are a part of one that is checked as a whole."""
    if isinstance(node, ast.Expr):
        yield node.value  # a docstring
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Script":
        yield from node.args  # names of a script's inputs


def _is_prose(words: str) -> bool:
    """Return whether a literal may be a sentence: several words on one line, and no shell script."""
    return words.count(" ") > 1 and "\n" not in words.strip() and "$(" not in words


def _docstring(node: ast.AST) -> str:
    return inspect.cleandoc(_literal(node.value)) if isinstance(node, ast.Expr) else ""


def _paragraphs(place: str, words: str) -> Iterator[Text]:
    """Yield a docstring's paragraphs, items and words about each argument, without indented examples."""
    for paragraph in re.split(r"\n(?=\n| +\* |    \w+: )", re.sub(r"\bNone\b", CODE, words)):
        if not re.match(r"\n?    (?! *(\w+:|\*) )", paragraph):
            yield Text(place, _without_code(re.sub(r"^\s*(\w+:|\*)\s", "", paragraph)))


def _comments(file: Path) -> Iterator[Text]:
    """Yield a file's comments. Lines of nothing but a comment that follow each other are one text."""
    block, first, last = "", 0, 0
    with file.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type != tokenize.COMMENT:
                continue
            line, is_alone = token.start[0], token.line.lstrip().startswith("#")
            if block and not (is_alone and last == line - 1):
                yield Text(f"{_short(file)}:{first}", _without_code(block))
                block = ""
            block, first = f"{block} {token.string.lstrip('#! ')}", first if block else line
            last = line if is_alone else 0
    yield Text(f"{_short(file)}:{first}", _without_code(block))


def _literal(node: ast.AST) -> str:
    """Return a literal's text with a word for each value put in; "" for any other node."""
    if isinstance(node, ast.JoinedStr):
        return "".join(CODE if isinstance(each, ast.FormattedValue) else _literal(each) for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


if __name__ == "__main__":
    sys.exit(main())
