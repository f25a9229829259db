"""A run's own copy of a caller's Nornir, so that the run does not change the caller's."""

import copy
from collections.abc import Mapping

from nornir.core import Nornir
from nornir.core.inventory import ConnectionOptions, Groups, Hosts, Inventory, ParentGroups
from nornir.core.state import GlobalState


def isolated_copy(nornir: Nornir, *, dry_run: bool) -> Nornir:
    """Return a Nornir on the same inventory, with connections and failed hosts of its own.

    Arguments:
        nornir: the caller's
        dry_run: whether tasks only report what they would change
    """
    return Nornir(
        copied(nornir.inventory),
        runner=nornir.runner,
        processors=nornir.processors,
        config=nornir.config,
        data=GlobalState(dry_run=dry_run),
    )


def copied(inventory: Inventory) -> Inventory:
    """Return a copy of an inventory, as far as Nornir writes to it: connections, and options that hosts inherit.

    Arguments:
        inventory: the caller's
    """
    defaults = copy.copy(inventory.defaults)
    defaults.connection_options = _copied_options(inventory.defaults.connection_options)
    groups = Groups({name: copy.copy(group) for name, group in inventory.groups.items()})
    hosts = Hosts({name: copy.copy(host) for name, host in inventory.hosts.items()})
    for each in (*groups.values(), *hosts.values()):
        each.defaults, each.connection_options = defaults, _copied_options(each.connection_options)
        each.groups = ParentGroups([groups.get(group.name, group) for group in each.groups])
    for host in hosts.values():
        host.connections = type(host.connections)()
    return Inventory(hosts, groups, defaults)


def _copied_options(options: Mapping[str, ConnectionOptions]) -> dict[str, ConnectionOptions]:
    return {name: copy.copy(each) for name, each in options.items()}
