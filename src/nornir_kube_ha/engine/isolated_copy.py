"""A run's own copy of what a caller's Nornir holds, so that the caller's stays as it was."""

import copy
from collections.abc import Mapping

from nornir.core import Nornir
from nornir.core.inventory import ConnectionOptions, Groups, Hosts, Inventory, ParentGroups
from nornir.core.state import GlobalState


def apart(nornir: Nornir, *, dry_run: bool) -> Nornir:
    """A Nornir on the same inventory whose connections, and whose failed hosts, are nobody else's.

    Arguments:
        nornir: the caller's
        dry_run: whether tasks only say what they would change
    """
    return Nornir(
        copied(nornir.inventory),
        runner=nornir.runner,
        processors=nornir.processors,
        config=nornir.config,
        data=GlobalState(dry_run=dry_run),
    )


def copied(inventory: Inventory) -> Inventory:
    """The same inventory, but for what Nornir writes to: connections, and options that it fills up by those above.

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
