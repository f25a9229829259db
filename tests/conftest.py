"""For every tier: which tests run beside each other, and that a skipped one is no passed one where CI counts."""

import os

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """What shares a lab or a browser runs in one process. These mostly wait, so several go on beside each other."""
    tier, name = item.path.parent.name, item.path.stem
    if tier in {"lab", "browser", "packaging"}:
        item.add_marker(pytest.mark.xdist_group("defects" if name == "test_defects" else tier))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if "CI" in os.environ and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
