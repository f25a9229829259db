"""What verify takes for well: section `verify` of the inventory."""

from typing import Self

from pydantic import Field, model_validator

from nornir_kube_ha.intent.fields import Settings


class Verify(Settings):
    """Where verify draws its lines."""

    listen: float = Field(default=3.6, ge=0.1, le=30)
    """Seconds that a look listens for other routers where the kernel does not remember them: before the first deploy,
    with IPv6 VIPs, and with `keepalived.events` off. Longer if an advert takes longer. The guide's routers advert every
    3 s."""
    from_controller: bool = True
    """Whether the VIP is asked from here too; false where the controller has no way to the clients' network."""
    certificate_warn_days: int = Field(default=30, ge=0, le=3650)
    """Days left below which an apiserver's certificate is warned of."""
    certificate_fail_days: int = Field(default=7, ge=0, le=3650)
    """Days left below which it fails."""
    clock_difference: float = Field(default=1.0, ge=0.1, le=3600)
    """Seconds between two nodes' clocks; etcd complains from 1 on."""
    disk_free_percent: int = Field(default=5, ge=0, le=99)
    """Share of a file system that must be free, of bytes and of inodes; 1 GiB is always enough."""
    old_workers: int = Field(default=5, ge=1, le=1000)
    """How many workers that a reload replaced may still be there, for the connections that they have."""

    @model_validator(mode="after")
    def _warns_before_it_fails(self) -> Self:
        if self.certificate_warn_days < self.certificate_fail_days:
            raise ValueError("certificate_warn_days must not be below certificate_fail_days")
        return self
