"""One host, as one look at it found it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.facts.bootstrap import Bootstrap
from nornir_kube_ha.facts.clients import Clients
from nornir_kube_ha.facts.daemons import Judgement, Server, Unit, VRRPInstance
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.facts.liveness import Liveness
from nornir_kube_ha.facts.loaded import Folder, Obstacle
from nornir_kube_ha.facts.moves import Moves
from nornir_kube_ha.facts.network import Heard, Link, Listener, Reachable
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.firewall.model import NO_FIREWALL, FirewallFact
from nornir_kube_ha.firewall.ruleset import Ruleset, parse_ruleset
from nornir_kube_ha.versions import upstream_version

NO_MOVES = Moves()
NO_BOOTSTRAP = Bootstrap()


class Scope(IntEnum):
    """Whom a look asks beside the host's own daemons, files and sockets."""

    OWN = 0
    """Nobody, and it listens to nobody."""
    GATE = 1
    """The VIPs, and it listens for as long as the cluster's own adverts take: whether the host is well as it is now."""
    ALL = 2
    """The VIPs, the other nodes and the apiservers, and it listens for other routers."""


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
class Filesystem:
    """A file system that the daemons need.

    Arguments:
        mounted_on: where
        size: bytes
        available: bytes that are free
        inodes: how many it has; 0 if it does not count them
        inodes_available: how many are free
    """

    mounted_on: str
    size: int
    available: int
    inodes: int
    inodes_available: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The host's clock.

    Arguments:
        now: at the look's beginning, in seconds since 1970
        until: at its end
        ahead: how far it is ahead of the controller's, in seconds: at least, and at most. The question's way there and
            the answer's way here make these differ
    """

    now: float
    until: float
    ahead: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Facts:
    """One host, as one look at it found it.

    Arguments:
        os: what its os-release calls it
        is_root: the login may change the host
        package_manager: name of its family, `apt`, or "" if it has none that is known
        packages: by its own names for them, the ones asked for
        files: by path, those managed files that exist
        units: by name, the ones asked for
        has_run_folder: the folder is there in which haproxy's unit and keepalived meet
        pending: units whose files changed without the unit being told yet: an earlier run was cut off there
        judgements: by daemon, what it says of its live configuration; only those that have one
        addresses: interface name and address of each IPv4 and IPv6 address
        links: network interfaces, by name
        listeners: listening TCP sockets
        packet_filter: nftables' tables that stand in a packet's way, in JSON; none if `nft` is missing
        servers: apiservers in haproxy's eyes; none if haproxy did not answer
        worker_started: when the worker that answers was started, by the host's clock; none if none answered
        workers: haproxy's worker processes, each by the seconds since it was started
        vrrp: keepalived's instances; none if keepalived did not answer
        heard: what was said on the wire; none if the host has not what listens
        reachable: what the host gets an answer from
        clock: its clock
        filesystems: those that the daemons need
        read_only: folders that the daemons write to, and cannot
        denials: what SELinux or AppArmor lately kept the daemons from, as the kernel logged it
        last_run: id of the run that has or last had the host's lease, "" for none since it was booted
        firewall: what manages the packet filter, and which of its rules are ours
        liveness: what keepalived needs in order to take over; none if it does not run, or was not seen
        sources: addresses that connections of the host's own to other nodes and apiservers start from, by where to
        haproxy_load: connections that haproxy has and may have at most; none if it did not answer
        keepalived_silence: why keepalived did not tell its state, "" if it did
        has_ipv6: the interface may have addresses of IPv6; false where it is switched off
        haproxy_silence: why haproxy did not answer, "" if it did
        moves: what a planned move of the VIP has left there
        bootstrap: whether it waits for its first apiserver
        watches: whether the kernel remembers other routers that speak the cluster's VRIDs
        scope: who was asked; without, nothing is known of what others say
        obstacles: why files of ours are not ones that a rename simply replaces
        folders: those that our files are in, and the ones above
        origins: by path, where each live configuration file without our header comes from
        kept_peers: unicast peers in the keepalived.conf of earlier generations
        clients: what it knows of the VIPs' clients; none if it was not asked
        etcd_servers: hosts of the etcd members that the node's own kube-apiserver asks; empty if it has none
    """

    os: str
    is_root: bool
    package_manager: str
    packages: Mapping[str, Package]
    files: Mapping[str, FileFact]
    units: Mapping[str, Unit]
    has_run_folder: bool
    pending: tuple[str, ...]
    judgements: Mapping[str, Judgement]
    addresses: tuple[tuple[str, IPInterface], ...]
    links: Mapping[str, Link]
    listeners: tuple[Listener, ...]
    packet_filter: str | None
    servers: tuple[Server, ...] | None
    worker_started: float | None
    workers: tuple[int, ...]
    vrrp: tuple[VRRPInstance, ...] | None
    heard: Heard | None
    reachable: Reachable
    clock: Clock
    filesystems: tuple[Filesystem, ...]
    read_only: tuple[str, ...]
    denials: tuple[str, ...]
    last_run: str = ""
    firewall: FirewallFact = NO_FIREWALL
    watches: bool = False
    scope: Scope = Scope.ALL
    obstacles: tuple[Obstacle, ...] = ()
    folders: tuple[Folder, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    kept_peers: frozenset[IPAddress] = frozenset()
    etcd_servers: tuple[str, ...] = ()
    haproxy_silence: str = ""
    keepalived_silence: str = ""
    has_ipv6: bool = True
    liveness: Liveness | None = None
    sources: Mapping[str, IPAddress] = field(default_factory=dict)
    haproxy_load: tuple[int, int] | None = None
    moves: Moves = NO_MOVES
    bootstrap: Bootstrap = NO_BOOTSTRAP
    clients: Clients | None = None

    def holds(self, vip: IPInterface) -> bool:
        """Whether the address is on one of the host's interfaces.

        Arguments:
            vip: the virtual IP; its prefix length does not matter
        """
        return any(address.ip == vip.ip for _, address in self.addresses)

    def holds_any(self, vips: Iterable[IPInterface]) -> bool:
        """Whether any of some addresses is on one of the host's interfaces.

        Arguments:
            vips: virtual IPs; their prefix lengths do not matter
        """
        return any(map(self.holds, vips))

    def vrrp_state(self, instance: str) -> str | None:
        """Keepalived's state in a `vrrp_instance`; none if it did not answer, or has no such instance.

        Arguments:
            instance: its name
        """
        return next((each.state for each in self.vrrp or () if each.name == instance), None)

    def link_of(self, path: str) -> str:
        """Return what a file of ours leads to, where it is a link; "" where it is none.

        Arguments:
            path: of the file
        """
        return next((each.words for each in self.obstacles if each.kind == "link" and each.path == path), "")

    @property
    def serves(self) -> bool:
        """Whether haproxy and keepalived both run: a change here is a change under load."""
        return all(unit.is_active for unit in self.units.values())

    @property
    def ruleset(self) -> Ruleset | None:
        """What nftables does with packets; none if `nft` is missing.

        Raises:
            ValueError: it cannot be read: cut short, since it is too long, or of an nft that speaks otherwise
        """
        if self.packet_filter is None:
            return None
        return parse_ruleset(self.packet_filter) if self.packet_filter else Ruleset(())
