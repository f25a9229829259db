"""Observed state of haproxy and keepalived: their units, processes, and own reports."""

from dataclasses import dataclass

from nornir_kube_ha.facts.loaded import NOTHING_KNOWN, Loaded

INSECURE = 6  # keepalived's exit status KEEPALIVED_EXIT_CONFIG_TEST_SECURITY (scheduler.h)
VRRP_STATES = ("INIT", "BACKUP", "MASTER", "FAULT")  # indexed by keepalived's numbers (vrrp.h)


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit. Times are seconds since 1970 by the host's clock, to the second.

    Arguments:
        name: without `.service`
        exists: systemd has loaded the unit file
        active_state: `active`, `failed`, ...
        sub_state: `running`, `dead`, ...
        enabled: starts at boot
        needs_daemon_reload: unit files have changed since systemd last read them
        restarts: automatic restarts by systemd
        started: last time it became active; None if never
        told: last start or reload; None if never
        program: executable of the main process; "" without a process; ends in ` (deleted)` if replaced on disk
        journal: last journal lines; only if the unit is not active
        load_state: `loaded`, `not-found`, `masked`, `bad-setting`, ...
        loaded: the command, and the files and libraries, that the daemon uses
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
        """Whether the daemon runs; it also does while the state is `reloading`."""
        return self.active_state in {"active", "reloading"}

    @property
    def runs_replaced_program(self) -> bool:
        """Whether an upgrade has replaced the executable that still runs."""
        return self.program.endswith(" (deleted)")

    @property
    def renewal(self) -> str:
        """The action that activates an upgraded program or library: `reload` or `restart`; "" if none is pending.

        On a reload haproxy re-executes its program, while keepalived keeps the old process.
        """
        if not (self.is_active and (self.runs_replaced_program or self.loaded.replaced)):
            return ""
        return "reload" if self.name == "haproxy" else "restart"

    def __str__(self) -> str:
        """Return the state as `systemctl status` shows it: `active (running)`."""
        return f"{self.active_state} ({self.sub_state})" if self.exists else "not installed"


@dataclass(frozen=True, slots=True)
class ConfigCheck:
    """A daemon's validation of a configuration: `haproxy -c`, `keepalived --config-test`.

    Arguments:
        daemon: `haproxy` or `keepalived`
        status: exit status
        words: output
    """

    daemon: str
    status: int
    words: str

    @property
    def accepts(self) -> bool:
        """Whether the daemon accepts the whole configuration.

        keepalived may exit 0 on a file that it only partly accepts (keepalived#2069); without errors it prints nothing.
        """
        return self.status == 0 and not (self.daemon == "keepalived" and self.words)

    @property
    def is_merely_insecure(self) -> bool:
        """Whether keepalived would run with the configuration, and only objects to how its scripts are secured."""
        return (self.daemon, self.status) == ("keepalived", INSECURE)


@dataclass(frozen=True, slots=True)
class Server:
    """A backend server as haproxy sees it.

    Arguments:
        name: of the `server` line
        status: `UP`, `DOWN`, `UP 1/2`, `MAINT`, ...
        check: result of the last health check, `L7OK 200`
        is_alive: whether the apiserver is up in the last-resort backend; None without that backend
    """

    name: str
    status: str
    check: str
    is_alive: bool | None = None

    @property
    def is_up(self) -> bool:
        """Whether it gets new connections and has passed a check; a new worker assumes every server to be up."""
        return self.status.startswith("UP") and not self.check.lstrip("* ").startswith("INI")


@dataclass(frozen=True, slots=True)
class VRRPInstance:
    """A `vrrp_instance` as keepalived sees it.

    Arguments:
        name: of the instance
        state: one of `VRRP_STATES`
        priority: effective priority, 1 to 255
    """

    name: str
    state: str
    priority: int
