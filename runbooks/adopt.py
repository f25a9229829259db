"""Write an inventory of hosts that already run keepalived and haproxy: `kube-ha adopt`, and for other programs."""

import argparse
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from nornir.core import Nornir

from nornir_kube_ha.adoption import Adoption, Reached, Running
from nornir_kube_ha.adoption import adopt as adoption_of
from nornir_kube_ha.adoption.haproxy_cfg.proxies import read_proxies
from nornir_kube_ha.adoption.haproxy_cfg.servers import names_of
from nornir_kube_ha.cli.exit_codes import leave_in_time, tell
from nornir_kube_ha.cli.prompts import fetch_secrets
from nornir_kube_ha.cli.selection import enter_lab, find_inventory, open_inventory, refuse_logins, select_named
from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.engine.isolated_copy import isolated_copy
from nornir_kube_ha.errors import InventoryError, KubeHaError, UsageError
from nornir_kube_ha.inventory.adopted import (
    draft_of,
    known_hosts_of,
    login_inventory,
    refuse_full,
    targets,
    way_of,
)
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.merge import our_hosts
from nornir_kube_ha.tasks import get_resolved, get_running

RED = 1  # exit code
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Ways:
    """How hosts are reached.

    Arguments:
        names: their names
        reached: how the adopted inventory reaches each
        keys: the known host keys, "" for none of the inventory's own
    """

    names: tuple[str, ...]
    reached: Mapping[str, Reached]
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An inventory that was written.

    Arguments:
        folder: the inventory
        adoption: its clusters, and notes on what a deploy of it ends or changes
        problems: what must be corrected by hand before it can be used
    """

    folder: Path
    adoption: Adoption
    problems: tuple[str, ...]


def adopt(
    nornir: Nornir,
    folder: Path | str,
    *,
    hosts: Collection[str] | None = None,
    tell: Callable[[str], object] | None = None,
) -> Adopted:
    """Write an inventory of hosts that already run keepalived and haproxy. Changes nothing on any host.

    Arguments:
        nornir: with these hosts; it need say no more of them than how they are reached
        folder: for the inventory; it does not exist yet or is empty
        hosts: their names, all nodes of each cluster; None: all nodes, or all hosts if there are none
        tell: called with each line of progress

    Returns:
        The inventory, its notes and its problems

    Raises:
        UsageError: there is no such host, or the folder cannot be used
        HostError: a host cannot be reached, or what runs there cannot be turned into an inventory
    """
    if isinstance(hosts, str) or (hosts is not None and not hosts):
        raise UsageError(f"hosts: expected a list of names, got {hosts!r}")
    refuse_full(Path(folder))
    ways = _ways(nornir, hosts or ())
    own = isolated_copy(nornir, dry_run=False)
    try:
        return _adopt(own, ways, Path(folder), tell or (lambda _: None))
    finally:
        own.close_connections()


def _adopt(nornir: Nornir, ways: Ways, folder: Path, tell: Callable[[str], object]) -> Adopted:
    tell(f"reading {', '.join(ways.names)}; nothing is changed there")
    adoption = _read(nornir, ways.names, ways.reached, tell)
    with draft_of(adoption, ways.keys, folder) as draft:
        problems = tuple(_problems(draft))
    return Adopted(folder, adoption, problems)


def _read(
    nornir: Nornir, names: Sequence[str], reached: Mapping[str, Reached], tell: Callable[[str], object]
) -> Adoption:
    """Read what runs on hosts, and return the inventory that says the same."""
    found: dict[str, Running] = _each(nornir, names, get_running, tell)
    asked = {name: names_of(read_proxies(each.haproxy)) for name, each in found.items()}
    resolved = _each(nornir, [name for name in names if asked[name]], get_resolved, tell, names=asked)
    own = _names(found)
    running = [replace(found[name], name=own[name], resolved=resolved.get(name, {})) for name in names]
    return adoption_of(running, {own[name]: reached[name] for name in names})


def _each(
    nornir: Nornir,
    hosts: Collection[str],
    task: Any,  # noqa: ANN401
    tell: Callable[[str], object],
    **arguments: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Return a task's result on each host. `tell` is called with all errors but the worst."""
    if not hosts:
        return {}
    results = nornir.filter(filter_func=lambda host: host.name in hosts).run(task, raise_on_error=False, **arguments)
    errors: list[KubeHaError] = []
    for error in (multi[0].exception for multi in results.values()):
        if isinstance(error, KubeHaError):
            errors.append(error)
        elif error:
            raise error
    errors.sort(key=lambda error: error.exit_code)
    for error in errors[:-1]:
        tell(f"error: {error}")
    if errors:
        raise errors[-1]
    return {name: multi[0].result for name, multi in results.items()}


def _names(found: Mapping[str, Running]) -> dict[str, str]:
    """Return the name of each host in the adopted inventory: as it was called, or its own where that is an address."""
    names: dict[str, str] = {}
    for given, running in found.items():
        own = running.hostname.partition(".")[0]
        is_usable = _NAME.fullmatch(own) and own not in {*names.values(), *found}
        names[given] = own if _is_address(given) and is_usable else given
    return names


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return not _NAME.fullmatch(word)
    return True


def run_adopt(arguments: argparse.Namespace) -> int:
    """Run `kube-ha adopt`.

    Arguments:
        arguments: parsed: `hosts`, `inventory` and `folder`

    Returns:
        The exit code: 1 if the inventory needs a correction by hand before it can be used

    Raises:
        KubeHaError: nothing was written
    """
    leave_in_time()
    folder: Path = arguments.folder
    refuse_full(folder)
    with ExitStack() as stack:
        nornir, path, ways = _hosts_of(arguments, stack)
        refuse_logins(nornir, ways.names)
        fetch_secrets(nornir, stats_password=False)
        enter_lab(nornir, ways.names, path)
        stack.callback(nornir.close_connections)
        adopted = _adopt(nornir, ways, folder, tell)
    show(_lines(adopted.adoption, folder, adopted.problems))
    return RED if adopted.problems else 0


def _hosts_of(arguments: argparse.Namespace, stack: ExitStack) -> tuple[Nornir, Path, Ways]:
    """Return Nornir, the inventory's path, and how each host is reached."""
    if arguments.inventory is None and arguments.hosts:
        reached = targets(arguments.hosts)
        path = stack.enter_context(login_inventory(reached))
        return open_inventory(path), path, Ways(tuple(reached), reached)
    if arguments.inventory is None:
        raise UsageError("name the hosts, or an inventory that has them with -i")
    path = find_inventory(arguments.inventory)
    nornir = open_inventory(path)
    return nornir, path, _ways(nornir, arguments.hosts)


def _ways(nornir: Nornir, given: Collection[str]) -> Ways:
    """Return how an inventory reaches the given hosts or, without any, all of its hosts."""
    names = select_named(nornir, given or [host.name for host in our_hosts(nornir)] or [*nornir.inventory.hosts])
    hosts = [nornir.inventory.hosts[name] for name in names]
    refuse_logins(nornir, names)
    keys = dict.fromkeys(line for host in hosts for line in known_hosts_of(nornir, host).splitlines())
    return Ways(names, {host.name: way_of(nornir, host) for host in hosts}, "".join(f"{line}\n" for line in keys))


def _problems(folder: Path) -> Iterator[str]:
    """Yield what keeps an adopted inventory from being used."""
    try:
        load_intent(open_inventory(folder))
    except InventoryError as error:
        yield from map(str, error.problems)
    except UsageError as error:
        yield str(error)


def _lines(adoption: Adoption, folder: Path, problems: Iterable[str]) -> Iterator[str]:
    clusters = "; ".join(f"cluster {name}: {', '.join(hosts)}" for name, hosts in adoption.clusters.items())
    yield f"inventory written to {folder} ({clusters})"
    for hosts, notes in adoption.shared_notes().items():
        yield ""
        yield f"{', '.join(hosts)}:"
        yield from (f"  {note}" for note in notes)
    if problems := [*problems]:
        yield ""
        yield f"correct these in {folder} first:"
        yield from (f"  {problem}" for problem in problems)
    yield ""
    yield "next:"
    yield f"  kube-ha deploy -i {folder} --dry-run --diff --replace-foreign-files   what a deploy would change"
    yield f"  kube-ha deploy -i {folder} --replace-foreign-files                    take over; the old files are kept"
    yield f"  kube-ha rollback -i {folder} --to-before RUN_ID                       the way back to the old files"
