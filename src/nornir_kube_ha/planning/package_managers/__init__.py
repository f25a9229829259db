"""Package managers: one class and one sh file each. No other code depends on which ones exist."""

import shlex
from collections.abc import Iterable

from nornir_kube_ha.planning.package_managers.apt import Apt
from nornir_kube_ha.planning.package_managers.dnf import Dnf
from nornir_kube_ha.planning.package_managers.model import Family

FAMILIES: tuple[Family, ...] = (Apt(), Dnf())
"""All families; a host's family is the first one whose command it has."""

UNKNOWN = Family()
"""Family of a host without a known package manager."""

__all__ = ["FAMILIES", "UNKNOWN", "Apt", "Dnf", "Family", "commands", "family_of", "functions"]


def family_of(name: str, families: Iterable[Family] = FAMILIES) -> Family:
    """Return the family with this name, `UNKNOWN` if there is none.

    Arguments:
        name: `package_manager` of the host's facts
        families: families to choose from
    """
    return next((family for family in families if family.name == name), UNKNOWN)


def commands(families: Iterable[Family] = FAMILIES) -> tuple[str, ...]:
    """Return the commands that identify the families."""
    return tuple(command for family in families for command in family.commands)


def functions(packages: tuple[str, ...] = (), families: Iterable[Family] = FAMILIES) -> str:
    """Return the sh functions of all families, and `choose_family`, which selects the host's.

    Arguments:
        packages: packages that the script asks for, by their Debian names
        families: families to choose from

    Returns:
        sh code. `choose_family` sets `FAMILY` and `MANAGER`, "" if there is none, and `NAMES`, that family's names of
        the packages
    """
    families = tuple(families)
    lines = [family.functions for family in families]
    lines += ["choose_family() {", f"    FAMILY= MANAGER= NAMES={shlex.quote(' '.join(packages))}"]
    before = "if"
    for family in families:
        names = shlex.quote(" ".join(family.names_of(packages)))
        for command in family.commands:
            lines.append(f"    {before} command -v {command} >/dev/null; then")
            lines.append(f"        FAMILY={family.name} MANAGER={command} NAMES={names}")
            before = "elif"
    return "\n".join([*lines, "    fi", "}", ""])
