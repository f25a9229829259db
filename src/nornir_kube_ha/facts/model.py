"""What is: one host, as one look at it found it. Parsing is pure, from the framed text that `facts.sh` prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface

from nornir_kube_ha.config import FileFact
from nornir_kube_ha.versions import upstream_version

VRRP_STATES = ("INIT", "BACKUP", "MASTER", "FAULT")  # keepalived's numbers, vrrp/vrrp.h


@dataclass(frozen=True, slots=True)
class Package:
    """A package.

    Arguments:
        installed: its version on the host, none if it is not installed
        candidate: the version that would be installed, none if it is installed or not to be had
    """

    installed: str | None
    candidate: str | None = None

    @property
    def upstream(self) -> tuple[int, ...]:
        """Upstream version, installed or to be installed; empty if neither is known."""
        return upstream_version(self.installed or self.candidate or "")


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit.

    Arguments:
        name: without `.service`
        exists: systemd knows it
        active_state: `active`, `failed`, ...
        sub_state: `running`, `dead`, ...
        enabled: it starts at boot
        needs_daemon_reload: its files changed, and systemd has not read them again
        journal: its last lines, if it is not active
    """

    name: str
    exists: bool
    active_state: str
    sub_state: str
    enabled: bool
    needs_daemon_reload: bool = False
    journal: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether it runs."""
        return self.active_state == "active"

    def __str__(self) -> str:
        """`active (running)`, as `systemctl status` says."""
        return f"{self.active_state} ({self.sub_state})" if self.exists else "not installed"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket.

    Arguments:
        address: local address, `*` or `0.0.0.0` for all
        port: local port
        process: name of the process that owns it, "" if unknown
    """

    address: str
    port: int
    process: str


@dataclass(frozen=True, slots=True)
class Server:
    """An apiserver as haproxy sees it.

    Arguments:
        name: of the `server` line
        status: `UP`, `DOWN`, `UP 1/2`, `MAINT`, ...
        check: what its last health check said, `L7OK 200 OK`
    """

    name: str
    status: str
    check: str

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


@dataclass(frozen=True, slots=True)
class Probe:
    """What a client on the host saw at a URL.

    Arguments:
        status: HTTP status, 0 if there was no answer
        error: curl's words, "" if there was an answer
    """

    status: int
    error: str

    def __str__(self) -> str:
        """`HTTP 200`, or why there is none."""
        return f"HTTP {self.status}" if self.status else self.error or "no answer"


NOT_PROBED = Probe(0, "not probed: curl is not installed")


@dataclass(frozen=True, slots=True)
class Facts:
    """One host, as one look at it found it.

    Arguments:
        os: what its os-release calls it
        is_root: the login may change the host
        package_manager: `apt-get`, or "" if it has none that is known
        packages: by name, the ones asked for
        files: by path, those managed files that exist
        units: by name, the ones asked for
        has_run_folder: the folder is there in which haproxy's unit and keepalived meet
        pending: units whose files changed without the unit being told yet: an earlier run was cut off there
        addresses: interface name and address of each IPv4 address
        listeners: listening TCP sockets
        servers: apiservers in haproxy's eyes; none if haproxy did not answer
        vrrp: keepalived's instances; none if keepalived did not answer
        vip_answers_ping: the VIP answered this host's ping
        readyz: `/readyz` through the VIP, seen from this host
        stats_open: the stats page at the VIP, without a password
        stats_login: the same, with its password
    """

    os: str
    is_root: bool
    package_manager: str
    packages: Mapping[str, Package]
    files: Mapping[str, FileFact]
    units: Mapping[str, Unit]
    has_run_folder: bool
    pending: tuple[str, ...]
    addresses: tuple[tuple[str, IPv4Interface], ...]
    listeners: tuple[Listener, ...]
    servers: tuple[Server, ...] | None
    vrrp: tuple[VRRPInstance, ...] | None
    vip_answers_ping: bool
    readyz: Probe = NOT_PROBED
    stats_open: Probe = NOT_PROBED
    stats_login: Probe = NOT_PROBED

    def holds(self, vip: IPv4Interface) -> bool:
        """Whether the address is on one of the host's interfaces.

        Arguments:
            vip: the virtual IP; its prefix length does not matter
        """
        return any(address.ip == vip.ip for _, address in self.addresses)

    @property
    def serves(self) -> bool:
        """Whether haproxy and keepalived both run: a change here is a change under load."""
        return all(unit.is_active for unit in self.units.values())
