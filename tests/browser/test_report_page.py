"""The report's page in a browser, as a reader meets it: without scripts, on any width, in the dark and on paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from tests.support import pages
from tests.support.chromium import chromium

from nornir_kube_ha.report import Report, to_html

FAILED = "lb-2.haproxy.active"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Chromium without a window, in which a page's own scripts do not run."""
    with chromium(scripts=False) as driver:
        yield driver


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Iterator["Page"]:
    """Opens reports."""
    page = Page(browser, tmp_path / "report.html")
    yield page
    page.seen_as("screen")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


class Page:
    """A report's page in the browser."""

    def __init__(self, browser: Chrome, path: Path) -> None:
        self.browser, self.path = browser, path

    def show(self, report: Report, width: int = 1024, anchor: str = "") -> None:
        self.path.write_text(to_html(report), encoding="utf-8")
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.browser.get("about:blank")
        self.browser.get(f"{self.path.as_uri()}#{anchor}" if anchor else self.path.as_uri())

    def seen_as(self, media: str, scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def ask(self, script: str) -> Any:  # noqa: ANN401 - whatever the script says
        return self.browser.execute_script(f"return {script}")

    def displayed(self, selector: str) -> list[str]:
        found = self.browser.find_elements(By.CSS_SELECTOR, selector)
        return [each.text for each in found if each.is_displayed()]


def test_page_needs_no_script(page: Page) -> None:
    page.path.write_text("<!DOCTYPE html><title>before</title><script>document.title = 'after'</script>")
    page.browser.get(page.path.as_uri())
    assert page.browser.title == "before"  # so that what follows is seen without scripts
    page.show(pages.red())
    assert page.browser.title == "Not passed: verify 2026-03-04 05:06:07 UTC"


def test_failed_check_is_seen_with_its_next_step(page: Page) -> None:
    page.show(pages.red())
    (failed,) = page.displayed(f"[id='{FAILED}']")
    assert "unknown keyword 'nonsense'" in failed
    (step,) = page.displayed(f"[id='{FAILED}'] .next dd")
    assert step == "read journalctl -u haproxy, fix the cause, then run deploy"


def test_a_link_opens_what_is_closed(page: Page) -> None:
    page.show(pages.red())
    assert page.displayed("[id='lb-1.vip.readyz']") == []
    page.browser.find_element(By.CSS_SELECTOR, "[href='#lb-1.vip.readyz']").click()
    assert "HTTP 200, ok" in page.displayed("[id='lb-1.vip.readyz']")[0]


def test_a_link_from_elsewhere_opens_what_is_closed(page: Page) -> None:
    page.show(pages.red(), anchor="lb-1.vip.readyz")
    assert "HTTP 200, ok" in page.displayed("[id='lb-1.vip.readyz']")[0]


@pytest.mark.parametrize("width", [375, 720, 1024, 1600])
@pytest.mark.parametrize("report", [make() for make in pages.REPORTS.values()], ids=[*pages.REPORTS])
def test_page_never_scrolls_sideways(page: Page, report: Report, width: int) -> None:
    page.show(report, width)
    page.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.ask("document.documentElement.clientWidth") in range(width - 20, width + 1)  # a scroll bar may stand
    assert page.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_matrix_scrolls_in_its_own_box_and_its_checks_stay(page: Page) -> None:
    page.show(pages.many(), 375)
    page.ask("document.querySelector('.scroll').scrollLeft = 500")
    assert page.ask("document.querySelector('.scroll').scrollLeft") == 500
    left = "document.querySelector('{}').getBoundingClientRect().left"
    assert page.ask(left.format(".matrix tbody th")) == page.ask(left.format(".scroll")) + 1  # its edge


@pytest.mark.parametrize(("width", "seen"), [(375, "narrow"), (1024, "wide"), (1600, "wide")])
def test_picture_fits_the_screen(page: Page, width: int, seen: str) -> None:
    page.show(pages.large(), width)
    drawn = [each for each in page.browser.find_elements(By.CSS_SELECTOR, "svg[role=img]") if each.is_displayed()]
    assert [each.get_attribute("class") for each in drawn] == [seen]
    assert drawn[0].rect["width"] <= width
    assert drawn[0].accessible_name == "Cluster demo: clients, the virtual IP, its load balancers and the apiservers"


@pytest.mark.parametrize("width", [375, 1024])
def test_texts_of_the_picture_stay_in_their_boxes(page: Page, width: int) -> None:
    page.show(pages.large(), width)
    outside = """[...document.querySelectorAll('svg[role=img]')].filter(each => each.checkVisibility()).flatMap(svg =>
        [...svg.querySelectorAll('.box')].flatMap(box => [...box.querySelectorAll('text')].filter(text =>
            text.getBoundingClientRect().right > box.querySelector('rect').getBoundingClientRect().right
        ).map(text => text.textContent)))"""
    assert page.ask(outside) == []


def test_dark_and_light_are_different(page: Page) -> None:
    page.show(pages.red())
    seen = {}
    for scheme in ("light", "dark"):
        page.seen_as("screen", scheme)
        seen[scheme] = page.ask("getComputedStyle(document.body).backgroundColor")
    assert seen == {"light": "rgb(247, 247, 245)", "dark": "rgb(18, 21, 24)"}


@pytest.mark.parametrize(("width", "seen"), [(375, "narrow"), (720, "wide"), (1600, "wide")])
def test_timelines_fit_the_screen_with_all_their_words(page: Page, width: int, seen: str) -> None:
    page.show(pages.broken(), width)
    drawn = [each for each in page.browser.find_elements(By.CSS_SELECTOR, ".timeline > svg") if each.is_displayed()]
    assert [each.get_attribute("class") for each in drawn] == [seen] * 7
    assert all(290 <= each.rect["width"] <= width for each in drawn)
    assert drawn[0].accessible_name.startswith("haproxy-kill over time, -1.000 s to 9.000 s: a client's requests")
    outside = """[...document.querySelectorAll('.timeline > svg')].filter(each => each.checkVisibility()).flatMap(svg =>
        [...svg.querySelectorAll('text')].filter(text => {
            const inner = text.getBoundingClientRect(), outer = svg.getBoundingClientRect()
            return inner.left < outer.left - 1 || inner.right > outer.right + 1 ||
                inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1
        }).map(text => text.textContent))"""
    assert page.ask(outside) == []


def test_a_fault_is_found_from_the_top(page: Page) -> None:
    page.show(pages.broken())
    page.browser.find_element(By.CSS_SELECTOR, ".summary [href='#fault.keepalived-hang']").click()
    (shown,) = page.displayed("[aria-labelledby='fault.keepalived-hang']")
    assert "two holders for 4.1 s, at most 0 s allowed" in shown


def test_every_trial_is_there_for_who_wants_to_know(page: Page) -> None:
    page.show(pages.broken())
    assert page.displayed("[aria-labelledby='fault.keepalived-hang'] .trials table") == []
    page.browser.find_element(By.CSS_SELECTOR, "[aria-labelledby='fault.keepalived-hang'] .trials summary").click()
    (shown,) = page.displayed("[aria-labelledby='fault.keepalived-hang'] .trials table")
    assert "1.360 s" in shown


@pytest.mark.parametrize("report", [pages.red(), pages.many(), pages.broken()], ids=["red", "many", "broken"])
def test_paper_shows_what_failed_and_cuts_nothing(page: Page, report: Report) -> None:
    page.show(report, 720)
    page.seen_as("print", "dark")
    assert len(page.displayed(".problem .body")) == len(page.browser.find_elements(By.CSS_SELECTOR, ".problem"))
    assert all(page.displayed(".problem .next dd"))
    assert len(page.displayed(".fault-report")) == len(report.faults)
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.ask("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert page.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_paper_shows_what_failed_even_if_the_reader_has_closed_it(page: Page) -> None:
    page.show(pages.red())
    page.ask("document.querySelectorAll('details').forEach(each => each.open = false)")
    shown = "[...document.querySelectorAll('.problem .body')].map(each => each.checkVisibility())"
    assert page.ask(shown) == [False] * 6
    page.seen_as("print")
    assert page.ask(shown) == [True] * 6
