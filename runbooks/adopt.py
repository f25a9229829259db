"""`kube-ha adopt`: write an inventory of hosts that already run keepalived and haproxy."""

import argparse
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
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


def adopt(nornir: Nornir, names: Sequence[str], reached: Mapping[str, Reached]) -> Adoption:
    """Read what runs on hosts, and return the inventory that says the same. Changes nothing on any host.

    Arguments:
        nornir: with these hosts; it need say no more of them than how they are reached
        names: of the hosts, all nodes of each cluster
        reached: how the adopted inventory reaches each

    Raises:
        HostError: a host cannot be reached, or what runs there cannot be turned into an inventory
    """
    found: dict[str, Running] = _each(nornir, names, get_running)
    asked = {name: names_of(read_proxies(each.haproxy)) for name, each in found.items()}
    resolved = _each(nornir, [name for name in names if asked[name]], get_resolved, names=asked)
    own = _names(found)
    running = [replace(found[name], name=own[name], resolved=resolved.get(name, {})) for name in names]
    return adoption_of(running, {own[name]: reached[name] for name in names})


def _each(nornir: Nornir, hosts: Collection[str], task: Any, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a task's result on each host. All errors but the worst are printed."""
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
        nornir, names, path, reached, keys = _hosts_of(arguments, stack)
        refuse_logins(nornir, names)
        fetch_secrets(nornir, stats_password=False)
        enter_lab(nornir, names, path)
        tell(f"reading {', '.join(names)}; nothing is changed there")
        stack.callback(nornir.close_connections)
        adoption = adopt(nornir, names, reached)
    with draft_of(adoption, keys, folder) as draft:
        problems = [*_problems(draft)]
    show(_lines(adoption, folder, problems))
    return RED if problems else 0


def _hosts_of(
    arguments: argparse.Namespace, stack: ExitStack
) -> tuple[Nornir, tuple[str, ...], Path, Mapping[str, Reached], str]:
    """Return Nornir, the hosts' names, the inventory's path, how each host is reached, and the known host keys."""
    if arguments.inventory is None and arguments.hosts:
        reached = targets(arguments.hosts)
        path = stack.enter_context(login_inventory(reached))
        return open_inventory(path), tuple(reached), path, reached, ""
    if arguments.inventory is None:
        raise UsageError("name the hosts, or an inventory that has them with -i")
    path = find_inventory(arguments.inventory)
    nornir = open_inventory(path)
    given = arguments.hosts or [host.name for host in our_hosts(nornir)] or [*nornir.inventory.hosts]
    names = select_named(nornir, given)
    hosts = [nornir.inventory.hosts[name] for name in names]
    refuse_logins(nornir, names)
    keys = dict.fromkeys(line for host in hosts for line in known_hosts_of(nornir, host).splitlines())
    return (
        nornir,
        names,
        path,
        {host.name: way_of(nornir, host) for host in hosts},
        "".join(f"{line}\n" for line in keys),
    )


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
