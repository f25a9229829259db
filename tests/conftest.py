"""For every tier: which tests run beside each other, and that a skipped one is no passed one where CI counts."""

import os
import signal
import zlib
from pathlib import PurePath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A shell has what it starts in the background ignore SIGINT, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
TOGETHER = {"browser", "packaging"}  # tiers whose tests share a browser or a build
PARTS = {"test_defects": 2}  # files that take as long as several others


class ByTier(LoadScopeScheduling):
    """Tests that share something run in one process. These mostly wait, so several such go on beside each other."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePath(nodeid.partition("::")[0])
        if parts := PARTS.get(path.stem):
            return f"{path.stem} {zlib.crc32(nodeid.encode()) % parts}"
        return path.parent.name if path.parent.name in TOGETHER else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByTier:
    return ByTier(config, log)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if "CI" in os.environ and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
