"""What haproxy.cfg should say: section `haproxy` of the inventory."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from nornir_kube_ha.addresses import ANY_ADDRESSES, with_port
from nornir_kube_ha.intent.fields import (
    Address,
    Duration,
    Label,
    Line,
    Mode,
    Name,
    Password,
    Path,
    Port,
    Seconds,
    Settings,
)

UNREADABLE = "a-password-not-read"
"""Stands in for a password that nothing needed to be read for; it is never written to a host."""
ANY_ADDRESS = ANY_ADDRESSES[0]  # the guide's bind address; the VIP moves between hosts


class Timeouts(Settings):
    """`timeout` lines of section `defaults`."""

    connect: Duration = "300ms"
    """To reach an apiserver; then another is tried (`retries`): one without power costs no client its answer."""
    client: Duration = "10m"
    """Idle client: a watch is quiet for minutes, `kubectl exec` and `logs` for longer."""
    server: Duration = "10m"
    """Idle apiserver."""
    check: Duration = "700ms"
    """To answer a health check, once connected."""


class Stats(Settings):
    """The stats page."""

    bind: Address = ANY_ADDRESS
    """Address that the page listens on; `0.0.0.0` for all, of IPv6 too where a VIP is one."""
    port: Port = 10080
    """Port that the page listens on."""
    uri: Path = "/status"
    """Path of the page."""
    refresh: Seconds = "30s"
    """How often a browser loads the page again."""
    realm: Label = "welcome login Haproxy"
    """What the browser's password dialog says."""
    hide_version: bool = True
    """Whether haproxy's version stays off the page."""
    user: Name = "admin"
    """Who may read the page."""
    password: Password
    """The password: text, `env: NAME`, `file: PATH`, `pass: ENTRY` or `prompt: WORDS`. No default."""
    generate_password: bool = False
    """Whether, with no `password`, one is made up by the first deploy and kept on the hosts."""
    admin: bool = False
    """Whether the page may change haproxy: drain, disable and stop servers. Read-only unless asked."""
    log: Line | None = "127.0.0.1 local0 err"
    """The page's own `log` line; none to use `global`'s."""

    @property
    def is_kept_on_hosts(self) -> bool:
        """Whether the hosts know the password and the inventory does not, or was not asked for it."""
        return self.generate_password or self.password.get_secret_value() == UNREADABLE


class HAProxy(Settings):
    """haproxy on a load-balancer node."""

    port: Port = 8443
    """Port of the apiserver listener: what clients have in their URL."""
    bind: Address = ANY_ADDRESS
    """Address of the apiserver listener: all, of IPv6 too where a VIP is one."""
    peers_port: Port = 8444
    """Port on which the nodes' haproxies tell each other who is connected, for `keepalived.tickle`."""
    balance: Literal["leastconn", "roundrobin", "source", "static-rr", "first", "random"] = "leastconn"
    """How a new connection finds its apiserver."""
    tcplog: bool = True
    """Whether each connection is logged with its timers (`option tcplog`)."""
    # With 401 it refuses the question before it looks whether it is ready: one that is not stays in (docs/kubeadm.md).
    check: Literal["readyz", "readyz-or-unauthorized", "tcp"] = "readyz"
    """What makes an apiserver healthy: `/readyz` over TLS answers 200; or 200, 401 or 403; or its port is open."""
    inter: Duration = "1s"
    """Time between two checks of an apiserver."""
    fastinter: Duration = "200ms"
    """The same while it is on its way down or up."""
    fall: int = Field(default=2, ge=1, le=100)
    """Failed checks in a row that take an apiserver out."""
    rise: int = Field(default=2, ge=1, le=100)
    """Good checks in a row that bring it back."""
    last_resort: bool = True
    """Whether, while no apiserver is ready, new connections go to those that are alive; `check: tcp` knows no other."""
    shutdown_sessions: bool = True
    """Whether connections to an apiserver that is dead or hangs are closed, once another is ready for their clients."""
    retries: int = Field(default=3, ge=0, le=100)
    """Further tries, on other apiservers, for a connection that one refuses."""
    log: tuple[Line, ...] = ("/dev/log local0", "/dev/log local1 notice")
    """`log` lines of section `global`."""
    chroot: Path = "/var/lib/haproxy"
    """Where the worker is locked in."""
    socket: Path = "/run/haproxy-admin.sock"
    """The admin socket, through which the state of each apiserver is read."""
    socket_mode: Mode = "660"
    """Mode of the admin socket."""
    socket_level: Literal["user", "operator", "admin"] = "admin"
    """What the admin socket may be used for. `shutdown_sessions`, `drain` and `ready` need all of it."""
    stats_timeout: Duration = "30s"
    """How long the admin socket waits for its client."""
    user: Name = "haproxy"
    """Whom the worker runs as."""
    group: Name = "haproxy"
    """Whose group the worker runs as."""
    daemon: bool = True
    """Whether `daemon` is set; master-worker mode (`-Ws`), which the unit uses, goes before it."""
    nbproc: int | None = Field(default=None, ge=1, le=64)
    """Number of processes; written only for haproxy before 2.5, which dropped it."""
    hard_stop_after: Duration = "30m"
    """When a worker that a reload replaced ends at the latest: long watches keep it that long."""
    timeouts: Timeouts = Timeouts()
    """`timeout` lines of section `defaults`."""
    stats: Stats
    """The stats page."""
    global_lines: tuple[Line, ...] = ()
    """Lines of your own in section `global`."""
    defaults_lines: tuple[Line, ...] = ()
    """Lines of your own in section `defaults`."""
    listener_lines: tuple[Line, ...] = ()
    """Lines of your own in the apiserver listener."""

    @property
    def has_last_resort(self) -> bool:
        """Whether apiservers that are alive are told from those that are ready."""
        return self.last_resort and self.check != "tcp"

    @field_validator("bind")
    @classmethod
    def _bound_to_all(cls, bind: Address) -> Address:
        if bind not in ANY_ADDRESSES:
            raise ValueError(f"must be {ANY_ADDRESS}: a backup could not bind the VIP, and no client asks elsewhere")
        return bind

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port == self.stats.port:
            raise ValueError(f"port {self.port} is the stats page's port too; give one of them another")
        if self.peers_port in {self.port, self.stats.port}:
            raise ValueError(f"peers_port {self.peers_port} is the apiserver listener's or the stats page's port too")
        return self

    @model_validator(mode="after")
    def _may_close_sessions(self) -> Self:
        if self.shutdown_sessions and self.socket_level != "admin":
            raise ValueError(
                f"socket_level {self.socket_level} keeps connections from being closed; make it admin, or "
                "set shutdown_sessions: false"
            )
        return self


class Apiserver(Settings):
    """One kube-apiserver: a `server` line."""

    address: Address
    """Where it listens."""
    name: Name = Field(default_factory=lambda data: str(data.get("address", "")))
    """What haproxy's log and the reports call it; its address unless given."""
    port: Port = 6443
    """Its port."""
    weight: int = Field(default=1, ge=0, le=256)
    """Its share of new connections."""

    def __str__(self) -> str:
        """`10.0.0.1:6443`, `[2001:db8::1]:6443`."""
        return with_port(self.address, self.port)
