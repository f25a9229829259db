"""The docs build as a site, where whatever leads nowhere is an error, and which asks nobody else for anything."""

import re
from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
from rig.lab import ROOT
from tests.support import site

pytestmark = pytest.mark.slow

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "use": "href"}
"""What a browser fetches by itself."""
OUTSIDE = re.compile(r"\s*(https?:)?//")
NOWHERE = (
    ("docs/rollout.md", "[there](nowhere.md)", "'nowhere.md'"),
    ("docs/rollout.md", "[there](verify.md#nowhere)", "'verify.md#nowhere'"),
    ("docs/rollout.md", "[there](#nowhere)", "'#nowhere'"),
    ("docs/rollout.md", "[there](../runbooks/deploy.py)", "'../runbooks/deploy.py'"),
    ("docs/rollout.md", "![there](assets/nowhere.svg)", "'assets/nowhere.svg'"),
    ("SECURITY.md", "[there](docs/rollout.md#nowhere)", "'rollout.md#nowhere'"),
    ("docs/forgotten.md", "# A page without a place", "forgotten.md"),
)
"""A page, what is added to it, and what the build says of it; the last is a page that the navigation does not have."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = site.build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there(built: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {"changelog", "security", "404"}
    assert {path.stem for path in built.glob("*.html")} == pages


def test_links_to_files_outside_of_the_docs_lead_to_the_site_s_own(built: Path) -> None:
    assert 'href="schema.json"' in (built / "report.html").read_text()
    assert (built / "schema.json").read_text() == (ROOT / site.PARTS[-1]).read_text()
    assert 'href="firewall.html">Firewall and SELinux</a>' in (built / "security.html").read_text()


def test_a_link_shows_its_page_s_title_rather_than_a_file_s_name(built: Path) -> None:
    shown = re.compile(r">[\w-]+\.md</a>")
    assert not [
        (page.name, shown.findall(page.read_text())) for page in built.glob("*.html") if shown.search(page.read_text())
    ]


def test_cells_of_prose_carry_their_column_s_title_for_narrow_screens(built: Path) -> None:
    page = (built / "settings.html").read_text()
    assert '<table class="prose">' in page
    assert '<td class="name" data-title="key"><code>interface</code></td>' in page
    words = "Where the VIP is put; <code>auto</code> finds the interface that has <code>address</code>."
    assert f'<td data-title="meaning">{words}</td>' in page


def test_whatever_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    root = site.copy(tmp_path / "copy")
    for page, text, _ in NOWHERE:
        with (root / page).open("a") as file:
            file.write(f"\n{text}\n")
    done = site.build(tmp_path / "site", root)
    assert done.returncode == 1
    assert f"Aborted with {len(NOWHERE)} warnings in strict mode" in done.stdout + done.stderr
    assert not [words for *_, words in NOWHERE if words not in done.stderr]


def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    for page in built.rglob("*.html"):
        found = [*_loaded(page.read_text())]
        assert any(name == "script" for name, _ in found)
        assert not [(page.name, *each) for each in found if OUTSIDE.match(each[1])]


def test_styles_load_nothing_from_elsewhere(built: Path) -> None:
    styles = [*built.rglob("*.css")]
    assert styles
    for style in styles:
        loaded = re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")]+)", style.read_text())
        assert not [(style.name, each) for each in loaded if OUTSIDE.match(each)]


def _loaded(text: str) -> Iterator[tuple[str, str]]:
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    for name, attribute in LOADED.items():
        yield from ((name, each.get(attribute, "")) for each in tree.iter(name) if each.get("rel") != "canonical")
    for style in tree.iter("style"):
        yield from (("style", each) for each in re.findall(r"url\(['\"]?([^'\")]+)", "".join(style.itertext())))
