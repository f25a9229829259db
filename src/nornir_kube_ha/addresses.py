"""IP addresses of either family: what the code says where it does not care which."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPInterface: TypeAlias = IPv4Interface | IPv6Interface
IPNetwork: TypeAlias = IPv4Network | IPv6Network

ANY_ADDRESSES = (IPv4Address("0.0.0.0"), IPv6Address("::"))  # noqa: S104 - the VIP moves between hosts
"""What a socket is bound to that listens on all addresses."""
VRRP_GROUPS: Mapping[int, IPAddress] = {4: IPv4Address("224.0.0.18"), 6: IPv6Address("ff02::12")}
"""Whom VRRP speaks to where it is multicast, by version of IP (RFC 5798, 5.1)."""


def bracketed(host: IPAddress | str) -> str:
    """An address or a name as it stands in a URL: IPv6 in brackets, since a port would be taken for a part of it.

    Arguments:
        host: the address or name
    """
    return f"[{host}]" if ":" in str(host) else f"{host}"


def with_port(host: IPAddress | str, port: int) -> str:
    """`192.0.2.10:8443`, `[2001:db8::10]:8443`.

    Arguments:
        host: an address or a name
        port: of TCP
    """
    return f"{bracketed(host)}:{port}"


def rank(value: IPAddress | IPNetwork) -> tuple[int, int, int]:
    """What addresses and networks of both families are sorted by: Python's own order knows one family only.

    Arguments:
        value: an address, or a network
    """
    if isinstance(value, IPv4Address | IPv6Address):
        return value.version, int(value), value.max_prefixlen
    return value.version, int(value.network_address), value.prefixlen
