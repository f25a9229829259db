"""Chromium without a window, for what a reader sees."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the tests run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a page that asks for anything from elsewhere gets nothing
)


@contextmanager
def chromium(*, scripts: bool = True, log: str = "") -> Iterator[Chrome]:
    """A browser that is closed with the block.

    Arguments:
        scripts: whether a page's own scripts run
        log: which of its logs it keeps, none if none
    """
    missing = [str(path) for path in (CHROMIUM, DRIVER) if not path.exists()]
    assert not missing, f"{', '.join(missing)} is missing: run `./setup.sh browser`, as `make test` does"
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in OPTIONS:
        options.add_argument(option)
    options.add_experimental_option("prefs", {"webkit.webprefs.javascript_enabled": scripts})
    if log:
        options.set_capability("goog:loggingPrefs", {log: "ALL"})
    with TemporaryDirectory() as folder:  # a short path: Chromium leaves a socket there
        driver = Chrome(options=options, service=Service(str(DRIVER), env={**os.environ, "TMPDIR": folder}))
        try:
            yield driver
        finally:
            driver.quit()
