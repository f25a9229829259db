"""Former nodes as hosts of a run, although they are no longer in the inventory."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host, ParentGroups

from nornir_kube_ha.engine.isolated_copy import isolated_copy
from nornir_kube_ha.errors import KubeHaError, UsageError
from nornir_kube_ha.facts import Facts, Scope
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.merge import merged_data
from nornir_kube_ha.tasks import get_facts

PER_HOST = frozenset({"name", "address", "role", "keepalived"})


def add_former_hosts(nornir: Nornir, hosts: Collection[str], addresses: Iterable[str]) -> tuple[str, ...]:
    """Add machines to an inventory as backups of the cluster that some of its hosts share.

    The login to them uses what all nodes of the cluster have in common: groups, user, port, options.

    Arguments:
        nornir: with the whole inventory, which is changed in memory only
        hosts: names of hosts of that cluster
        addresses: of the machines

    Returns:
        Names of the machines

    Raises:
        UsageError: the hosts are of several clusters, or the inventory has one of the addresses
        InventoryError: the inventory is invalid
    """
    intent = load_intent(nornir, read_files=False)
    clusters = {intent.cluster_of(name).name: intent.cluster_of(name) for name in hosts}
    if len(clusters) != 1:
        names = ", ".join(sorted(clusters))
        raise UsageError(f"--host: expected hosts of one cluster, got {names}. Name it with --filter cluster=NAME")
    known = {str(node.address): node.name for node in intent.nodes}
    known |= {str(host.hostname): name for name, host in nornir.inventory.hosts.items()}
    (cluster,) = clusters.values()
    return tuple(_add(nornir, cluster, address, known) for address in dict.fromkeys(addresses))


def look_at_former(nornir: Nornir, cluster: Cluster, address: str) -> Facts | None:
    """Return facts of a former node, which is not in the inventory; None if it cannot be looked at.

    Nobody logs in if a node of the cluster accepts any host key: another machine may have the address by now.

    Arguments:
        nornir: with the whole inventory
        cluster: of which it was a node; the login is that of the cluster's nodes
        address: its address
    """
    if any(node.host_keys != "strict" for node in cluster.nodes):
        return None
    own = isolated_copy(nornir, dry_run=True)
    try:
        (name,) = add_former_hosts(own, [cluster.nodes[0].name], [address])
        intent = load_intent(own)
        results = own.filter(name=name).run(task=get_facts, raise_on_error=False, intent=intent, scope=Scope.OWN)
    except KubeHaError:
        return None
    finally:
        own.close_connections()
    facts: Facts | None = None if results[name].failed else results[name][0].result
    return facts


def _add(nornir: Nornir, cluster: Cluster, address: str, known: Mapping[str, str]) -> str:
    if address in known:
        name = known[address]
        raise UsageError(f"--host: {address} is in the inventory, as {name}. Remove it with: remove --limit {name}")
    name = f"former-{address.replace(':', '-')}" if ":" in address else address
    if name in nornir.inventory.hosts:
        raise UsageError(f"--host: the inventory has a host called {name}. Remove it with: remove --limit {name}")
    nodes = [nornir.inventory.hosts[node.name] for node in cluster.nodes]
    host = Host(
        name,
        hostname=address,
        groups=ParentGroups([group for group in nodes[0].groups if all(group in each.groups for each in nodes)]),
        data=_shared_data(nodes) | {"role": "backup", **_priority(cluster, nodes)},
        defaults=nornir.inventory.defaults,
        **_shared_login(nodes),
    )
    nornir.inventory.hosts[name] = host
    return name


def _shared_data(nodes: list[Host]) -> dict[str, Any]:
    first, *others = (host.data or {} for host in nodes)
    shared = {key: value for key, value in first.items() if all(each.get(key) == value for each in others)}
    return {key: value for key, value in shared.items() if key not in PER_HOST}


def _shared_login(nodes: list[Host]) -> dict[str, Any]:
    """Return the login settings that all hosts have in common, besides those of their groups."""
    first, *others = (
        {key: value for key, value in host.dict().items() if key in {"port", "username", "password", "platform"}}
        for host in nodes
    )
    shared = {key: value for key, value in first.items() if value and all(each[key] == value for each in others)}
    options = [{name: each.dict() for name, each in host.connection_options.items()} for host in nodes]
    if all(each == options[0] for each in options):
        shared["connection_options"] = {name: copy(each) for name, each in nodes[0].connection_options.items()}
    return shared


def _priority(cluster: Cluster, nodes: list[Host]) -> dict[str, Any]:
    """Return a priority that no node has, if the inventory sets any. Otherwise the host's place there decides."""
    if not any("priority" in (merged_data(host).get("keepalived") or {}) for host in nodes):
        return {}
    taken = {node.keepalived.priority for node in cluster.nodes}
    # The highest below the master's: the weight of a check has to exceed the difference.
    free = (number for number in range(cluster.master.keepalived.priority - 1, 0, -1) if number not in taken)
    return {"keepalived": {"priority": next(free, 1)}}
