"""A load-balancer node: all that one host's own files are rendered from."""

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
from nornir_kube_ha.intent.login import Login
from nornir_kube_ha.intent.packages import Packages
from nornir_kube_ha.intent.router import VirtualRouter
from nornir_kube_ha.intent.template import Template
from nornir_kube_ha.intent.verify import Verify


class Node(Settings):
    """One load-balancer node: all that its own files are rendered from."""

    name: Name
    """The host's name in the inventory."""
    cluster: Name
    """The cluster that it serves."""
    role: Literal["master", "backup"]
    """The master holds the VIP while all is well."""
    address: Address
    """Its own address, which VRRP is spoken from; the inventory's `hostname` unless given."""
    interface: Interface
    """Where the VIP is put."""
    vip: AddressWithPrefix
    """The virtual IP, with its prefix length: IPv4 or IPv6, as `address`."""
    additional_vips: tuple[AddressWithPrefix, ...] = Field(default=(), max_length=8)
    """Further virtual IPs of either family, with their prefix lengths, eight at most; always where `vip` is."""
    virtual_router_id: VirtualRouterId
    """The VRID, unlike any other on its network; `auto`: the VIP's last eight bits, or the next one that is free."""
    virtual_routers: tuple[VirtualRouter, ...] = Field(default=(), max_length=8)
    """Further virtual routers, eight at most, each with VIPs and a master of its own."""
    apiservers: tuple[Apiserver, ...] = Field(min_length=1)
    """All kube-apiservers of the cluster."""
    apiserver_ca: str | None = None
    """The apiservers' CA certificate, in PEM; in the inventory a path relative to it."""
    kubeconfig: Line | None = None
    """A kubeconfig, for what `failover-test` and `verify` ask the Kubernetes API; a path relative to the inventory."""
    templates: tuple[Template, ...] = ()
    """Templates in place of ours, by their names; in the inventory the path of their folder, relative to it."""
    lab: LabName | None = None
    """The lab that boots this host on this machine; such a host is reached there and nowhere else."""
    lab_suite: Literal["bullseye", "bookworm", "trixie", "dnf"] = "bookworm"
    """The Debian release that the host is in a lab; `dnf` is one whose packages are as on Enterprise Linux."""
    lab_control_plane: Literal["real", "stand-in"] = "stand-in"
    """What the cluster's apiservers are in a lab: etcd and kube-apiserver, or a stand-in."""
    lab_etcd: Literal["stacked", "listed"] = "stacked"
    """Which etcd members a real apiserver asks in a lab: its own, as kubeadm does, or all of them."""
    host_keys: Literal["strict", "insecure-accept-any"] = "strict"
    """Whether a host whose SSH key is not known is refused. `insecure-accept-any`: whoever answers is this host."""
    firewall: Literal["open", "leave"] = "open"
    """Whether what VRRP and haproxy need is opened in firewalld, ufw or nftables' file, or all is left as it is."""
    control_plane_endpoint: HostPort | None = None
    """kubeadm's `controlPlaneEndpoint`, HOST:PORT: its port must be haproxy's."""
    login: Login = Login()
    """What a login needs that is secret."""
    haproxy: HAProxy
    """What haproxy.cfg should say; `stats.password` at least."""
    keepalived: Keepalived
    """What keepalived.conf should say."""
    packages: Packages = Packages()
    """Versions of the daemons' packages."""
    verify: Verify = Verify()
    """What verify takes for well."""

    @property
    def vips(self) -> tuple[IPInterface, ...]:
        """All virtual IPs of all virtual routers, `vip` first."""
        return self.vip, *self.additional_vips, *(vip for router in self.virtual_routers for vip in router.vips)

    @property
    def other_vips(self) -> tuple[IPInterface, ...]:
        """All but `vip`."""
        return self.vips[1:]

    def vips_of(self, version: int) -> tuple[IPInterface, ...]:
        """All virtual IPs of a family.

        Arguments:
            version: of IP
        """
        return tuple(vip for vip in self.vips if vip.version == version)

    @property
    def uses_ipv6(self) -> bool:
        """Whether clients ask by IPv6, too."""
        return any(vip.version == 6 for vip in self.vips)

    @property
    def haproxy_address(self) -> str:
        """Where this node's own haproxy serves, whoever has the VIP: `192.0.2.11:8443`."""
        return with_port(self.address, self.haproxy.port)

    @property
    def peers_address(self) -> str:
        """Where this node's haproxy listens to its peers: `192.0.2.11:8444`."""
        return with_port(self.address, self.haproxy.peers_port)

    @property
    def bind(self) -> str:
        """What the apiserver listener is bound to, in haproxy's words."""
        return self._bind(self.haproxy.bind, self.haproxy.port)

    @property
    def stats_bind(self) -> str:
        """What the stats page is bound to, in haproxy's words."""
        return self._bind(self.haproxy.stats.bind, self.haproxy.stats.port)

    @property
    def peers_bind(self) -> str:
        """What its haproxy's peers connect to, in haproxy's words; any address: at boot its own may come late."""
        return self._bind(ANY_ADDRESSES[self.address.version == 6], self.haproxy.peers_port)

    @property
    def sockets(self) -> tuple[str, ...]:
        """All that haproxy listens on, as `ss` prints it: one that listens on both families has `*` for its address."""
        binds = (self.bind, self.stats_bind, *([self.peers_bind] if self.keepalived.tickle else []))
        return tuple(map(self._socket, binds))

    def _bind(self, address: IPAddress, port: int) -> str:
        both = address in ANY_ADDRESSES and (address.version == 6 or self.uses_ipv6)
        return f"[::]:{port} v4v6" if both else with_port(address, port)

    @staticmethod
    def _socket(bind: str) -> str:
        socket, _, option = bind.partition(" ")
        return f"*{socket.removeprefix('[::]')}" if option else socket

    @property
    def server_name(self) -> str:
        """What clients call the apiservers, and their certificates name: the endpoint's name, or else the VIP."""
        name = (self.control_plane_endpoint or "").rpartition(":")[0]
        return name if re.search(r"[A-Za-z]", name) and ":" not in name else str(self.vip.ip)

    @property
    def endpoint(self) -> str:
        """Where clients find the apiservers: `192.0.2.10:8443`, `[2001:db8::10]:8443`, `k8s.example.org:8443`."""
        return with_port(self.server_name, self.haproxy.port)

    @property
    def server_names(self) -> tuple[str, ...]:
        """All that clients may call the apiservers: the endpoint's name, or else each VIP."""
        addresses = tuple(str(vip.ip) for vip in self.vips)
        return addresses if self.server_name == addresses[0] else (self.server_name,)

    @property
    def stats_url(self) -> str:
        """Where the stats page is found from this node: at the VIP, unless it is bound elsewhere."""
        stats = self.haproxy.stats
        return f"http://{with_port(self.vip.ip if stats.bind in ANY_ADDRESSES else stats.bind, stats.port)}{stats.uri}"

    @model_validator(mode="after")
    def _one_process(self) -> Self:
        if self.keepalived.tickle and (self.haproxy.nbproc or 1) > 1:
            raise ValueError(
                "keepalived.tickle needs one haproxy process, which knows who is connected: leave haproxy.nbproc out, "
                "or set keepalived.tickle: false"
            )
        if self.keepalived.tickle and self.haproxy.socket_level == "user":
            raise ValueError(
                "keepalived.tickle writes haproxy's table of clients, which socket_level user forbids: make it "
                "operator or admin, or set keepalived.tickle: false"
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
