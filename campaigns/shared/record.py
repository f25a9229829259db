"""Write a campaign's measurements as a section of a page. The next run of the campaign replaces it.

The page is docs/measured.md unless a campaign has its own.
"""

import platform
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "measured.md"
INTRODUCTION = """\
# Measured

Each section is written by the command below its title, run on lab hosts. Another run replaces the section. All figures
are from one machine: ratios say more than seconds.
"""


def record(title: str, command: str, lines: Iterable[str], page: Path = PAGE, introduction: str = INTRODUCTION) -> None:
    """Write a section.

    Arguments:
        title: the section's title; a section with the same title is replaced
        command: the command that repeats the measurement
        lines: Markdown
        page: the page to write to
        introduction: start of a new page
    """
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    where = f"{datetime.now(UTC):%Y-%m-%d}, after {commit.stdout.strip()}, Python {platform.python_version()}"
    section = "\n".join([f"## {title}", "", f"`{command}`, {where}:", "", *lines])
    old = page.read_text(encoding="utf-8") if page.exists() else introduction
    parts = [part.strip() for part in re.split(r"^(?=## )", old, flags=re.MULTILINE)]
    kept = [part for part in parts if not part.startswith(f"## {title}\n")]
    page.write_text("\n\n".join([*kept, section]) + "\n", encoding="utf-8")
