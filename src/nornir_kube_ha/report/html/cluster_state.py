"""What the hosts of one cluster together show about its VIP and its apiservers."""

from collections.abc import Mapping

from nornir_kube_ha.addresses import with_port
from nornir_kube_ha.report.model import ClusterReport, HostReport

UNKNOWN = "unknown"
MISSING = "missing"


def in_words(cluster: ClusterReport, hosts: Mapping[str, HostReport]) -> tuple[str, ...]:
    """Return a sentence for each fact: the VIP holder first, then each node.

    Arguments:
        cluster: the cluster's report
        hosts: its nodes, by name
    """
    return (f"{endpoint(cluster)}, {held(hosts)[1]}.", *(f"{node_in_words(name, hosts[name])}." for name in hosts))


def endpoint(cluster: ClusterReport) -> str:
    """Return the VIP with haproxy's port."""
    return with_port(cluster.vip, cluster.port) if cluster.vip else f"VIP {UNKNOWN}"


def held(hosts: Mapping[str, HostReport]) -> tuple[str, str]:
    """Return who holds the VIP, as `holder`, `fault` or `unknown`, and in words.

    Arguments:
        hosts: the nodes of one cluster, by name
    """
    names, unseen = holders(hosts), [name for name, host in hosts.items() if not host.state]
    if len(names) > 1:
        return "fault", f"held by {len(names)} nodes at once: {', '.join(names)}"
    if names:
        return "holder", f"held by {names[0]}"
    if unseen or not hosts:
        return "unknown", f"holder {UNKNOWN}"
    return "fault", "held by nobody"


def holders(hosts: Mapping[str, HostReport]) -> list[str]:
    """Return the nodes that were seen to hold the VIP.

    Arguments:
        hosts: the nodes of one cluster, by name
    """
    return [name for name, host in hosts.items() if host.state and host.state.holds_vip]


def apiservers(cluster: ClusterReport, hosts: Mapping[str, HostReport]) -> dict[str, str]:
    """Return the address of each apiserver by name: those of the inventory, then those that only a haproxy knows.

    Arguments:
        cluster: the cluster's report
        hosts: its nodes, by name
    """
    note = "not in the inventory" if cluster.apiservers else ""
    extra = {name: note for host in hosts.values() if host.state for name in host.state.apiservers}
    return {**cluster.apiservers, **{name: extra[name] for name in extra if name not in cluster.apiservers}}


def view_of(host: HostReport, server: str) -> str:
    """Return an apiserver's status in a node's haproxy.

    Arguments:
        host: the node
        server: name of the apiserver
    """
    if not host.state or not host.state.apiservers:
        return UNKNOWN
    return host.state.apiservers.get(server, MISSING)


def kind_of(status: str) -> str:
    """Return `up`, `down` or `unknown`.

    Arguments:
        status: haproxy's word, `UP 1/3`
    """
    if status == UNKNOWN:
        return "unknown"
    return "up" if status.startswith("UP") else "down"


def unseen(host: HostReport) -> str:
    """Return why a host's state is unknown."""
    return "not looked at" if host.failure else f"state {UNKNOWN}"


def node_in_words(name: str, host: HostReport) -> str:
    """Return a node's state in words."""
    who = ", ".join(filter(None, (name, host.role, host.address)))
    if not host.state:
        return f"{who}: {unseen(host)}"
    vrrp = f"keepalived is {host.state.vrrp}" if host.state.vrrp else "keepalived does not answer"
    holds = "holds the VIP" if host.state.holds_vip else "does not hold the VIP"
    seen = ", ".join(f"{server} {status}" for server, status in host.state.apiservers.items())
    return f"{who}: {vrrp}, {holds}; its haproxy {f'sees {seen}' if seen else 'does not answer'}"


def server_in_words(name: str, address: str, hosts: Mapping[str, HostReport]) -> str:
    """Return how each node sees an apiserver.

    Arguments:
        name: name of the apiserver
        address: its address, "" if unknown
        hosts: the nodes of its cluster, by name
    """
    views = ", ".join(f"{view_of(host, name)} at {at}" for at, host in hosts.items())
    return f"{', '.join(filter(None, (name, address)))}: {views or UNKNOWN}"
