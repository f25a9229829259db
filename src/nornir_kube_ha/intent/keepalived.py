"""What keepalived.conf should say: section `keepalived` of the inventory."""

from typing import Literal, Self

from pydantic import Field, model_validator

from nornir_kube_ha.intent.fields import KeepalivedLine, Name, Settings

CHECK_SCRIPT = "/etc/keepalived/kube-ha-check-haproxy"


class CheckHAProxy(Settings):
    """The `vrrp_script` that asks the local haproxy whether it lives, and only the local one.

    A script that asked an apiserver through haproxy would fault on every node at once when all apiservers are down,
    and take the VIP away from a cluster that needs it to come back.
    """

    script: KeepalivedLine = CHECK_SCRIPT
    """The command; ours asks haproxy's own socket, which a hung haproxy does not answer."""
    interval: int = Field(default=1, ge=1, le=3600)
    """Seconds between two runs; keepalived from 2.2 takes whole seconds only."""
    timeout: int = Field(default=1, ge=1, le=3600)
    """Seconds after which a run has failed."""
    fall: int = Field(default=1, ge=1, le=100)
    """Failed runs in a row that mean failure."""
    rise: int = Field(default=2, ge=1, le=100)
    """Good runs in a row that mean recovery."""
    weight: int = Field(default=0, ge=-253, le=253)
    """What a failure does to the priority; 0 is FAULT: the node lets the VIP go at once."""


class Keepalived(Settings):
    """keepalived on a load-balancer node."""

    router_id: Name
    """This node's name in keepalived's log and mails; the host's name unless given."""
    priority: int = Field(ge=1, le=254)
    """Who wins; 120 for the master, 110, 109, ... for the backups, unless given."""
    state: Literal["MASTER", "BACKUP"]
    """State at start, before the first election; the role's, unless given."""
    vrrp_version: Literal[2, 3] = 3
    """VRRP version; 2 knows whole seconds only."""
    advert_int: float = Field(default=0.1, ge=0.01, le=40)
    """Seconds between two adverts of the master."""
    down_timer_adverts: int = Field(default=8, ge=1, le=100)
    """Missed adverts after which a backup takes over; keepalived before 2.2.4 always takes 3."""
    unicast: bool = True
    """Adverts to each peer by address; multicast if false."""
    preempt: bool = True
    """Whether a node of higher priority takes the VIP back when it returns."""
    garp_master_refresh: int = Field(default=60, ge=0, le=86400)
    """Seconds between gratuitous ARPs of the holder, against stale caches after a partition; 0 for never."""
    dont_track_primary: bool = False
    """Ignore a fault of the interface. Leads to two holders when a link fails: leave it off."""
    events: bool = True
    """Whether the end of haproxy moves the VIP at once, and the end of keepalived takes it off (unit drop-ins)."""
    check: CheckHAProxy = CheckHAProxy()
    """The `vrrp_script`."""
    global_lines: tuple[KeepalivedLine, ...] = ()
    """Lines of your own in `global_defs`."""
    instance_lines: tuple[KeepalivedLine, ...] = ()
    """Lines of your own in the `vrrp_instance`."""

    @model_validator(mode="after")
    def _version_2_counts_seconds(self) -> Self:
        if self.vrrp_version == 2 and self.advert_int != int(self.advert_int):
            raise ValueError(f"advert_int {self.advert_int} needs vrrp_version 3; version 2 has whole seconds only")
        return self

    @model_validator(mode="after")
    def _not_strict(self) -> Self:
        if any(line.split()[0] == "vrrp_strict" for line in self.global_lines):
            raise ValueError("leave vrrp_strict out: it forbids unicast peers (keepalived#1373)")
        return self

    @model_validator(mode="after")
    def _nopreempt_starts_as_backup(self) -> Self:
        if not self.preempt and self.state == "MASTER":
            raise ValueError("preempt: false needs state BACKUP on every node; keepalived ignores it on a MASTER")
        return self
