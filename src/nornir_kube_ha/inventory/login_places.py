"""Files of the operator's machine that a login uses, and which of them an inventory may name."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nornir.core.configuration import DEFAULT_SSH_CONFIG

SSH_CONFIG_VARIABLE = "NORNIR_SSH_CONFIG_FILE"
KNOWN_HOSTS = "known_hosts"
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
LABS = Path("/var/lib/kube-ha/lab")  # where `nornir_kube_ha.lab.state` keeps each lab's own


@dataclass(frozen=True, slots=True)
class Site:
    """Where an inventory lives, and what Nornir was told of SSH.

    Arguments:
        folder: of the inventory's files; none for plugins that have no files
        ssh_config: the file that Nornir's configuration names; "" for none
    """

    folder: Path | None = None
    ssh_config: str = ""


def operators_known_hosts() -> Path:
    """The operator's own file of known hosts."""
    return Path(f"~/.ssh/{KNOWN_HOSTS}").expanduser()


def placed(name: str, folder: Path | None) -> Path:
    """The path of a file that an inventory names: relative to its folder, `~` for the operator's home.

    Arguments:
        name: as the inventory has it
        folder: the inventory's; the working directory if none
    """
    return (folder or Path.cwd()) / Path(name).expanduser()


def known_hosts_problem(file: Path, folder: Path | None, lab: object, *, to_write: bool = False) -> str:
    """Why a file is no place for host keys of an inventory, "" if it is one.

    Links are followed first: a link that leads elsewhere is judged by where it leads.

    Arguments:
        file: where host keys are looked up, and pinned
        folder: the inventory's, none if it has none
        lab: name of the lab that the host lives in, none if it lives in none
        to_write: whether keys are going to be written there
    """
    try:
        real = Path(os.path.realpath(file))
        if real.is_symlink():
            return f"{file} is a loop of links"
        if _is_place(file, real, folder, lab) or (not to_write and _is_roots(real)):
            return f"{file} is no regular file" if _waits(real) else ""
    except (OSError, ValueError) as error:  # a NUL in its name
        return f"{str(file)!r} cannot be used: {error}"
    leads = f"{file} leads to {real}, which" if real != Path(os.path.abspath(file)) else str(file)  # noqa: PTH100 - links stay
    return (
        f"{leads} is neither a *{KNOWN_HOSTS}* file below the inventory's folder nor ~/.ssh/{KNOWN_HOSTS}; "
        f"host keys are kept there only"
    )


def _is_place(file: Path, real: Path, folder: Path | None, lab: object) -> bool:
    """Whether host keys are kept there. What is nearest comes first, since a fleet asks for each host."""
    if folder and KNOWN_HOSTS in real.name and real.is_relative_to(os.path.realpath(folder)):
        return True
    if isinstance(lab, str) and "/" not in lab and real == LABS / lab / KNOWN_HOSTS:
        return True
    own = operators_known_hosts()
    return file == own or real == Path(os.path.realpath(own))


def _is_roots(real: Path) -> bool:
    """Whether root keeps host keys there, which nobody but root changes."""
    return real == SYSTEM_KNOWN_HOSTS.resolve() or (real.parent.parent, real.name) == (LABS, KNOWN_HOSTS)


def _waits(real: Path) -> bool:
    """Whether reading may never end, as of a pipe."""
    return real.exists() and not (real.is_file() or real.is_dir())


@lru_cache(maxsize=64)
def unreadable_known_hosts(file: Path, folder: Path | None, lab: object, _home: str) -> str:
    """As `known_hosts_problem`, where a file is only read: a fleet's hosts share one, which is looked at once.

    Arguments:
        file: where host keys are looked up
        folder: the inventory's
        lab: the host's
        _home: of the operator
    """
    return known_hosts_problem(file, folder, lab)


def ssh_config_problem(name: str) -> str:
    """Why an ssh_config file may not be used, "" if it may. Such a file runs commands on the operator's machine.

    Arguments:
        name: as the inventory, or Nornir's configuration, has it
    """
    return _ssh_config_problem(name, os.environ.get(SSH_CONFIG_VARIABLE), os.environ.get("HOME", ""))


@lru_cache(maxsize=64)
def _ssh_config_problem(name: str, chosen: str | None, _home: str) -> str:
    found = Path(name).expanduser()
    own = {Path(DEFAULT_SSH_CONFIG), Path("~/.ssh/config").expanduser()}
    if found in own or (chosen and found == Path(chosen).expanduser()):
        return ""
    folders = (Path("~/.ssh").expanduser(), Path("/etc/ssh"))
    try:
        if found.is_absolute() and any(found.resolve().is_relative_to(folder.resolve()) for folder in folders):
            return ""
    except (OSError, RuntimeError, ValueError) as error:
        return f"{name!r} cannot be used: {error}"
    return (
        f"{name} is in neither ~/.ssh nor /etc/ssh; such a file can run commands here, so an inventory may choose "
        f"among those of the operator only, who may name another one in ${SSH_CONFIG_VARIABLE}"
    )
