"""The observed state of one host."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.daemons import HAProxyCfg, KeepalivedConf, parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.facts.bootstrap import Bootstrap
from nornir_kube_ha.facts.clients import Clients
from nornir_kube_ha.facts.daemons import ConfigCheck, Server, Unit, VRRPInstance
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.facts.kubernetes.connections import DirectConnections
from nornir_kube_ha.facts.kubernetes.kubeconfigs import Kubeconfig
from nornir_kube_ha.facts.liveness import Liveness
from nornir_kube_ha.facts.loaded import Folder, Obstacle
from nornir_kube_ha.facts.moves import Moves
from nornir_kube_ha.facts.network import Heard, Link, Listener, Reachable
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.firewall.model import NO_FIREWALL, FirewallFact
from nornir_kube_ha.firewall.ruleset import Ruleset, parse_ruleset
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.versions import upstream_version

NO_MOVES = Moves()
NO_BOOTSTRAP = Bootstrap()


class Scope(IntEnum):
    """What a look probes beyond the host's own daemons, files and sockets."""

    OWN = 0
    """Nothing; it does not listen for adverts either."""
    GATE = 1
    """The VIPs; it listens long enough for the cluster's own adverts. Enough to judge the host itself."""
    ALL = 2
    """The VIPs, the other nodes and the apiservers; it also listens for foreign routers."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package on the host.

    Arguments:
        installed: installed version; None if not installed
        candidate: version that would be installed; None if the package is installed or not available
    """

    installed: str | None
    candidate: str | None = None

    @property
    def upstream(self) -> tuple[int, ...]:
        """Upstream version, installed or else candidate; empty if neither is known."""
        return upstream_version(self.installed or self.candidate or "")


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A file system that the daemons write to.

    Arguments:
        mounted_on: mount point
        size: bytes
        available: free bytes
        inodes: total; 0 if the file system does not count inodes
        inodes_available: free inodes
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
        now: at the beginning of the look, in seconds since 1970
        until: at the end of the look, in seconds since 1970
        ahead: lower and upper bound of the offset from the controller's clock, in seconds. The network's round trip
            makes these differ
    """

    now: float
    until: float
    ahead: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Facts:
    """The observed state of one host. None stands for unknown.

    Arguments:
        os: name from os-release
        is_root: the login may change the host
        package_manager: family name, like `apt`; "" if not supported
        packages: by the family's package names; only those asked for
        files: existing managed files, by path
        units: by name; haproxy and keepalived
        has_run_folder: the runtime folder exists through which haproxy's unit signals keepalived
        pending: units that have not read their changed files yet, since an earlier run was interrupted
        judgements: validation of the live configuration, by daemon; only daemons that have one
        addresses: interface name and address of each IPv4 and IPv6 address
        links: network interfaces, by name
        listeners: listening TCP sockets
        packet_filter: nftables' tables with a filter hook, as JSON; None if `nft` is missing
        servers: backend servers in haproxy; None if haproxy did not answer
        worker_started: start of haproxy's current worker, by the host's clock; None if haproxy did not answer
        workers: age in seconds of each haproxy worker process
        vrrp: keepalived's instances; None if keepalived did not answer
        heard: traffic heard on the wire; None if a tool for listening is missing
        reachable: results of the host's probes
        clock: the host's clock
        filesystems: those that the daemons write to
        read_only: folders that the daemons must write to but cannot
        denials: recent SELinux or AppArmor denials of the daemons, from the kernel log
        last_run: id of the run that holds or last held the host's lease; "" for none since boot
        firewall: the manager of the packet filter, and kube-ha's rules in it
        liveness: what keepalived needs for a take-over; None if it does not run or was not seen
        sources: source address of the host's own connections to other nodes and apiservers, by destination
        haproxy_load: haproxy's current and maximum connections; None if haproxy did not answer
        keepalived_silence: why keepalived did not report its state; "" if it did
        has_ipv6: IPv6 is enabled on the interface
        haproxy_silence: why haproxy did not answer; "" if it did
        moves: files of planned moves of the VIP
        bootstrap: whether the host waits for its first apiserver
        watches: whether the kernel remembers other routers that use the cluster's VRIDs
        scope: what the look probed beyond the host itself
        obstacles: reasons why a rename cannot replace a managed file
        folders: folders of managed files, and their parents
        origins: origin of each live configuration file without kube-ha's header, by path
        kept_peers: unicast peers in the keepalived.conf of earlier generations
        clients: the node's knowledge of the VIPs' clients; None if not asked
        listener_servers: servers of each further proxy in haproxy, by the proxy's name
        etcd_servers: hosts in --etcd-servers of the node's own kube-apiserver; empty if it has none
        kubeconfigs: kubeconfigs on the host; None if not asked
        direct_connections: connections to apiservers past haproxy; None if not asked, or not seen
    """

    os: str
    is_root: bool
    package_manager: str
    packages: Mapping[str, Package]
    files: Mapping[str, FileFact]
    units: Mapping[str, Unit]
    has_run_folder: bool
    pending: tuple[str, ...]
    judgements: Mapping[str, ConfigCheck]
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
    listener_servers: Mapping[str, tuple[Server, ...]] = field(default_factory=dict)
    kubeconfigs: tuple[Kubeconfig, ...] | None = None
    direct_connections: DirectConnections | None = None

    def holds(self, vip: IPInterface) -> bool:
        """Return whether the VIP is on one of the host's interfaces, with any prefix length."""
        return any(address.ip == vip.ip for _, address in self.addresses)

    def holds_any(self, vips: Iterable[IPInterface]) -> bool:
        """Return whether any of the VIPs is on one of the host's interfaces, with any prefix length."""
        return any(map(self.holds, vips))

    def vrrp_state(self, instance: str) -> str | None:
        """Return keepalived's state in a `vrrp_instance`; None if it did not answer or has no such instance.

        Arguments:
            instance: name of the `vrrp_instance`
        """
        return next((each.state for each in self.vrrp or () if each.name == instance), None)

    def link_of(self, path: str) -> str:
        """Return the link target of a managed file; "" if it is not a link."""
        return next((each.words for each in self.obstacles if each.kind == "link" and each.path == path), "")

    @property
    def haproxy_cfg(self) -> HAProxyCfg:
        """What the live haproxy.cfg says: nothing if there is none."""
        file = self.files.get(HAPROXY_CFG)
        return parse_haproxy_cfg(file.content) if file else HAProxyCfg()

    @property
    def keepalived_conf(self) -> KeepalivedConf:
        """What the live keepalived.conf says: nothing if there is none."""
        file = self.files.get(KEEPALIVED_CONF)
        return parse_keepalived_conf(file.content) if file else KeepalivedConf()

    @property
    def serves(self) -> bool:
        """Whether haproxy and keepalived both run, so that a change may affect clients."""
        return all(unit.is_active for unit in self.units.values())

    @property
    def ruleset(self) -> Ruleset | None:
        """The parsed nftables ruleset; None if `nft` is missing.

        Raises:
            ValueError: the ruleset is truncated (it was too long), unreadable, or in an unknown JSON format
        """
        if self.packet_filter is None:
            return None
        return parse_ruleset(self.packet_filter) if self.packet_filter else Ruleset(())
