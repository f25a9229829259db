"""Types and helpers for IP addresses of either family."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPInterface: TypeAlias = IPv4Interface | IPv6Interface
IPNetwork: TypeAlias = IPv4Network | IPv6Network

ANY_ADDRESSES = (IPv4Address("0.0.0.0"), IPv6Address("::"))  # noqa: S104 - the VIP moves between hosts
"""Bind addresses of a socket that listens on all addresses."""
VRRP_GROUPS: Mapping[int, IPAddress] = {4: IPv4Address("224.0.0.18"), 6: IPv6Address("ff02::12")}
"""VRRP's multicast groups, by IP version (RFC 5798, 5.1)."""


def bracketed(host: IPAddress | str) -> str:
    """Return a host as a URL has it, an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]" if ":" in str(host) else f"{host}"


def with_port(host: IPAddress | str, port: int) -> str:
    """Return host and port: `192.0.2.10:8443`, `[2001:db8::10]:8443`."""
    return f"{bracketed(host)}:{port}"


def rank(value: IPAddress | IPNetwork) -> tuple[int, int, int]:
    """Return a sort key for addresses and networks of both families, which `ipaddress` cannot compare."""
    if isinstance(value, IPv4Address | IPv6Address):
        return value.version, int(value), value.max_prefixlen
    return value.version, int(value.network_address), value.prefixlen
