"""The rules that listeners follow on the nodes of a cluster."""

from collections.abc import Iterator

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.intent.listeners.settings import Listener
from nornir_kube_ha.intent.node import Node


def listener_problems(node: Node) -> Iterator[Problem]:
    """Yield a problem for each rule that a node's listeners break.

    Arguments:
        node: a node of any cluster
    """
    for name, listener in node.haproxy.listeners.items():
        key = f"haproxy.listeners.{name}"
        yield from _port(node, key, listener)
        yield from _servers(node, key, name)
        for source in listener.sources:
            if not node.vips_of(source.version):
                words = f"{source} is IPv{source.version}, and the cluster has no VIP of that family"
                yield Problem(node.name, f"{key}.sources", words)


def _port(node: Node, key: str, listener: Listener) -> Iterator[Problem]:
    haproxy = node.haproxy
    taken = {
        haproxy.port: "haproxy.port",
        haproxy.stats.port: "haproxy.stats.port",
        haproxy.peers_port: "haproxy.peers_port",
    }
    for apiserver in node.apiservers:
        if apiserver.address == node.address:
            taken.setdefault(apiserver.port, f"the port of the apiserver {apiserver.name} on the same host")
    if owner := taken.get(listener.port):
        yield Problem(node.name, f"{key}.port", f"{listener.port} is also {owner}; change one of them")


def _servers(node: Node, key: str, name: str) -> Iterator[Problem]:
    listener = node.haproxy.listeners[name]
    vips = {vip.ip for vip in node.vips}
    for server in node.servers_of(name):
        if server.address in vips:
            words = f"{server.address} is a VIP, which leads back to haproxy; expected a server's own address"
            yield Problem(node.name, f"{key}.servers", words)
        if server.address == node.address and server.port == listener.port:
            words = (
                f"{server.name} is this host, where haproxy itself takes port {listener.port}: "
                "let the server listen on another port, and set `port` in `servers`"
            )
            yield Problem(node.name, f"{key}.servers", words)
