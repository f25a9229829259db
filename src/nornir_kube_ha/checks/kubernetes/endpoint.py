"""Checks that Kubernetes' components and other clients use the control-plane endpoint."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPAddress, with_port
from nornir_kube_ha.checks.model import ClusterView, HostView, Skipped, Verdict
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.facts.kubernetes.kubeconfigs import Kubeconfig
from nornir_kube_ha.intent import Node
from nornir_kube_ha.versions import upstream_version

KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
OWN_APISERVER = frozenset({"/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/scheduler.conf"})
"""Kubeconfigs that newer kubeadms point at the node's own apiserver, so that its version suits theirs."""
KUBELET_LOCAL = (1, 33)
"""From this version on, kubeadm points a control-plane node's kubelet at its own apiserver, too (KEP 4471)."""
OWN_BALANCER = ("/etc/rancher/", "/var/lib/rancher/", "/var/lib/k0s/")
"""Where RKE2, k3s and k0s keep kubeconfigs, which name their own apiserver or load balancer on the loopback."""
_URL = re.compile(r"https?://(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::(\d{1,5}))?")


def kubeconfigs(view: HostView) -> Verdict:
    """Check that the node's kubeconfigs name the endpoint, or what their own product means them to name."""
    expected = f"each kubeconfig on the node names https://{view.node.endpoint}"
    found = view.facts.kubeconfigs
    if found is None:
        return Verdict(None, expected, "not seen: the host was not asked for its kubeconfigs", "")
    if not found:
        return Verdict(ok=True, expected=expected, seen="the node has no kubeconfig", next="")
    named = [(each, server) for each in found for server in each.servers]
    wrong = [f"{each.path} names {server}" for each, server in named if not _is_meant(view, each, server)]
    unread = [each.path for each in found if "unreadable" in each.servers or not each.servers]
    words = [*wrong, *(f"{path}: its server was not seen" for path in unread)]
    at_endpoint = partial(_is_endpoint, view.node)
    count = sum(all(map(at_endpoint, each.servers)) for each in found)
    own = [each.path for each in found if not all(map(at_endpoint, each.servers))]
    beside = f"; the node's own apiserver or load balancer, as installed: {', '.join(own)}" if own else ""
    return Verdict(
        False if wrong else None if unread else True,
        expected,
        "; ".join(words) or f"{count} of {len(found)} name it{beside}",
        f"set `server: https://{view.node.endpoint}` in them, and restart what reads them (docs/kubeadm.md: move a "
        "running cluster to the VIP). If their name means the VIP, set control_plane_endpoint to it",
    )


def direct_clients(view: ClusterView) -> Verdict | Skipped:
    """Check that no client is connected to an apiserver past haproxy."""
    expected = f"clients on other machines reach the apiservers at {view.cluster.nodes[0].endpoint}, through haproxy"
    unasked = [name for name, facts in view.seen.items() if facts.direct_connections is None]
    wrong = [*_outgoing(view), *_incoming(view)]
    verdict = Verdict(
        False if wrong else None if unasked else True,
        expected,
        "; ".join(wrong) or (f"not seen on {', '.join(unasked)}" if unasked else "no other connection"),
        "name the endpoint in the client's kubeconfig, and restart the client. Pods connect past haproxy, through the "
        "Service `kubernetes`: list the networks of their nodes and of pods, and processes that may, in "
        "verify.direct_clients",
    )
    return view.unmade(expected) if verdict.ok and view.unseen else verdict


def _is_meant(view: HostView, file: Kubeconfig, server: str) -> bool:
    """Return whether a kubeconfig may name a server: the endpoint, or the node's own where its product means that."""
    if server == "unreadable" or _is_endpoint(view.node, server):
        return True
    if file.path.startswith(OWN_BALANCER):
        return _is_loopback(server)
    local = file.path in OWN_APISERVER or (file.path == KUBELET_CONF and _has_local_kubelets(view.facts))
    return local and _is_own_apiserver(view, server)


def _is_endpoint(node: Node, server: str) -> bool:
    host, port = _place(server)
    names = {node.endpoint, *(with_port(vip.ip, node.haproxy.port) for vip in node.vips)}
    return with_port(host, port).lower() in {each.lower() for each in names}


def _is_own_apiserver(view: HostView, server: str) -> bool:
    host, port = _place(server)
    ports = {each.port for each in view.node.apiservers if each.address == view.node.address}
    own = {str(address.ip) for _, address in view.facts.addresses} - {str(vip.ip) for vip in view.node.vips}
    return port in ports and (host in own or _is_loopback(server))


def _is_loopback(server: str) -> bool:
    host, _ = _place(server)
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _place(server: str) -> tuple[str, int]:
    """Return host and port of a URL, an address in its shortest form."""
    found = _URL.fullmatch(server)
    if not found:
        return "", 0
    host = found[1] or found[2]
    return str(_address(host) or host), int(found[3] or (443 if server.startswith("https") else 80))


def _address(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _has_local_kubelets(facts: Facts) -> bool:
    version = facts.reachable.version.kubernetes_version
    return upstream_version(version.removeprefix("v")) >= KUBELET_LOCAL


def _outgoing(view: ClusterView) -> Iterator[str]:
    names = {str(each): each.name for each in view.cluster.apiservers}
    for name, facts in view.seen.items():
        meant = view.cluster.node(name).verify.direct_processes
        own = {str(address.ip) for _, address in facts.addresses}
        for each in facts.direct_connections.outgoing if facts.direct_connections else ():
            if each.process not in meant and each.apiserver.rpartition(":")[0].strip("[]") not in own:
                at = f"{names.get(each.apiserver, '')} {each.apiserver}".strip()
                yield f"{name}: process {each.process} is connected to apiserver {at} ({_times(each.count)})"


def _incoming(view: ClusterView) -> Iterator[str]:
    own = {address.ip for facts in view.seen.values() for _, address in facts.addresses}
    networks = view.cluster.nodes[0].verify.direct_networks
    counts = Counter[tuple[str, IPAddress]]()
    more = 0
    for name, facts in view.seen.items():
        for each in facts.direct_connections.incoming if facts.direct_connections else ():
            if not (each.peer in own or each.peer.is_loopback or any(each.peer in network for network in networks)):
                counts[name, each.peer] += each.count
        more += facts.direct_connections.more if facts.direct_connections else 0
    for (name, peer), count in counts.items():
        yield f"{peer} is connected to {name}'s apiserver ({_times(count)})"
    if more:
        yield f"{more} further clients"


def _times(count: int) -> str:
    return f"{count} connection{'s' if count != 1 else ''}"
