"""Section `verify` of the inventory: thresholds of verify."""

from typing import Self

from pydantic import Field, model_validator

from nornir_kube_ha.addresses import IPNetwork
from nornir_kube_ha.intent.fields import DirectClient, PathPattern, Settings, network_of


class Verify(Settings):
    """Thresholds of verify."""

    listen: float = Field(default=3.6, ge=0.1, le=30)
    """Seconds to listen for other routers if the kernel does not remember them: before the first deploy, with IPv6
    VIPs, and with `keepalived.events` off. Extended if adverts are further apart. The guide's routers send one every
    3 s."""
    from_controller: bool = True
    """Test the VIP from the controller too; set it to false if the controller cannot reach the clients' network."""
    certificate_warn_days: int = Field(default=30, ge=0, le=3650)
    """Warn if an apiserver's certificate has fewer days left."""
    certificate_fail_days: int = Field(default=7, ge=0, le=3650)
    """Fail if an apiserver's certificate has fewer days left."""
    clock_difference: float = Field(default=1.0, ge=0.1, le=3600)
    """Most seconds between the clocks of two nodes; etcd warns from 1 s."""
    disk_free_percent: int = Field(default=5, ge=0, le=99)
    """Percentage of bytes and of inodes that must be free on a file system; 1 GiB is always enough."""
    old_workers: int = Field(default=5, ge=1, le=1000)
    """Most haproxy workers that reloads replaced and that still serve old connections."""
    kubeconfigs: tuple[PathPattern, ...] = Field(default=(), max_length=20)
    """Paths of further kubeconfigs on the nodes that must name the endpoint; `*` stands for any name."""
    direct_clients: tuple[DirectClient, ...] = Field(default=(), max_length=50)
    """Networks, addresses and process names that may connect to apiservers past haproxy, such as the pods' network."""

    @property
    def direct_networks(self) -> tuple[IPNetwork, ...]:
        """The networks of `direct_clients`."""
        return tuple(network for each in self.direct_clients if (network := network_of(each)))

    @property
    def direct_processes(self) -> frozenset[str]:
        """The names of processes of `direct_clients`."""
        return frozenset(each for each in self.direct_clients if not network_of(each))

    @model_validator(mode="after")
    def _warns_before_it_fails(self) -> Self:
        if self.certificate_warn_days < self.certificate_fail_days:
            raise ValueError("certificate_warn_days must not be below certificate_fail_days")
        return self
