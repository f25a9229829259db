"""Packages and files: is there what should be there, as it should be."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import HostView, Verdict
from nornir_kube_ha.config import RUN_FOLDER
from nornir_kube_ha.plan import required_packages

LONGEST_DIFF = 60  # lines in a report; `deploy --dry-run --diff` shows all


def packages_installed(view: HostView) -> Verdict:
    """All packages are there."""
    missing = view.plan.install
    versions = ", ".join(
        f"{name} {package.installed}" for name, package in view.facts.packages.items() if package.installed
    )
    return Verdict(
        not missing,
        ", ".join(required_packages(view.node)),
        f"missing: {', '.join(missing)}" if missing else versions,
        "run deploy, which installs them",
    )


def files_intended(view: HostView) -> Verdict:
    """Content, mode and owner of our files."""
    wrong = list(_differences(view))
    return Verdict(
        not wrong,
        "content, mode and owner of every file as the inventory says",
        "\n".join(wrong) or "all as intended",
        "see `deploy --dry-run --diff`, then deploy, or put the change into the inventory",
    )


def _differences(view: HostView) -> Iterator[str]:
    lines = [line for change in view.plan.write for line in (f"{change.file.path} differs:", *change.diff.split("\n"))]
    yield from lines[:LONGEST_DIFF]
    if len(lines) > LONGEST_DIFF:
        yield f"... and {len(lines) - LONGEST_DIFF} lines more"
    yield from (f"{path} should not be there" for path in view.plan.remove)
    if view.node.keepalived.events and not view.facts.has_run_folder:
        yield f"{RUN_FOLDER} is missing"
