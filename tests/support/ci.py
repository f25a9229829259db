"""The files for CI that docs/ci.md offers."""

from collections.abc import Iterator
from typing import Any

from rig.lab import ROOT
from ruamel.yaml import YAML

FILES = {"vendor.github-workflows": "github.yml", "vendor.gitlab-ci": "gitlab-ci.yml"}
"""By the name that check-jsonschema has for the schema."""


def tree_of(name: str) -> dict[str, Any]:
    """A file, parsed."""
    tree: dict[str, Any] = YAML(typ="safe").load(ROOT / "examples/ci" / name)
    return tree


def commands(tree: object) -> Iterator[str]:
    """Each line of a shell in a file of either kind, or in a part of it."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in {"run", "script", "before_script"}:
                yield from value if isinstance(value, list) else value.splitlines()
            else:
                yield from commands(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from commands(each)
