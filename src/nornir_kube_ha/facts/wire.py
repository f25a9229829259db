"""Arguments with which a look listens on the wire, asks for a VIP and lists connections: filters, addresses, ICMPv6.

IPv4 uses ARP, IPv6 neighbour discovery (RFC 4861). In both, each holder answers with its own hardware address, so two
holders are visible. No I/O.
"""

from ipaddress import IPv4Address, IPv6Address

from nornir_kube_ha.addresses import VRRP_GROUPS, IPAddress, bracketed
from nornir_kube_ha.intent import Cluster, Node

SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))  # prefix; the address's last 24 bits follow (RFC 4291, 2.7.1)
SOLICITATION = bytes([135, 0, 0, 0, 0, 0, 0, 0])  # type, code, checksum, reserved (RFC 4861, 4.3)
OWN_HARDWARE_ADDRESS = bytes([1, 1])  # type and length, in units of 8 bytes; the address follows (RFC 4861, 4.6.1)
_VRRP = {
    4: "ip proto 112 and ip[((ip[0] & 0xf) << 2) + 1] = {vrid}",
    6: "ip6 proto 112 and ip6[41] = {vrid}",
}


def heard_filter(cluster: Cluster) -> str:
    """Return the tcpdump filter for adverts with the cluster's VRIDs, and for claims to its VIPs."""
    vrrp = (_VRRP[cluster.vip.version].format(vrid=number) for number in cluster.virtual_router_ids)
    return " or ".join(f"({each})" for each in (*vrrp, *(_claims(vip.ip) for vip in cluster.vips)))


def _claims(vip: IPAddress) -> str:
    if isinstance(vip, IPv4Address):
        return f"arp src host {vip} and (arp[6:2] = 2 or arp[24:4] = arp[14:4])"
    words = (int.from_bytes(vip.packed[start : start + 4]) for start in range(0, 16, 4))
    target = " and ".join(f"ip6[{48 + 4 * number}:4] = {word:#x}" for number, word in enumerate(words))
    return f"ip6 proto 58 and ip6[40] = 136 and {target}"


def group_member(node: Node) -> str:
    """Return the socat address of a socket on the node that joins VRRP's multicast group while it is open."""
    group = VRRP_GROUPS[node.vip.version]
    if group.version == 4:
        return f"UDP4-RECV:0,ip-add-membership={group}:{node.interface}"
    return f"UDP6-RECV:0,ipv6-join-group=[{group}]:{node.interface}"


def solicitation(vip: IPv6Address) -> str:
    """Return a neighbour solicitation for a VIP as `GROUP,MESSAGE`, the message in escapes of printf's %b.

    The caller appends the sender's hardware address: without it, a holder that does not know the sender cannot answer.
    """
    message = SOLICITATION + vip.packed + OWN_HARDWARE_ADDRESS
    group = IPv6Address(SOLICITED_NODE | int(vip) & 0xFFFFFF)
    return f"{group}," + "".join(rf"\0{byte:03o}" for byte in message)


def direct_filter(cluster: Cluster, node: Node) -> str:
    """Return the filter of `ss` for connections to an apiserver's own port that other nodes' haproxy does not make.

    These are the node's own to apiservers elsewhere, and those to its own apiserver from outside the cluster's nodes.
    """
    nodes = "".join(f" and not dst {bracketed(each.address)}" for each in cluster.nodes)
    return " or ".join(
        f"( sport = :{each.port}{nodes} )" if each.address == node.address else f"dst {each}"
        for each in node.apiservers
    )
