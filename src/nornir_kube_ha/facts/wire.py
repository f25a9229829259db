"""What a look listens for on the wire, and how it asks there who has a VIP. Pure: words of tcpdump, socat and IPv6.

IPv4 asks by ARP, IPv6 by neighbour discovery (RFC 4861). In both, every holder answers for itself: two are told apart.
"""

from ipaddress import IPv4Address, IPv6Address

from nornir_kube_ha.addresses import VRRP_GROUPS, IPAddress
from nornir_kube_ha.intent import Cluster, Node

SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))  # RFC 4291, 2.7.1: with the address's last 24 bits
SOLICITATION = bytes([135, 0, 0, 0, 0, 0, 0, 0])  # type, code, checksum, reserved
OWN_HARDWARE_ADDRESS = bytes([1, 1])  # an option of one unit of 8 bytes; the address follows
_VRRP = {
    4: "ip proto 112 and ip[((ip[0] & 0xf) << 2) + 1] = {vrid}",
    6: "ip6 proto 112 and ip6[41] = {vrid}",
}


def heard_filter(cluster: Cluster) -> str:
    """What tcpdump listens for: VRRP of the cluster's VRIDs, by its family, and who says to have a VIP.

    Arguments:
        cluster: whose node listens
    """
    vrrp = (_VRRP[cluster.vip.version].format(vrid=number) for number in cluster.virtual_router_ids)
    return " or ".join(f"({each})" for each in (*vrrp, *(_claims(vip.ip) for vip in cluster.vips)))


def _claims(vip: IPAddress) -> str:
    if isinstance(vip, IPv4Address):
        return f"arp src host {vip} and (arp[6:2] = 2 or arp[24:4] = arp[14:4])"
    words = (int.from_bytes(vip.packed[start : start + 4]) for start in range(0, 16, 4))
    target = " and ".join(f"ip6[{48 + 4 * number}:4] = {word:#x}" for number, word in enumerate(words))
    return f"ip6 proto 58 and ip6[40] = 136 and {target}"


def group_member(node: Node) -> str:
    """What socat opens: a socket that joins VRRP's multicast group for as long as it is open.

    Arguments:
        node: who listens
    """
    group = VRRP_GROUPS[node.vip.version]
    if group.version == 4:
        return f"UDP4-RECV:0,ip-add-membership={group}:{node.interface}"
    return f"UDP6-RECV:0,ipv6-join-group=[{group}]:{node.interface}"


def solicitation(vip: IPv6Address) -> str:
    """`GROUP,MESSAGE`: whom to ask for an IPv6 address, and the question as printf's %b writes it.

    The asker's hardware address has to follow, or who does not know it would not answer.

    Arguments:
        vip: which address is asked for
    """
    message = SOLICITATION + vip.packed + OWN_HARDWARE_ADDRESS
    group = IPv6Address(SOLICITED_NODE | int(vip) & 0xFFFFFF)
    return f"{group}," + "".join(rf"\0{byte:03o}" for byte in message)
