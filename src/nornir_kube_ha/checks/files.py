"""Checks of packages and managed files."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import HostView, Verdict
from nornir_kube_ha.intent.names import RUN_FOLDER
from nornir_kube_ha.planning.package_managers import family_of
from nornir_kube_ha.planning.plan import UNITS, required_packages

LONGEST_DIFF = 60  # lines per report; `deploy --dry-run --diff` shows all


def packages_installed(view: HostView) -> Verdict:
    """Check that all required packages are installed."""
    missing = view.plan.install
    versions = ", ".join(
        f"{name} {package.installed}" for name, package in view.facts.packages.items() if package.installed
    )
    return Verdict(
        not missing,
        ", ".join(family_of(view.facts.package_manager).names_of(required_packages(view.node))),
        f"missing: {', '.join(missing)}" if missing else versions,
        "run deploy, which installs them",
    )


def packages_pinned(view: HostView) -> Verdict:
    """Check that the daemons' packages have the versions that the inventory pins."""
    pins = {name: pin for name in UNITS if (pin := view.node.packages.pin_of(name))}
    found = {name: package.installed for name in pins if (package := view.facts.packages.get(name))}
    return Verdict(
        all(found.get(name) in {pin, None} for name, pin in pins.items()),
        ", ".join(f"{name} {pin}" for name, pin in pins.items()) or "no version is pinned",
        ", ".join(f"{name} {found.get(name) or 'not installed'}" for name in pins) or "no version is pinned",
        "run upgrade, which installs the pinned version (an older one with --allow-downgrade), or change the pin",
    )


def files_intended(view: HostView) -> Verdict:
    """Check content, mode and owner of the managed files."""
    wrong = list(_differences(view))
    return Verdict(
        not wrong,
        "content, mode and owner of every file match the inventory",
        "\n".join(wrong) or "all match",
        "see `deploy --dry-run --diff`, then run deploy, or put the change into the inventory",
    )


def _differences(view: HostView) -> Iterator[str]:
    lines = [line for change in view.plan.write for line in (f"{change.file.path} differs:", *change.diff.split("\n"))]
    yield from lines[:LONGEST_DIFF]
    if len(lines) > LONGEST_DIFF:
        yield f"... and {len(lines) - LONGEST_DIFF} more lines"
    yield from (f"{path} exists, expected none" for path in view.plan.remove)
    yield from (f"{folder}: writable by users other than root" for folder in view.plan.folders)
    if view.node.keepalived.events and not view.facts.has_run_folder:
        yield f"{RUN_FOLDER} is missing"
