"""Open the inventory, select the hosts that a command line names, and enter their lab."""

import fnmatch
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from nornir import InitNornir
from nornir.core import Nornir
from nornir.core.exceptions import PluginNotRegistered
from nornir.core.inventory import Group, Host
from ruamel.yaml.error import YAMLError

from nornir_kube_ha.checks import ALL, NEED_PASSWORD
from nornir_kube_ha.engine.runner import Runner, default_forks
from nornir_kube_ha.errors import MOST, InventoryError, UsageError
from nornir_kube_ha.inventory.files import FILES, group_names, problems_of_files
from nornir_kube_ha.inventory.load import login_problems
from nornir_kube_ha.inventory.merge import merged_data, our_hosts
from nornir_kube_ha.lab import door
from nornir_kube_ha.nearest import did_you_mean, hint
from nornir_kube_ha.text import one_line, shortened

WITHOUT_PASSWORD = frozenset({"rollback", "remove", "snapshot"})  # runbooks that write no new files to the hosts
HOSTS_FILE = FILES["host"]
_FILTERED = ("name", "groups", "hostname", "port", "username", "platform")  # Nornir's own attributes of a host
CHECKOUT_INVENTORY = (Path(__file__).parents[1] / "runbooks").resolve().parent / "inventory"  # a symlink, in a checkout


def find_inventory(given: Path | None) -> Path:
    """Return the path of the inventory to use.

    Arguments:
        given: from the command line; None: $KUBE_HA_INVENTORY, ./inventory, or the checkout's own, in this order

    Raises:
        UsageError: there is none
    """
    if given or "KUBE_HA_INVENTORY" in os.environ:
        path = (given or Path(os.environ["KUBE_HA_INVENTORY"])).expanduser()
        path = path.parent if path.name in FILES.values() else path
        if path.is_file() or (path / HOSTS_FILE).is_file():
            return path.resolve()
        raise UsageError(f"inventory {path}: expected a folder with {HOSTS_FILE} or a Nornir configuration file")
    for path in (Path("inventory"), CHECKOUT_INVENTORY):
        if (path / HOSTS_FILE).is_file():
            return path.resolve()
    raise UsageError("no inventory found: name one with -i, or write a first one with `kube-ha init DIR`")


def open_inventory(path: Path, *, forks: int | None = None, dry_run: bool = False) -> Nornir:
    """Return an initialised Nornir. Nothing is sent to any host.

    Arguments:
        path: folder with hosts.yaml, or a Nornir configuration file
        forks: number of hosts at once; None: as many as suit this machine
        dry_run: whether tasks only report what they would change

    Raises:
        InventoryError: a file does not have the form of an inventory
        UsageError: the inventory cannot be read
    """
    if path.is_dir() and (problems := [*problems_of_files(path)]):
        raise InventoryError(problems)
    logging = {"enabled": False}  # nornir.log would contain every task's arguments
    inventory = {
        "plugin": "SimpleInventory",
        "options": {f"{key}_file": str(path / name) for key, name in FILES.items()},
    }
    try:
        if path.is_dir():
            nornir = InitNornir(logging=logging, inventory=inventory)
        else:
            nornir = InitNornir(config_file=str(path), logging=logging)
    except (YAMLError, PluginNotRegistered, OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        words = f"no group is called {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
        words += hint([str(each) for each in error.args], group_names(path)) if isinstance(error, KeyError) else ""
        raise UsageError(f"cannot read inventory {path}: {shortened(one_line(words), MOST)}") from error
    if own := [group.name for group in nornir.inventory.groups.values() if _is_its_own_parent(group)]:
        raise UsageError(f"inventory {path}: groups {' and '.join(own)} include themselves as a parent")
    nornir.data.dry_run = dry_run
    return nornir.with_runner(Runner(forks or default_forks()))


def _is_its_own_parent(group: Group) -> bool:
    above: list[Group] = [*group.groups]
    for each in above:  # the list grows in the loop
        above += [parent for parent in each.groups if parent not in above]
    return group in above


def select(nornir: Nornir, filters: Collection[tuple[str, str]], limit: Collection[str]) -> tuple[str, ...]:
    """Return the names of the hosts that `--filter` and `--limit` select.

    Arguments:
        nornir: unfiltered
        filters: `key=value` pairs; a host must match all
        limit: names of hosts; empty: all

    Raises:
        UsageError: no host matches, or `--limit` names an unknown host
    """
    ours = our_hosts(nornir)
    known = _names(ours)
    if unknown := sorted(set(limit) - {*known}):
        raise UsageError(
            f"--limit: no host called {', '.join(unknown)}; known hosts: {', '.join(known)}{hint(unknown, known)}"
        )
    meant = (host for host in ours if not limit or host.name in limit)
    names = _names(host for host in meant if all(value in _texts(host.get(key)) for key, value in filters))
    if not names:
        wanted = [f"{key}={value}" for key, value in filters]
        wanted += [f"--limit {','.join(limit)}"] if limit else []
        raise UsageError(
            f"no host matches {' and '.join(wanted) or 'at all'}; known hosts: {', '.join(known) or 'none'}"
            f"{_hint_at_filters(ours, filters)}"
        )
    return names


def _hint_at_filters(hosts: Iterable[Host], filters: Iterable[tuple[str, str]]) -> str:
    """Return a hint at the first `key=value` of which no host has the key or the value: a group's name, for example."""
    for key, value in filters:
        values = {text for host in hosts for text in _texts(host.get(key))}
        if not values:
            keys = {each for host in hosts for each in (*host.keys(), *_FILTERED)}
            return hint([key], keys)
        if value not in values:
            return hint([f"{key}={value}"], {f"{key}={text}" for text in values})
    return ""


def select_named(nornir: Nornir, given: Iterable[str]) -> tuple[str, ...]:
    """Return the given names, which may be of any host; without any, the names of all hosts with kube-ha settings.

    Arguments:
        nornir: unfiltered
        given: from the command line

    Raises:
        UsageError: a host is not in the inventory
    """
    names = tuple(dict.fromkeys(given)) or _names(our_hosts(nornir))
    there = nornir.inventory.hosts
    if unknown := [name for name in names if name not in there]:
        raise UsageError(
            f"no host called {', '.join(unknown)}; known hosts: {', '.join(there) or 'none'}{hint(unknown, there)}"
        )
    return names


def refuse_logins(nornir: Nornir, names: Iterable[str]) -> None:
    """Refuse hosts with login settings that are not allowed, with or without kube-ha settings.

    Arguments:
        nornir: unfiltered
        names: hosts that are about to be reached

    Raises:
        InventoryError: lists all problems; nothing was sent
    """
    hosts = nornir.inventory.hosts
    if problems := [problem for name in names for problem in login_problems(nornir, hosts[name])]:
        raise InventoryError(problems)


def choose_checks(check: Iterable[str], skip: Iterable[str]) -> frozenset[str]:
    """Return the ids of the checks that `--check` and `--skip` select.

    Arguments:
        check: ids or patterns of the checks to make; empty: all
        skip: ids or patterns of the checks to leave out

    Raises:
        UsageError: a pattern matches no check, or no check is left
    """
    chosen = (_matching(check) or ALL) - _matching(skip)
    if not chosen:
        raise UsageError("--check and --skip leave no check to make")
    return chosen


def needs_stats_password(runbook: str, checks: Collection[str]) -> bool:
    """Return whether a runbook needs the stats page's password, to write it or to check it on hosts.

    Arguments:
        runbook: the runbook's name
        checks: ids of the checks to make
    """
    if runbook == "verify":
        return not NEED_PASSWORD.isdisjoint(checks)
    return runbook not in WITHOUT_PASSWORD


def _matching(patterns: Iterable[str]) -> frozenset[str]:
    chosen: set[str] = set()
    for pattern in patterns:
        ids = fnmatch.filter(ALL, pattern)
        if not ids:
            hint = did_you_mean(pattern, ALL, "`kube-ha checks` lists all")
            raise UsageError(f"no check is called {pattern}; {hint}")
        chosen.update(ids)
    return frozenset(chosen)


def enter_lab(nornir: Nornir, names: Iterable[str], inventory: Path) -> None:
    """Enter the hosts' lab, if they are in one: outside it they cannot be reached, and inside it nothing else can.

    Arguments:
        nornir: unfiltered
        names: the selected hosts
        inventory: path, for the error's command that starts the lab

    Raises:
        UsageError: the hosts are not all in one place
        LabDownError: the lab is down
    """
    labs = {_lab_of(nornir.inventory.hosts[name]) for name in names}
    if labs == {""}:
        return
    if len(labs) > 1:
        places = ", ".join(sorted(f"lab {name}" if name else "the network" for name in labs))
        raise UsageError(
            f"the selected hosts are in {places}; run the command for each alone, with --filter lab=NAME or --limit"
        )
    name = labs.pop()
    if not door.is_there(door.control_namespace(name)):
        raise door.LabDownError(f"lab {name} is not up; start it with: kube-ha lab up -i {inventory}")
    door.enter(name)


def _lab_of(host: Host) -> str:
    """Return the lab that a host lives in, "" if none."""
    name = merged_data(host).get("lab")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"{host.name}: lab: expected a lab's name, got {name!r}")
    return name or ""


def _names(hosts: Iterable[Host]) -> tuple[str, ...]:
    return tuple(host.name for host in hosts)


def _texts(value: object) -> tuple[str, ...]:
    """Return the texts that `--filter` matches a value by; a list has one per item, as in `groups=lab`."""
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
