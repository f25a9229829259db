"""What a look finds of the two daemons: their units, their processes, and what they say themselves."""

from dataclasses import dataclass

from nornir_kube_ha.facts.loaded import NOTHING_KNOWN, Loaded

VRRP_STATES = ("INIT", "BACKUP", "MASTER", "FAULT")  # keepalived's numbers, vrrp/vrrp.h


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit. Times are of the host's own clock, in seconds since 1970, to the second.

    Arguments:
        name: without `.service`
        exists: systemd knows it
        active_state: `active`, `failed`, ...
        sub_state: `running`, `dead`, ...
        enabled: it starts at boot
        needs_daemon_reload: its files changed, and systemd has not read them again
        restarts: how often systemd has started it again by itself
        started: when it last became active, none if it never did
        told: when it was last started or reloaded, none if it never was
        program: what its main process runs, "" if it has none; ends in ` (deleted)` where that was replaced
        journal: its last lines, if it is not active
        load_state: `loaded`, `not-found`, `masked`, `bad-setting`, ...
        loaded: what it loads
    """

    name: str
    exists: bool
    active_state: str
    sub_state: str
    enabled: bool
    needs_daemon_reload: bool = False
    restarts: int = 0
    started: float | None = None
    told: float | None = None
    program: str = ""
    journal: tuple[str, ...] = ()
    load_state: str = "loaded"
    loaded: Loaded = NOTHING_KNOWN

    @property
    def is_active(self) -> bool:
        """Whether it runs; it goes on doing so while it reads its files again."""
        return self.active_state in {"active", "reloading"}

    @property
    def runs_replaced_program(self) -> bool:
        """Whether its program is not the one any more that an upgrade has put in its place."""
        return self.program.endswith(" (deleted)")

    @property
    def renewal(self) -> str:
        """What makes it run what an upgrade has put in place: `reload` or `restart`; "" if it does so already.

        haproxy starts its own program anew to read its files again; keepalived reads them by the old one.
        """
        if not (self.is_active and (self.runs_replaced_program or self.loaded.replaced)):
            return ""
        return "reload" if self.name == "haproxy" else "restart"

    def __str__(self) -> str:
        """`active (running)`, as `systemctl status` says."""
        return f"{self.active_state} ({self.sub_state})" if self.exists else "not installed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a daemon says of a configuration: `haproxy -c`, `keepalived --config-test`.

    Arguments:
        daemon: `haproxy` or `keepalived`
        status: its exit status
        words: what it said
    """

    daemon: str
    status: int
    words: str

    @property
    def accepts(self) -> bool:
        """Whether it takes the file.

        A keepalived may exit 0 on a file that it does not take whole (keepalived#2069); on a good one it is silent.
        """
        return self.status == 0 and not (self.daemon == "keepalived" and self.words)


@dataclass(frozen=True, slots=True)
class Server:
    """An apiserver as haproxy sees it.

    Arguments:
        name: of the `server` line
        status: `UP`, `DOWN`, `UP 1/2`, `MAINT`, ...
        check: what its last health check said, `L7OK 200`
        is_alive: whether it answers, ready or not; none if that is not asked
    """

    name: str
    status: str
    check: str
    is_alive: bool | None = None

    @property
    def is_up(self) -> bool:
        """Whether new connections go to it, and a check has said so: a new worker believes in each at first."""
        return self.status.startswith("UP") and not self.check.lstrip("* ").startswith("INI")


@dataclass(frozen=True, slots=True)
class VRRPInstance:
    """A `vrrp_instance` as keepalived sees it.

    Arguments:
        name: of the instance
        state: INIT, BACKUP, MASTER or FAULT
        priority: effective priority, 1 to 255
    """

    name: str
    state: str
    priority: int
