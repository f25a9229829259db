"""The docs' site in a browser, opened from a folder: it asks nobody for anything, finds, and fits a phone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.support import site
from tests.support.chromium import chromium

WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = site.build(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Chromium, which keeps a list of all that pages ask for."""
    with chromium(log="performance") as driver:
        yield driver


def test_no_page_is_wider_than_a_screen_or_asks_for_anything_elsewhere(browser: Chrome, built: Path) -> None:
    wide = []
    for page in sorted(built.glob("*.html")):
        browser.get(page.as_uri())
        for width in WIDTHS:
            _resize(browser, width)
            if _width(browser) > width:
                wide.append((page.name, width))
    assert not wide
    asked = [*_asked(browser)]
    assert any(url.endswith("search_index.js") for url in asked)
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]


def test_what_is_searched_for_is_found_without_a_server(browser: Chrome, built: Path) -> None:
    _resize(browser, WIDTHS[-1])
    browser.get((built / "index.html").as_uri())
    browser.find_element(By.CSS_SELECTOR, "[data-md-component=search-query]").send_keys("additional_vips")
    found = WebDriverWait(browser, 20).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, ".md-search-result__item a")
    )
    pages = {str(each.get_attribute("href")).rpartition("/")[2].partition(".html")[0] for each in found}
    assert {"addresses", "settings"} <= pages


@pytest.mark.parametrize(("wanted", "scheme"), [("light", "default"), ("dark", "slate")])
def test_pages_are_light_or_dark_as_the_reader_s_machine_is(
    browser: Chrome, built: Path, wanted: str, scheme: str
) -> None:
    feature = {"name": "prefers-color-scheme", "value": wanted}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get((built / "index.html").as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    assert browser.find_element(By.TAG_NAME, "body").get_attribute("data-md-color-scheme") == scheme


def _resize(browser: Chrome, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < WIDTHS[-1]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def _width(browser: Chrome) -> int:
    return int(browser.execute_script("return document.documentElement.scrollWidth"))


def _asked(browser: Chrome) -> Iterator[str]:
    for entry in browser.get_log("performance"):  # type: ignore[no-untyped-call]  # selenium's
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]
