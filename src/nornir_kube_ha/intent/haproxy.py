"""Section `haproxy` of the inventory: the settings of haproxy.cfg."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from nornir_kube_ha.addresses import ANY_ADDRESSES, with_port
from nornir_kube_ha.intent.fields import (
    Address,
    HAProxySeconds,
    HAProxyTime,
    Label,
    Line,
    Mode,
    Name,
    Password,
    Path,
    Port,
    Settings,
)
from nornir_kube_ha.intent.listeners.settings import ByName, Listeners
from nornir_kube_ha.intent.names import METRICS_PATH

UNREADABLE = "a-password-not-read"
"""Placeholder for a password that this run does not read; never written to a host."""
ANY_ADDRESS = ANY_ADDRESSES[0]  # as in the guide: a backup cannot bind the VIP


class Timeouts(Settings):
    """The `timeout` lines of section `defaults`."""

    connect: HAProxyTime = "300ms"
    """Time to connect to an apiserver before another is tried (`retries`): a host without power fails no request."""
    client: HAProxyTime = "10m"
    """How long a client may be idle: a watch is quiet for minutes, `kubectl exec` and `logs` for longer."""
    server: HAProxyTime = "10m"
    """How long an apiserver may be idle."""
    check: HAProxyTime = "700ms"
    """Time to answer a health check, once connected."""


class Stats(Settings):
    """The stats page."""

    bind: Address = ANY_ADDRESS
    """Address that the page listens on; `0.0.0.0` is all addresses, including IPv6 if a VIP is IPv6."""
    port: Port = 10080
    """Port that the page listens on."""
    uri: Path = "/status"
    """Path of the page."""
    refresh: HAProxySeconds = "30s"
    """Interval at which a browser reloads the page."""
    realm: Label = "welcome login Haproxy"
    """Text of the browser's password dialog."""
    hide_version: bool = True
    """Hide haproxy's version on the page."""
    user: Name = "admin"
    """User name that opens the page."""
    password: Password
    """The password: text, `env: NAME`, `file: PATH`, `pass: ENTRY` or `prompt: WORDS`. No default."""
    generate_password: bool = False
    """Without a `password`: the first deploy generates one and keeps it on the hosts."""
    admin: bool = False
    """Allow the page to drain, disable and stop servers; read-only if false."""
    log: Line | None = "127.0.0.1 local0 err"
    """The page's own `log` line; null uses those of section `global`."""

    @property
    def is_kept_on_hosts(self) -> bool:
        """Whether the password comes from the hosts: it is generated, or this run did not read it."""
        return self.generate_password or self.password.get_secret_value() == UNREADABLE


class HAProxy(Settings):
    """haproxy on a load-balancer node."""

    port: Port = 8443
    """Port of the apiserver listener, which clients have in their URL."""
    bind: Address = ANY_ADDRESS
    """Address of the apiserver listener: all addresses, including IPv6 if a VIP is IPv6."""
    peers_port: Port = 8444
    """Port on which the nodes' haproxies exchange the table of clients, for `keepalived.tickle`."""
    balance: Literal["leastconn", "roundrobin", "source", "static-rr", "first", "random"] = "leastconn"
    """How haproxy chooses the apiserver for a new connection."""
    tcplog: bool = True
    """Log each connection with its timers (`option tcplog`)."""
    # 401 precedes the readiness check, so `readyz-or-unauthorized` keeps a server that is not ready (docs/kubeadm.md).
    check: Literal["readyz", "readyz-or-unauthorized", "tcp"] = "readyz"
    """What makes an apiserver healthy: `/readyz` over TLS answers 200; or 200, 401 or 403; or its port is open."""
    inter: HAProxyTime = "1s"
    """Time between two health checks of an apiserver."""
    fastinter: HAProxyTime = "200ms"
    """Time between two health checks while an apiserver is going down or coming up."""
    fall: int = Field(default=2, ge=1, le=100)
    """Failed health checks in a row that take an apiserver out."""
    rise: int = Field(default=2, ge=1, le=100)
    """Successful health checks in a row that bring an apiserver back."""
    last_resort: bool = True
    """While no apiserver is ready, send new connections to those that are alive; no effect with `check: tcp`."""
    shutdown_sessions: bool = True
    """Close connections to an apiserver that is dead or hangs, once another one is ready."""
    retries: int = Field(default=3, ge=0, le=100)
    """Further attempts, on other apiservers, after one refuses a connection."""
    log: tuple[Line, ...] = ("/dev/log local0", "/dev/log local1 notice")
    """`log` lines of section `global`."""
    chroot: Path = "/var/lib/haproxy"
    """Directory that the worker is confined to."""
    socket: Path = "/run/haproxy-admin.sock"
    """The admin socket, through which the state of each apiserver is read."""
    socket_mode: Mode = "660"
    """Mode of the admin socket."""
    socket_level: Literal["user", "operator", "admin"] = "admin"
    """Access level of the admin socket; `shutdown_sessions`, `drain` and `ready` need `admin`."""
    stats_timeout: HAProxyTime = "30s"
    """How long a client of the admin socket may be idle."""
    user: Name = "haproxy"
    """User that the worker runs as."""
    group: Name = "haproxy"
    """Group that the worker runs as."""
    daemon: bool = True
    """Write `daemon` to section `global`; the unit's master-worker mode (`-Ws`) takes precedence."""
    nbproc: int | None = Field(default=None, ge=1, le=64)
    """Number of processes; written only for haproxy before 2.5, which removed the option."""
    hard_stop_after: HAProxyTime = "30m"
    """Longest time that a worker replaced by a reload keeps running, for watches that last."""
    timeouts: Timeouts = Timeouts()
    """The `timeout` lines of section `defaults`."""
    stats: Stats
    """The stats page."""
    metrics: bool = True
    """Prometheus metrics at `/metrics` on the stats page's port, with the page's login, where haproxy is built so."""
    global_lines: tuple[Line, ...] = ()
    """Your own lines for section `global`."""
    defaults_lines: tuple[Line, ...] = ()
    """Your own lines for section `defaults`."""
    listener_lines: tuple[Line, ...] = ()
    """Your own lines for the apiserver listener."""
    listeners: Listeners = Field(default_factory=ByName)
    """Further ports at the VIPs, by name: an ingress, RKE2's 9345, a registry."""

    @property
    def has_last_resort(self) -> bool:
        """Whether haproxy.cfg has a last-resort backend."""
        return self.last_resort and self.check != "tcp"

    @field_validator("bind")
    @classmethod
    def _bound_to_all(cls, bind: Address) -> Address:
        if bind not in ANY_ADDRESSES:
            raise ValueError(
                f"must be {ANY_ADDRESS}: a backup could not bind the VIP, and clients use no other address"
            )
        return bind

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port == self.stats.port:
            raise ValueError(f"port {self.port} is also the stats page's port; change one of them")
        if self.peers_port in {self.port, self.stats.port}:
            raise ValueError(
                f"peers_port {self.peers_port} is also the port of the apiserver listener or "
                "the stats page; change one of them"
            )
        return self

    @model_validator(mode="after")
    def _paths_differ(self) -> Self:
        if self.metrics and self.stats.uri == METRICS_PATH:
            raise ValueError(f"stats.uri {METRICS_PATH} is the metrics' path too; change it, or set metrics: false")
        return self

    @model_validator(mode="after")
    def _may_close_sessions(self) -> Self:
        if self.shutdown_sessions and self.socket_level != "admin":
            raise ValueError(
                f"socket_level {self.socket_level} does not allow closing connections; set admin, or "
                "shutdown_sessions: false"
            )
        return self


class Apiserver(Settings):
    """One kube-apiserver: a `server` line."""

    address: Address
    """Address that the apiserver listens on."""
    name: Name = Field(default_factory=lambda data: str(data.get("address", "")))
    """Name in haproxy's log and in reports; the address if not given."""
    port: Port = 6443
    """Port that the apiserver listens on."""
    weight: int = Field(default=1, ge=0, le=256)
    """Share of new connections, relative to the other apiservers."""

    def __str__(self) -> str:
        """Return address and port: `10.0.0.1:6443`, `[2001:db8::1]:6443`."""
        return with_port(self.address, self.port)
