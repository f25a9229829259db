"""Files on the controller that a login uses, and which of them an inventory may choose."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nornir.core.configuration import DEFAULT_SSH_CONFIG

SSH_CONFIG_VARIABLE = "NORNIR_SSH_CONFIG_FILE"
KNOWN_HOSTS = "known_hosts"
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
LABS = Path("/var/lib/kube-ha/lab")  # one folder per lab, see `nornir_kube_ha.lab.state`


@dataclass(frozen=True, slots=True)
class Site:
    """The inventory's folder, and the SSH settings of Nornir's configuration.

    Arguments:
        folder: with the inventory's files; None for inventory plugins without files
        ssh_config: path of `ssh.config_file`; "" if not set
    """

    folder: Path | None = None
    ssh_config: str = ""


def operators_known_hosts() -> Path:
    """Return the path of the operator's own known_hosts file."""
    return Path(f"~/.ssh/{KNOWN_HOSTS}").expanduser()


def placed(name: str, folder: Path | None) -> Path:
    """Return the path of a file that an inventory names; `~` is the operator's home.

    Arguments:
        name: value in the inventory
        folder: for relative names; None is the working directory
    """
    return (folder or Path.cwd()) / Path(name).expanduser()


def known_hosts_problem(file: Path, folder: Path | None, lab: object, *, to_write: bool = False) -> str:
    """Return why an inventory may not use a file as known_hosts; "" if it may. A link is judged by its target.

    Arguments:
        file: known_hosts file for lookups and for `hostkeys enroll`
        folder: the inventory's folder; None if it has none
        lab: name of the host's lab; None if the host is not in a lab
        to_write: whether keys will be written to the file
    """
    try:
        real = Path(os.path.realpath(file))
        if real.is_symlink():
            return f"{file} is a loop of links"
        if _is_place(file, real, folder, lab) or (not to_write and _is_roots(real)):
            return f"{file} is not a regular file" if _waits(real) else ""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return f"cannot use {str(file)!r}: {error}"
    leads = f"{file} leads to {real}, which" if real != Path(os.path.abspath(file)) else str(file)  # noqa: PTH100 - links stay
    return (
        f"{leads} is neither a *{KNOWN_HOSTS}* file below the inventory's folder nor "
        f"~/.ssh/{KNOWN_HOSTS}; host keys are allowed only there"
    )


def _is_place(file: Path, real: Path, folder: Path | None, lab: object) -> bool:
    """Return whether a file may hold the host keys. The cheapest test comes first, since it runs for every host."""
    if folder and KNOWN_HOSTS in real.name and real.is_relative_to(os.path.realpath(folder)):
        return True
    if isinstance(lab, str) and "/" not in lab and real == LABS / lab / KNOWN_HOSTS:
        return True
    own = operators_known_hosts()
    return file == own or real == Path(os.path.realpath(own))


def _is_roots(real: Path) -> bool:
    """Return whether it is a known_hosts file that only root can write: the system's, or a lab's."""
    return real == SYSTEM_KNOWN_HOSTS.resolve() or (real.parent.parent, real.name) == (LABS, KNOWN_HOSTS)


def _waits(real: Path) -> bool:
    """Return whether the path is a device, pipe or socket, which a read could block on."""
    return real.exists() and not (real.is_file() or real.is_dir())


@lru_cache(maxsize=64)
def unreadable_known_hosts(file: Path, folder: Path | None, lab: object, _home: str) -> str:
    """Return `known_hosts_problem` for a file that is only read; cached, since many hosts share one file.

    Arguments:
        file: known_hosts file for lookups
        folder: the inventory's folder; None if it has none
        lab: name of the host's lab
        _home: $HOME, a part of the cache key only
    """
    return known_hosts_problem(file, folder, lab)


def ssh_config_problem(name: str) -> str:
    """Return why an ssh_config file may not be used; "" if it may. Such a file can run commands on the controller.

    Arguments:
        name: path in the inventory or in Nornir's configuration
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
        return f"cannot use {name!r}: {error}"
    return (
        f"{name} is in neither ~/.ssh nor /etc/ssh. An ssh_config file can run commands on this machine, "
        "so an inventory may name only the operator's own. The operator can allow another one in "
        f"${SSH_CONFIG_VARIABLE}"
    )
