"""Find the obstacles to changing a host, from the facts of a look, before anything is changed. No I/O."""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.checks.apiserver.certificates import new_without_name, of_another_ca
from nornir_kube_ha.facts import Facts, Listener
from nornir_kube_ha.firewall import openings, stopped
from nornir_kube_ha.intent import Cluster, Node
from nornir_kube_ha.intent.names import FOLDERS, KEEPALIVED_CONF
from nornir_kube_ha.planning.ca_validity import validity
from nornir_kube_ha.planning.generated_password import kept_passwords

ROOM = 16 * 2**20  # bytes; our files take some kilobytes, packages some megabytes
INODES = 200
CLOCK_SECONDS = 300  # beyond this, certificates seem expired or not yet valid, and journals do not match
EVERYWHERE = {"*", "0.0.0.0", "[::]"}  # noqa: S104 - what others bind to
NEEDED = {"/etc", "/run", "/var/lib", *FOLDERS}


def blockers(cluster: Cluster, node: Node, facts: Mapping[str, Facts]) -> tuple[str, ...]:
    """Return why a host should not be changed, in one sentence each; empty if it may be.

    Arguments:
        cluster: the node's
        node: desired state of the host
        facts: by host name, of this host at least
    """
    own = facts[node.name]
    seen = {each.name: facts[each.name] for each in cluster.nodes if each.name in facts}
    return (
        *_interface(node, own),
        *_vip(node, own, seen),
        *(_claimed(node, own, seen) if len(seen) == len(cluster.nodes) else ()),
        *_flood(node, own),
        *_ports(node, own),
        *_room(own),
        *([*_clock(own)] or _authority(node, own)),
        *_firewall(cluster, node, own),
        *_password(cluster, node, seen),
        *new_without_name(cluster, seen),
        *of_another_ca(cluster, node, seen),
    )


def _interface(node: Node, own: Facts) -> Iterator[str]:
    link = own.links.get(node.interface)
    if link is None:
        there = ", ".join(sorted(name for name in own.links if name != "lo")) or "none"
        yield f"expected interface {node.interface}, which does not exist; found: {there}"
    elif not link.is_up:
        yield f"interface {node.interface} is down or has no carrier"
    elif node.uses_ipv6 and not own.has_ipv6:
        yield f"IPv6 is disabled on {node.interface} (net.ipv6.conf.{node.interface}.disable_ipv6)"


def _vip(node: Node, own: Facts, seen: Mapping[str, Facts]) -> Iterator[str]:
    """Yield what is wrong with an address for a VIP. One that a node already holds may be outside of the networks."""
    for vip in node.vips:
        if own.holds(vip) and vip.ip not in own.keepalived_conf.assigned:
            yield (
                f"{vip.ip} is already an address of this host, and not set by keepalived; the VIP must "
                "be an unused address"
            )
        if not any(name == node.interface and each.version == vip.version for name, each in own.addresses):
            yield f"{node.interface} has no IPv{vip.version} address, so clients could not reach {vip.ip}"
        # DHCPv6 gives addresses of /128. The network is in the router's advertisements, not in them.
        networks = [each.network for each in _on_interface(node, own) if each.version == vip.version]
        networks = [each for each in networks if each.num_addresses > 1]
        held = any(facts.holds(vip) for facts in seen.values())
        if networks and not (held or any(vip.ip in network for network in networks)):
            yield f"{vip.ip} is outside the networks of {node.interface}: {', '.join(map(str, networks))}"


def _on_interface(node: Node, own: Facts) -> Iterator[IPInterface]:
    """Return the interface's addresses, without the link-local ones that every IPv6 link has."""
    there = (each for name, each in own.addresses if name == node.interface)
    return (each for each in there if not (each.version == 6 and each.is_link_local))


def _claimed(node: Node, own: Facts, seen: Mapping[str, Facts]) -> Iterator[str]:
    """Yield each VIP that another machine has. Our own MACs are known only if every node was looked at."""
    ours = {link.mac for facts in seen.values() for link in facts.links.values()}
    answers = own.heard.answers if own.heard else frozenset()
    for vip in node.vips:
        for mac in sorted({each.mac for each in answers if each.address == vip.ip} - ours):
            yield f"another machine already has {vip.ip}: {mac} answers for it"


def _flood(node: Node, own: Facts) -> Iterator[str]:
    """Yield an obstacle if too much was heard to be read: another router with the same VRID may be missing."""
    if own.heard and own.heard.excess:
        yield f"too much traffic on {node.interface} to see all routers with its VRID: {own.heard.excess}"


def _ports(node: Node, own: Facts) -> Iterator[str]:
    for address, _, port in (socket.rpartition(":") for socket in node.all_sockets):
        for listener in own.listeners:
            if listener.port == int(port) and listener.process not in {"haproxy", ""} and _meet(listener, address):
                yield f"port {port} is used by {listener.process} on {listener.address}"


def _meet(listener: Listener, address: str) -> bool:
    return listener.address in EVERYWHERE or address in EVERYWHERE or listener.address == address


def _room(own: Facts) -> Iterator[str]:
    for each in own.filesystems:
        if each.available < ROOM:
            yield f"{each.mounted_on} has {each.available // 2**10} KiB free"
        elif each.inodes and each.inodes_available < INODES:
            yield f"{each.mounted_on} has {each.inodes_available} inodes free"
    for folder in sorted(NEEDED.intersection(own.read_only)):
        yield f"{folder} is not writable"


def _clock(own: Facts) -> Iterator[str]:
    least, most = own.clock.ahead
    if least > CLOCK_SECONDS or most < -CLOCK_SECONDS:
        yield f"its clock is {abs(least):.0f} s {'ahead of' if least > 0 else 'behind'} the controller's"


def _authority(node: Node, own: Facts) -> Iterator[str]:
    """Yield an obstacle if the CA is not valid now: haproxy would find no apiserver healthy."""
    spans = validity(node.apiserver_ca or "")
    if spans and not [*_clock(own)] and not any(each.covers(own.clock.now) for each in spans):
        words = " and ".join(each.words(own.clock.now) for each in spans)
        yield f"apiserver_ca {words}: renew the cluster's CA, and put the new one into the inventory"


def _password(cluster: Cluster, node: Node, seen: Mapping[str, Facts]) -> Iterator[str]:
    """Yield an obstacle if the kept password is unknown: the stats page is at the VIP, so all nodes need the same."""
    if node.haproxy.stats.generate_password and len(seen) < len(cluster.nodes) and not [*kept_passwords(cluster, seen)]:
        others = ", ".join(each.name for each in cluster.nodes if each.name not in seen)
        yield f"the stats page's password is only on hosts without facts: {others}"


def _firewall(cluster: Cluster, node: Node, own: Facts) -> Iterator[str]:
    """Yield what the packet filter blocks: nodes that do not hear each other would both hold the VIP."""
    try:
        ruleset = own.ruleset
    except ValueError as error:
        if node.firewall == "open" and KEEPALIVED_CONF not in own.files:
            yield (
                f"cannot parse its packet filter, which may block VRRP: {error}; if it does not, set `firewall: leave`"
            )
        return
    told = own.firewall if node.firewall == "open" else None
    found = [*stopped(openings(cluster, node), ruleset, told)] if ruleset else []
    if found and told is None:
        yield f"its packet filter blocks {'; '.join(found)} (`firewall: leave`)"
    elif found:
        hint = "kube-ha changes only firewalld, ufw and the file of an enabled nftables.service"
        yield (
            f"its packet filter blocks {'; '.join(found)}. {hint}; accept the packets in whatever manages these rules"
        )
