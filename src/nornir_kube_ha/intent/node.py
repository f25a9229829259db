"""A load-balancer node: all that one host's own files are rendered from."""

import re
from collections import Counter
from typing import Literal

from pydantic import Field, field_validator

from nornir_kube_ha.intent.fields import (
    Address,
    AddressWithPrefix,
    Interface,
    LabName,
    Name,
    Settings,
    VirtualRouterId,
    Word,
)
from nornir_kube_ha.intent.haproxy import ANY_ADDRESS, Apiserver, HAProxy
from nornir_kube_ha.intent.keepalived import Keepalived
from nornir_kube_ha.intent.login import Login
from nornir_kube_ha.intent.packages import Packages
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
    """The virtual IP, with its prefix length."""
    virtual_router_id: VirtualRouterId
    """The VRID, unlike any other on its network; `auto`: the VIP's last eight bits, or the next one that is free."""
    apiservers: tuple[Apiserver, ...] = Field(min_length=1)
    """All kube-apiservers of the cluster."""
    apiserver_ca: str | None = None
    """The apiservers' CA certificate, in PEM; in the inventory a path relative to it."""
    templates: tuple[Template, ...] = ()
    """Templates in place of ours, by their names; in the inventory the path of their folder, relative to it."""
    lab: LabName | None = None
    """The lab that boots this host on this machine; such a host is reached there and nowhere else."""
    lab_suite: Literal["bullseye", "bookworm", "trixie", "dnf"] = "bookworm"
    """The Debian release that the host is in a lab; `dnf` is one whose packages are as on Enterprise Linux."""
    host_keys: Literal["strict", "insecure-accept-any"] = "strict"
    """Whether a host whose SSH key is not known is refused. `insecure-accept-any`: whoever answers is this host."""
    firewall: Literal["open", "leave"] = "open"
    """Whether what VRRP and haproxy need is opened in firewalld, ufw or nftables' file, or all is left as it is."""
    control_plane_endpoint: Word | None = None
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
    def server_name(self) -> str:
        """What clients call the apiservers, and their certificates name: the endpoint's name, or else the VIP."""
        name = (self.control_plane_endpoint or "").rpartition(":")[0]
        return name if re.search(r"[A-Za-z]", name) and ":" not in name else str(self.vip.ip)

    @property
    def endpoint(self) -> str:
        """Where clients find the apiservers: `192.0.2.10:8443`, `k8s.example.org:8443`."""
        return f"{self.server_name}:{self.haproxy.port}"

    @property
    def stats_url(self) -> str:
        """Where the stats page is found from this node: at the VIP, unless it is bound elsewhere."""
        stats = self.haproxy.stats
        return f"http://{self.vip.ip if stats.bind == ANY_ADDRESS else stats.bind}:{stats.port}{stats.uri}"

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
