"""MkDocs hooks: add pages from outside docs/, adapt links, and mark tables for narrow screens."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
FROM_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/ci/github.yml": "github.yml",
    "examples/ci/gitlab-ci.yml": "gitlab-ci.yml",
    "src/nornir_kube_ha/report/schema.json": "schema.json",
    "src/nornir_kube_ha/snapshots/schema.json": "snapshot-schema.json",
}
"""Files outside docs/ that are part of the site, and their names there."""
PROSE = 60  # characters: on a narrow screen, a table with longer cells is stacked row by row; others scroll
NAME = 24  # characters: a first cell up to this length is not wrapped


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Register the Markdown extension that marks tables for narrow screens."""
    config.markdown_extensions.append(_Tables())  # type: ignore[arg-type]  # Markdown takes objects as well as names
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files from outside docs/."""
    for source, name in FROM_ROOT.items():
        content = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, config: MkDocsConfig, **_: object) -> str:
    """Return a page with its links adapted to the site.

    Links to the added files point to their places on the site. Other links out of docs/ stay, and fail the build.
    A file name as link text helps readers of the repository; on the site, the page's title replaces it.
    """
    titles = dict(_titles(config.nav or []))

    def link(found: re.Match[str]) -> str:
        shown, target, anchor = found.groups("")
        target = FROM_ROOT.get(target.removeprefix("../"), target)
        return f"[{titles.get(target, shown) if shown.endswith('.md') else shown}]({target}{anchor}"

    return re.sub(r"\[([^\]\n]+)\]\(([^)#:\s]+)(#[^)]*)?(?=\))", link, markdown)


def _titles(nav: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for title, inside in (each for entry in nav for each in entry.items()):
        if isinstance(inside, str):
            yield inside, title
        else:
            yield from _titles(inside)


class _Tables(Extension):
    """Marks tables that contain prose, and labels each of their cells with its column's title."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's own name
        md.treeprocessors.register(_MarkTables(md), "kube-ha-tables", 0)  # last, when cells have their text


class _MarkTables(Treeprocessor):
    def run(self, root: Element) -> None:
        for table in root.iter("table"):
            cells = ["".join(cell.itertext()) for cell in table.iter("td")]
            if any(len(cell) > PROSE for cell in cells):
                _mark(table)


def _mark(table: Element) -> None:
    table.set("class", "prose")
    titles = ["".join(title.itertext()) for title in table.iter("th")]
    for row in table.iter("tr"):
        cells = row.findall("td")
        if cells and len("".join(cells[0].itertext())) <= NAME:
            cells[0].set("class", "name")
        if len(cells) > 2:  # two columns need no labels
            for title, cell in zip(titles, cells, strict=False):
                cell.set("data-title", title)
