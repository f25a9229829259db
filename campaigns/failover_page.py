"""docs/failover.md: what trials that are kept in a folder found. Placeholder until there are any."""

from pathlib import Path


def write_page(folder: Path) -> None:
    _ = folder
