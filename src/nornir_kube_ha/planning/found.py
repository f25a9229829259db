"""What an inventory leaves to the hosts: interfaces that are found by their address, and passwords kept there."""

from collections.abc import Mapping

from nornir_kube_ha.errors import PreflightError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.intent.names import AUTO_INTERFACE
from nornir_kube_ha.planning.generated_password import with_kept_passwords


def as_found(intent: Intent, facts: Mapping[str, Facts]) -> Intent:
    """Return the intent with the interfaces and the stats passwords that were found on the hosts.

    Arguments:
        intent: the intended state
        facts: facts by host name, of the hosts that were read
    """
    return with_interfaces(with_kept_passwords(intent, facts), facts)


def with_interfaces(intent: Intent, facts: Mapping[str, Facts]) -> Intent:
    """Return the intent with the interface that has the node's address instead of `auto`.

    `auto` stays for a host that was not read, and where not exactly one interface has the address.

    Arguments:
        intent: the intended state
        facts: facts by host name, of the hosts that were read
    """
    if all(node.interface != AUTO_INTERFACE for node in intent.nodes):
        return intent
    return Intent(
        tuple(
            Cluster(cluster.name, tuple(_with_interface(node, facts.get(node.name)) for node in cluster.nodes))
            for cluster in intent.clusters
        )
    )


def refuse_unfound(node: Node, own: Facts) -> None:
    """Refuse a node whose `interface: auto` was not found.

    Arguments:
        node: intended state of the host, as found
        own: the host's facts

    Raises:
        PreflightError: no interface has the node's address, or several have it
    """
    if node.interface == AUTO_INTERFACE:
        there = " and ".join(_interfaces(node, own))
        why = f"{there} have {node.address}" if there else f"no interface has {node.address}"
        raise PreflightError(node.name, f"interface auto: {why}; name the interface in the inventory")


def _with_interface(node: Node, own: Facts | None) -> Node:
    names = _interfaces(node, own) if own and node.interface == AUTO_INTERFACE else ()
    return node.model_copy(update={"interface": names[0]}) if len(names) == 1 else node


def _interfaces(node: Node, own: Facts) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, each in own.addresses if each.ip == node.address))
