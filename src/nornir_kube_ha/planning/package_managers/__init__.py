"""Families of package managers: one class each, with one sh file. Nothing else knows that there are several."""

import shlex
from collections.abc import Iterable

from nornir_kube_ha.planning.package_managers.apt import Apt
from nornir_kube_ha.planning.package_managers.dnf import Dnf
from nornir_kube_ha.planning.package_managers.model import Family

FAMILIES: tuple[Family, ...] = (Apt(), Dnf())
"""Every family there is; on a host the first whose command is there."""

UNKNOWN = Family()
"""Of a host on which none was found."""

__all__ = ["FAMILIES", "UNKNOWN", "Apt", "Dnf", "Family", "commands", "family_of", "functions"]


def family_of(name: str, families: Iterable[Family] = FAMILIES) -> Family:
    """The family of a host.

    Arguments:
        name: as its facts say it
        families: those that there are
    """
    return next((family for family in families if family.name == name), UNKNOWN)


def commands(families: Iterable[Family] = FAMILIES) -> tuple[str, ...]:
    """By what the families are found.

    Arguments:
        families: those that there are
    """
    return tuple(command for family in families for command in family.commands)


def functions(packages: tuple[str, ...] = (), families: Iterable[Family] = FAMILIES) -> str:
    """The sh functions of all families, and `choose_family`, which finds the one that a host has.

    Arguments:
        packages: that are asked for, by Debian's names
        families: those that there are

    Returns:
        Sh. `choose_family` sets `FAMILY` and `MANAGER`, "" where there is none, and `NAMES`, what those packages are
        called there
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
