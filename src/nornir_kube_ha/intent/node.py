"""A load-balancer node: all settings that its files are rendered from."""

import re
from collections import Counter
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from nornir_kube_ha.addresses import ANY_ADDRESSES, IPAddress, IPInterface, with_port
from nornir_kube_ha.intent.fields import (
    Address,
    AddressWithPrefix,
    HostPort,
    Interface,
    LabName,
    Line,
    Name,
    Settings,
    VirtualRouterId,
)
from nornir_kube_ha.intent.haproxy import Apiserver, HAProxy
from nornir_kube_ha.intent.keepalived import Keepalived
from nornir_kube_ha.intent.listeners.settings import Backend
from nornir_kube_ha.intent.login import Login
from nornir_kube_ha.intent.packages import Packages
from nornir_kube_ha.intent.router import VirtualRouter
from nornir_kube_ha.intent.template import Template
from nornir_kube_ha.intent.verify import Verify


class Node(Settings):
    """One load-balancer node, as its merged inventory data describe it."""

    name: Name
    """The host's name in the inventory."""
    cluster: Name
    """Name of the cluster; hosts with the same name share the VIP."""
    role: Literal["master", "backup"]
    """The master holds the VIP first; a backup takes over."""
    address: Address
    """The node's own address, which adverts are sent from; the inventory's `hostname` if not given."""
    interface: Interface
    """Where the VIP is put; `auto` finds the interface that has `address`."""
    vip: AddressWithPrefix
    """The VIP with its prefix length, of the same IP family as `address`."""
    additional_vips: tuple[AddressWithPrefix, ...] = Field(default=(), max_length=8)
    """Up to eight more VIPs of either family, with prefix lengths; they always move with `vip`."""
    virtual_router_id: VirtualRouterId
    """The VRID, unique on its network; `auto` takes the VIP's last eight bits, or the next free number."""
    virtual_routers: tuple[VirtualRouter, ...] = Field(default=(), max_length=8)
    """Up to eight more virtual routers, each with its own VIPs and master."""
    apiservers: tuple[Apiserver, ...] = Field(min_length=1)
    """All kube-apiservers of the cluster."""
    apiserver_ca: str | None = None
    """Path of the apiservers' CA certificate in PEM, relative to the inventory."""
    kubeconfig: Line | None = None
    """Path of a kubeconfig, relative to the inventory: the credential of `verify` and `failover-test`."""
    templates: tuple[Template, ...] = ()
    """Path of a folder, relative to the inventory, with templates that replace kube-ha's by name."""
    lab: LabName | None = None
    """The lab that boots this host on the controller; the host is reachable only there."""
    lab_suite: Literal["bullseye", "bookworm", "trixie", "dnf"] = "bookworm"
    """Debian release of the host in a lab; `dnf` has packages as on Enterprise Linux."""
    lab_control_plane: Literal["real", "stand-in"] = "stand-in"
    """The cluster's apiservers in a lab: `real` is etcd and kube-apiserver."""
    lab_etcd: Literal["stacked", "listed"] = "stacked"
    """etcd members that a real apiserver uses in a lab: `stacked` its own, as kubeadm sets it; `listed` all."""
    host_keys: Literal["strict", "insecure-accept-any"] = "strict"
    """`strict` refuses a host whose SSH key is not known; `insecure-accept-any` accepts any host key."""
    firewall: Literal["open", "leave"] = "open"
    """`open` adds rules for VRRP and haproxy to firewalld, ufw or nftables' file; `leave` changes nothing."""
    control_plane_endpoint: HostPort | None = None
    """kubeadm's `controlPlaneEndpoint`, HOST:PORT; its port must be haproxy's."""
    login: Login = Login()
    """Passwords for SSH and sudo."""
    haproxy: HAProxy
    """Settings of haproxy.cfg; `stats.password` or `stats.generate_password` is required."""
    keepalived: Keepalived
    """Settings of keepalived.conf."""
    packages: Packages = Packages()
    """Versions of the daemons' packages."""
    verify: Verify = Verify()
    """Thresholds of verify."""

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """All VIPs of all virtual routers, `vip` first."""
        return self.vip, *self.additional_vips, *(vip for router in self.virtual_routers for vip in router.vips)

    @property
    def other_vips(self) -> tuple[IPInterface, ...]:
        """All VIPs except `vip`."""
        return self.vips[1:]

    def vips_of(self, version: int) -> tuple[IPInterface, ...]:
        """Return all VIPs of an IP family.

        Arguments:
            version: 4 or 6
        """
        return tuple(vip for vip in self.vips if vip.version == version)

    @property
    def uses_ipv6(self) -> bool:
        """Whether any VIP is IPv6."""
        return any(vip.version == 6 for vip in self.vips)

    @property
    def haproxy_address(self) -> str:
        """Address and port of this node's own haproxy, independent of the VIP: `192.0.2.11:8443`."""
        return with_port(self.address, self.haproxy.port)

    @property
    def peers_address(self) -> str:
        """Address and port at which peers reach this node's haproxy: `192.0.2.11:8444`."""
        return with_port(self.address, self.haproxy.peers_port)

    @property
    def bind(self) -> str:
        """Argument of the apiserver listener's `bind` line: `192.0.2.10:8443`, `[::]:8443 v4v6`."""
        return self._bind(self.haproxy.bind, self.haproxy.port)

    @property
    def stats_bind(self) -> str:
        """Argument of the stats page's `bind` line."""
        return self._bind(self.haproxy.stats.bind, self.haproxy.stats.port)

    @property
    def peers_bind(self) -> str:
        """Argument of the peers section's `bind` line; all addresses, since the node's may come up after haproxy."""
        return self._bind(ANY_ADDRESSES[self.address.version == 6], self.haproxy.peers_port)

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets of haproxy's own ports, as `ss` prints them: `*:8443` is a socket of both families."""
        binds = (self.bind, self.stats_bind, *([self.peers_bind] if self.keepalived.tickle else []))
        return tuple(map(self._socket, binds))

    @property
    def listener_binds(self) -> dict[str, str]:
        """Argument of each further listener's `bind` line, by its name."""
        ports = {name: each.port for name, each in self.haproxy.listeners.items()}
        return {name: self._bind(self.haproxy.bind, port) for name, port in ports.items()}

    @property
    def listener_sockets(self) -> dict[str, str]:
        """Socket of each further listener, by its name, as `sockets` has them."""
        return {name: self._socket(bind) for name, bind in self.listener_binds.items()}

    @property
    def all_sockets(self) -> tuple[str, ...]:
        """All sockets that haproxy should listen on, further listeners' among them."""
        return (*self.sockets, *self.listener_sockets.values())

    def places_of(self, listener: str) -> tuple[str, ...]:
        """Return where clients reach a further listener: `192.0.2.10:443`, at each VIP.

        Arguments:
            listener: its name

        Raises:
            KeyError: there is no such listener
        """
        return tuple(with_port(vip.ip, self.haproxy.listeners[listener].port) for vip in self.vips)

    def servers_of(self, listener: str) -> tuple[Backend, ...]:
        """Return the servers of a further listener, each with its port: the apiservers' hosts if it lists none.

        Arguments:
            listener: its name

        Raises:
            KeyError: there is no such listener
        """
        found = self.haproxy.listeners[listener]
        hosts = {each.address: each.name for each in reversed(self.apiservers)}
        own = tuple(Backend(address=host).model_copy(update={"name": name}) for host, name in reversed(hosts.items()))
        return tuple(each.model_copy(update={"port": each.port or found.port}) for each in found.servers or own)

    def _bind(self, address: IPAddress, port: int) -> str:
        both = address in ANY_ADDRESSES and (address.version == 6 or self.uses_ipv6)
        return f"[::]:{port} v4v6" if both else with_port(address, port)

    @staticmethod
    def _socket(bind: str) -> str:
        socket, _, option = bind.partition(" ")
        return f"*{socket.removeprefix('[::]')}" if option else socket

    @property
    def server_name(self) -> str:
        """Name that clients use and certificates must contain: the endpoint's host name, or else the VIP."""
        name = (self.control_plane_endpoint or "").rpartition(":")[0]
        return name if re.search(r"[A-Za-z]", name) and ":" not in name else str(self.vip.ip)

    @property
    def endpoint(self) -> str:
        """The control-plane endpoint: `192.0.2.10:8443`, `[2001:db8::10]:8443`, `k8s.example.org:8443`."""
        return with_port(self.server_name, self.haproxy.port)

    @property
    def server_names(self) -> tuple[str, ...]:
        """All names that clients may use: the endpoint's host name, or else each VIP."""
        addresses = tuple(str(vip.ip) for vip in self.vips)
        return addresses if self.server_name == addresses[0] else (self.server_name,)

    @property
    def stats_url(self) -> str:
        """URL of the stats page: at the VIP, unless the page is bound to one address."""
        stats = self.haproxy.stats
        return f"http://{with_port(self.vip.ip if stats.bind in ANY_ADDRESSES else stats.bind, stats.port)}{stats.uri}"

    @model_validator(mode="after")
    def _one_process(self) -> Self:
        if self.keepalived.tickle and (self.haproxy.nbproc or 1) > 1:
            raise ValueError(
                "keepalived.tickle needs a single haproxy process: remove haproxy.nbproc, or set "
                "keepalived.tickle: false"
            )
        if self.keepalived.tickle and self.haproxy.socket_level == "user":
            raise ValueError(
                "keepalived.tickle writes haproxy's table of clients, which socket_level user does not "
                "allow: set operator or admin, or keepalived.tickle: false"
            )
        return self

    @field_validator("apiservers")
    @classmethod
    def _each_apiserver_once(cls, apiservers: tuple[Apiserver, ...]) -> tuple[Apiserver, ...]:
        for what, values in (
            ("name", [each.name for each in apiservers]),
            ("address", [str(each) for each in apiservers]),
        ):
            if twice := [value for value, count in Counter(values).items() if count > 1]:
                raise ValueError(f"lists {what} {', '.join(twice)} more than once")
        return apiservers
