"""Section `keepalived` of the inventory: the settings of keepalived.conf."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from nornir_kube_ha.intent.fields import KeepalivedLine, Name, Settings, VRRPPassword

CHECK_SCRIPT = "/etc/keepalived/kube-ha-check-haproxy"
ADVERT_INTS = {"default": 0.05, "fast": 0.02}
"""Seconds between two adverts, by the value of `timers`."""
LONGEST_ADVERT_INT = 40
"""Seconds; VRRPv3 has 12 bits of centiseconds, at most 40.95 s (RFC 5798, 5.2.7)."""
FOREMOST = 254
"""Highest usable priority; 255 means the owner of the address (RFC 5798, 5.2.4)."""
HINDMOST = 1
"""Lowest usable priority; 0 means that the holder gives up the VIP (RFC 5798, 5.2.4)."""
QUICK = 0.3
"""Seconds between two adverts; with shorter intervals a busy moment can lose several in a row."""
MANY_MISSES, PROTOCOL_MISSES = 16, 3
"""Lost adverts until a take-over: with intervals below `QUICK`, and in VRRP itself (RFC 5798, 6.1)."""
LONGEST_QUICK = 0.1
"""Most seconds between quick adverts: after a priority-0 advert, a node of priority 120 waits half of it."""


def _advert_int(given: dict[str, Any]) -> float:
    return ADVERT_INTS[given.get("timers", "default")]


def _down_timer_adverts(given: dict[str, Any]) -> int:
    return MANY_MISSES if given.get("advert_int", 0) < QUICK else PROTOCOL_MISSES


class CheckHAProxy(Settings):
    """The `vrrp_script` that checks the local haproxy process, and nothing behind it.

    A script that asked an apiserver through haproxy would fail on every node when all apiservers are down.
    The cluster would then lose the VIP that it needs to recover.
    """

    script: KeepalivedLine = CHECK_SCRIPT
    """The command; the default one looks in /proc, and asks haproxy's socket before it reports a hang."""
    interval: int = Field(default=1, ge=1, le=3600)
    """Seconds between two runs; keepalived 2.2 and later takes whole seconds only."""
    timeout: int = Field(default=1, ge=1, le=3600)
    """Seconds after which a run has failed."""
    fall: int = Field(default=1, ge=1, le=100)
    """Failed runs in a row until the check fails."""
    rise: int = Field(default=2, ge=1, le=100)
    """Successful runs in a row until the check passes again."""
    weight: int = Field(default=0, ge=-253, le=253)
    """Added to the priority on success if positive, on failure if negative; 0: a failure releases the VIP at once."""


class Keepalived(Settings):
    """keepalived on a load-balancer node."""

    router_id: Name
    """This node's name in keepalived's log and mails; the host's name if not given."""
    priority: int = Field(ge=1, le=254)
    """The highest priority wins an election; 180 for the master, 120 and 60 for two backups, if not given."""
    state: Literal["MASTER", "BACKUP"]
    """State before the first election: BACKUP if not given; with `preempt` MASTER on the master."""
    vrrp_version: Literal[2, 3] = 3
    """VRRP version; version 2 has whole seconds only."""
    timers: Literal["default", "fast"] = "default"
    """How soon a lost node is noticed: `default` 0.8 s; `fast` 0.32 s, for clean networks and idle hosts."""
    advert_int: float = Field(default_factory=_advert_int, ge=0.01, le=LONGEST_ADVERT_INT)
    """Seconds between two adverts of the holder; 0.05, or 0.02 with `timers: fast`, if not given."""
    down_timer_adverts: int = Field(default_factory=_down_timer_adverts, ge=1, le=100)
    """Adverts lost in a row until a backup takes over; 16, or VRRP's 3 if advert_int is 0.3 or more."""
    auth_pass: VRRPPassword | None = None
    """Password of VRRP version 2's authentication, in the forms of `haproxy.stats.password`; version 3 has none."""
    unicast: bool = True
    """Send adverts to each peer's address; multicast if false."""
    preempt: bool = False
    """A node of higher priority takes the VIP back when it returns, which cuts every connection once more."""
    garp_master_refresh: int = Field(default=60, ge=0, le=86400)
    """Seconds between the holder's gratuitous ARPs, against stale caches after a partition; 0 for never."""
    dont_track_primary: bool = False
    """Ignore a fault of the interface. Causes split brain when a link fails: leave it off."""
    events: bool = True
    """Unit drop-ins: when haproxy ends, the VIP moves at once; when keepalived ends, the VIP is removed."""
    tickle: bool = True
    """After a take-over, notify the old holder's clients that the VIP has moved; else they wait for time-outs."""
    yield_when_blind: bool = True
    """A node whose haproxy sees no apiserver releases the VIP to a node whose haproxy serves."""
    check: CheckHAProxy = CheckHAProxy()
    """The `vrrp_script`."""
    global_lines: tuple[KeepalivedLine, ...] = ()
    """Your own lines for `global_defs`."""
    instance_lines: tuple[KeepalivedLine, ...] = ()
    """Your own lines for the `vrrp_instance`."""

    @property
    def down_seconds(self) -> float:
        """Seconds without an advert until a backup takes over."""
        return self.down_timer_adverts * self.advert_int

    @property
    def lengthened_advert_int(self) -> float:
        """Seconds between two adverts for a keepalived that always counts VRRP's 3 lost adverts.

        Keeps `down_seconds` with fewer adverts. Quick adverts stay within `LONGEST_QUICK`, or planned moves would wait.
        """
        interval = self.down_seconds / PROTOCOL_MISSES
        if interval < QUICK:
            interval = max(self.advert_int, min(interval, LONGEST_QUICK))
        smallest, digits = (1, 0) if self.vrrp_version == 2 else (0.01, 2)
        return min(LONGEST_ADVERT_INT, max(smallest, round(interval, digits)))

    @model_validator(mode="after")
    def _version_2_counts_seconds(self) -> Self:
        if self.vrrp_version == 2 and self.advert_int != int(self.advert_int):
            raise ValueError(f"advert_int {self.advert_int} needs vrrp_version 3; version 2 allows whole seconds only")
        return self

    @model_validator(mode="after")
    def _only_version_2_authenticates(self) -> Self:
        if self.auth_pass and self.vrrp_version != 2:
            raise ValueError("auth_pass needs vrrp_version 2: version 3 has no authentication (RFC 5798, 9)")
        return self

    @model_validator(mode="after")
    def _not_strict(self) -> Self:
        if any(line.split()[0] == "vrrp_strict" for line in self.global_lines):
            raise ValueError("remove vrrp_strict: it forbids unicast peers (keepalived#1373)")
        return self

    @model_validator(mode="after")
    def _one_notify(self) -> Self:
        if self.tickle and any(line.split()[0] == "notify" for line in self.instance_lines):
            raise ValueError(
                "tickle uses `notify` itself: use notify_master, notify_backup, notify_fault and "
                "notify_stop in instance_lines, or set tickle: false"
            )
        return self

    @model_validator(mode="after")
    def _nopreempt_starts_as_backup(self) -> Self:
        if not self.preempt and self.state == "MASTER":
            raise ValueError("preempt: false needs state BACKUP on every node; keepalived ignores it on a MASTER")
        return self
