"""The settings of one listener, and of one server behind it."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from nornir_kube_ha.addresses import ANY_ADDRESSES, with_port
from nornir_kube_ha.intent.fields import Address, Line, Name, Network, Port, Settings

OWN_NAMES = re.compile(r"admin_stats|kube-apiserver.*|kube-ha.*", re.IGNORECASE)
"""Names of kube-ha's own sections in haproxy.cfg, and names that its scripts read as one of them."""


class Backend(Settings):
    """One server behind a listener: a `server` line."""

    address: Address
    """Address that the server listens on."""
    name: Name = Field(default_factory=lambda data: str(data.get("address", "")))
    """Name in haproxy's log and in reports; the address if not given."""
    port: Port | None = None
    """Port that the server listens on; the listener's own port if not given."""
    weight: int = Field(default=1, ge=0, le=256)
    """Share of new connections, relative to the other servers; 0 sends none."""

    def __str__(self) -> str:
        """Return address and port, `10.0.0.1:443`; the address alone if the port is the listener's."""
        return with_port(self.address, self.port) if self.port else str(self.address)


class Listener(Settings):
    """A port at the VIPs, and the servers behind it."""

    port: Port
    """Port that clients connect to, at each VIP."""
    mode: Literal["tcp", "http"] = "tcp"
    """`tcp` passes the bytes on, TLS included; `http` reads plain HTTP and adds `X-Forwarded-For`."""
    servers: tuple[Backend, ...] = ()
    """The servers; if none are given, the apiservers' addresses, at this listener's port."""
    balance: Literal["leastconn", "roundrobin", "source", "static-rr", "first", "random"] = "leastconn"
    """How haproxy chooses the server for a new connection."""
    check: Literal["tcp", "http", "https", "none"] = "tcp"
    """What makes a server healthy: an open port; HTTP 2xx or 3xx; the same over TLS, not verified; or nothing."""
    check_path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!&()*+,=:@%/?-]{0,200}$")] = "/healthz"
    """Path that the health checks `http` and `https` request."""
    check_port: Port | None = None
    """Port that is checked; the server's own port if not given."""
    send_proxy: Literal["v1", "v2"] | None = None
    """Version of the PROXY protocol header that tells servers the client's address; null sends none."""
    sources: tuple[Network, ...] = ()
    """Networks whose clients may connect; all if none are given. Nodes and VIPs always may, for `verify`."""
    lines: tuple[Line, ...] = ()
    """Your own lines for this listener."""

    @model_validator(mode="after")
    def _each_server_once(self) -> Self:
        names = [each.name for each in self.servers]
        addresses = [with_port(each.address, each.port or self.port) for each in self.servers]
        for what, values in (("name", names), ("address", addresses)):
            if twice := dict.fromkeys(value for value in values if values.count(value) > 1):
                raise ValueError(f"servers lists {what} {', '.join(twice)} more than once")
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if wrong := [str(each.address) for each in self.servers if each.address in ANY_ADDRESSES]:
            raise ValueError(f"servers: expected an address to connect to, got {', '.join(wrong)}")
        return self


class ByName(dict[str, Listener]):
    """Listeners by name. It has a hash, as all settings have, so nothing changes it once it is made."""

    def __hash__(self) -> int:  # type: ignore[override]  # a plain dict has none
        """Return the same number for the same listeners, in any order."""
        return hash(frozenset(self.items()))


def _own_names_left_out(listeners: Mapping[str, Listener]) -> Mapping[str, Listener]:
    for name in listeners:
        if OWN_NAMES.fullmatch(name):
            raise ValueError(f"{name} is a name that kube-ha's own sections of haproxy.cfg have; choose another")
    return listeners


def _each_port_once(listeners: Mapping[str, Listener]) -> Mapping[str, Listener]:
    seen: dict[int, str] = {}
    for name, listener in listeners.items():
        other = seen.setdefault(listener.port, name)
        if other != name:
            raise ValueError(f"{other} and {name} have the same port {listener.port}; change one of them")
    return listeners


Listeners = Annotated[
    Mapping[Name, Listener],
    AfterValidator(_own_names_left_out),
    AfterValidator(_each_port_once),
    AfterValidator(ByName),
]
"""Listeners by name, which becomes the name of a `listen` section."""
