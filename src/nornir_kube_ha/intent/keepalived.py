"""What keepalived.conf should say: section `keepalived` of the inventory."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from nornir_kube_ha.intent.fields import KeepalivedLine, Name, Settings

CHECK_SCRIPT = "/etc/keepalived/kube-ha-check-haproxy"
ADVERT_INTS = {"default": 0.05, "fast": 0.02}
"""Seconds between two adverts, by profile of timers."""
LONGEST_ADVERT_INT = 40
"""Seconds; VRRP's version 3 ends at 40.95."""
FOREMOST = 254
"""The highest priority; 255 is the owner of the address."""
HINDMOST = 1
"""The lowest priority; 0 is a goodbye."""
QUICK = 0.3
"""Seconds between two adverts below which a few that are lost in a row are a matter of a busy moment."""
MANY_MISSES, PROTOCOL_MISSES = 16, 3
"""Lost adverts until a take-over: where adverts are quick, and VRRP's own."""
LONGEST_QUICK = 0.1
"""Seconds between quick adverts at most: who is told that the VIP is free waits half of it, by a priority of 120."""


def _advert_int(given: dict[str, Any]) -> float:
    return ADVERT_INTS[given.get("timers", "default")]


def _down_timer_adverts(given: dict[str, Any]) -> int:
    return MANY_MISSES if given.get("advert_int", 0) < QUICK else PROTOCOL_MISSES


class CheckHAProxy(Settings):
    """The `vrrp_script` that asks the local haproxy whether it lives, and only the local one.

    A script that asked an apiserver through haproxy would fault on every node at once when all apiservers are down,
    and take the VIP away from a cluster that needs it to come back.
    """

    script: KeepalivedLine = CHECK_SCRIPT
    """The command; ours sees in /proc whether haproxy works, and asks its socket before it calls it hung."""
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
    """Who wins an election; 180 for the master, 120 and 60 for two backups, unless given."""
    state: Literal["MASTER", "BACKUP"]
    """State at start, before the first election; BACKUP, and the role's with `preempt`, unless given."""
    vrrp_version: Literal[2, 3] = 3
    """VRRP version; 2 knows whole seconds only."""
    timers: Literal["default", "fast"] = "default"
    """How soon a lost node is noticed: after 0.8 s, or 0.32 s where the network is clean and the hosts are not busy."""
    advert_int: float = Field(default_factory=_advert_int, ge=0.01, le=LONGEST_ADVERT_INT)
    """Seconds between two adverts of the holder; 0.05, or 0.02 with `timers: fast`, unless given."""
    down_timer_adverts: int = Field(default_factory=_down_timer_adverts, ge=1, le=100)
    """Adverts lost in a row after which a backup takes over; 16, or VRRP's own 3 where advert_int is 0.3 or more."""
    unicast: bool = True
    """Adverts to each peer by address; multicast if false."""
    preempt: bool = False
    """Whether a node of higher priority takes the VIP back when it returns, which cuts every connection once more."""
    garp_master_refresh: int = Field(default=60, ge=0, le=86400)
    """Seconds between gratuitous ARPs of the holder, against stale caches after a partition; 0 for never."""
    dont_track_primary: bool = False
    """Ignore a fault of the interface. Leads to two holders when a link fails: leave it off."""
    events: bool = True
    """Whether the end of haproxy moves the VIP at once, and the end of keepalived takes it off (unit drop-ins)."""
    tickle: bool = True
    """Whether clients of the node that had the VIP are told that it has moved; else they wait for their time-outs."""
    yield_when_blind: bool = True
    """Whether a node whose haproxy sees no apiserver lets the VIP go to one whose haproxy serves."""
    check: CheckHAProxy = CheckHAProxy()
    """The `vrrp_script`."""
    global_lines: tuple[KeepalivedLine, ...] = ()
    """Lines of your own in `global_defs`."""
    instance_lines: tuple[KeepalivedLine, ...] = ()
    """Lines of your own in the `vrrp_instance`."""

    @property
    def down_seconds(self) -> float:
        """How long nothing is heard of the holder before a backup takes over."""
        return self.down_timer_adverts * self.advert_int

    @property
    def lengthened_advert_int(self) -> float:
        """Seconds between two adverts where VRRP's own 3 are always counted.

        As long until a take-over, with fewer adverts; where adverts are quick, not so long that a planned move waits.
        """
        interval = self.down_seconds / PROTOCOL_MISSES
        if interval < QUICK:
            interval = max(self.advert_int, min(interval, LONGEST_QUICK))
        smallest, digits = (1, 0) if self.vrrp_version == 2 else (0.01, 2)
        return min(LONGEST_ADVERT_INT, max(smallest, round(interval, digits)))

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
    def _one_notify(self) -> Self:
        if self.tickle and any(line.split()[0] == "notify" for line in self.instance_lines):
            raise ValueError(
                "tickle has a `notify` of its own: use notify_master, notify_backup, notify_fault and notify_stop in "
                "instance_lines, or set tickle: false"
            )
        return self

    @model_validator(mode="after")
    def _nopreempt_starts_as_backup(self) -> Self:
        if not self.preempt and self.state == "MASTER":
            raise ValueError("preempt: false needs state BACKUP on every node; keepalived ignores it on a MASTER")
        return self
