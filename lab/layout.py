"""What a lab consists of, as a value: hosts, virtual addresses, and where the controller sits."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_interface
from itertools import pairwise

from nornir_kube_ha.addresses import IPAddress, IPInterface, IPNetwork, rank
from nornir_kube_ha.lab.errors import LabRequestError

SUITE = "bookworm"
_LAB_NAME = re.compile(r"[a-z0-9]{1,8}")
_HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")  # the kernel's IFNAMSIZ is 16 with its final NUL


def check_lab_name(name: str) -> str:
    """Return `name` if a lab can be called so: it becomes part of paths and of namespaces' names.

    Raises:
        LabRequestError: it is not 1 to 8 of a-z and 0-9
    """
    if not _LAB_NAME.fullmatch(name):
        raise LabRequestError(f"lab name {name!r}: 1 to 8 of a-z and 0-9 are expected")
    return name


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The real control plane that a host is a member of: etcd and kube-apiserver.

    Arguments:
        cluster: its name
        endpoint: HOST:PORT that its clients use
        etcd: `stacked`, as kubeadm does: each apiserver asks its own etcd only; `listed`: all of them
        version: of kube-apiserver
    """

    cluster: str
    endpoint: str
    etcd: str
    version: str


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of a lab.

    Arguments:
        name: its name in the inventory
        interface: what its network interface is called inside
        address: its own address with the network's prefix length
        apiserver_port: where its kube-apiserver listens, or None
        suite: Debian's code name of the release that it is
        also: further addresses of its own: in the networks of virtual ones of the other family
        plane: the control plane that it is a member of; None: its apiserver, if it has one, is a stand-in
    """

    name: str
    interface: str
    address: IPInterface
    apiserver_port: int | None = None
    suite: str = SUITE
    also: tuple[IPInterface, ...] = ()
    plane: ControlPlane | None = None

    def __post_init__(self) -> None:
        """Refuse what must not reach a path, a command or a file."""
        if not _HOST_NAME.fullmatch(self.name):
            raise LabRequestError(f"lab host {self.name!r}: letters, digits, '.', '_' and '-' are expected, 63 at most")
        if not _INTERFACE.fullmatch(self.interface) or self.interface == "lo":
            raise LabRequestError(f"lab host {self.name}: no interface can be called {self.interface!r}")
        if self.apiserver_port is not None and not 0 < self.apiserver_port < 2**16:
            raise LabRequestError(f"lab host {self.name}: port {self.apiserver_port} is not 1 to 65535")

    @property
    def addresses(self) -> tuple[IPInterface, ...]:
        """All its addresses."""
        return self.address, *self.also

    @property
    def hostname(self) -> str:
        """What it calls itself: its name, as far as a host name may hold it."""
        labels = (label.strip("-") for label in re.sub(r"[^A-Za-z0-9.]+", "-", self.name).split("."))
        return ".".join(filter(None, labels))


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole lab.

    Arguments:
        name: the lab's name, [a-z0-9]{1,8}; several labs can be up at once
        hosts: its hosts
        vips: addresses that hosts will hold in turn; nobody else may sit there
    """

    name: str
    hosts: tuple[LabHost, ...]
    vips: tuple[IPInterface, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a layout that cannot be one network: names or addresses that clash."""
        check_lab_name(self.name)
        if not self.hosts:
            raise LabRequestError(f"lab {self.name}: it has no host")
        _refuse_repeated("host name", (host.name for host in self.hosts))
        _refuse_repeated("address", (*map(str, self._host_addresses()), *map(str, self._vip_addresses())))
        _refuse_overlap(self.networks)

    def _host_addresses(self) -> list[IPAddress]:
        return [address.ip for host in self.hosts for address in host.addresses]

    def _vip_addresses(self) -> set[IPAddress]:
        return {vip.ip for vip in self.vips}  # clusters of one inventory may be given with the same VIP twice

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The hosts' networks, each once, in order of address."""
        return tuple(sorted({each.network for host in self.hosts for each in host.addresses}, key=rank))

    @property
    def control_addresses(self) -> tuple[IPInterface, ...]:
        """The controller's own address in each of the hosts' networks: the highest that nobody has.

        Raises:
            LabRequestError: a network is full
        """
        taken = {*self._host_addresses()} | self._vip_addresses()
        return tuple(_highest_free(network, taken) for network in self.networks)

    @property
    def distant_vips(self) -> tuple[IPAddress, ...]:
        """Virtual addresses outside of every host's network: reached on the same link all the same."""
        return tuple(
            sorted((ip for ip in self._vip_addresses() if not any(ip in net for net in self.networks)), key=rank)
        )

    def host(self, name: str) -> LabHost:
        """Return the host of that name.

        Raises:
            LabRequestError: there is none
        """
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabRequestError(f"lab {self.name} has no host {name!r}; it has {known}")


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise LabRequestError(f"{what} given more than once: {', '.join(repeated)}")


def _refuse_overlap(networks: tuple[IPNetwork, ...]) -> None:
    for lower, upper in pairwise(networks):
        if lower.overlaps(upper):
            raise LabRequestError(f"networks {lower} and {upper} overlap: hosts on one link need one prefix length")


def _highest_free(network: IPNetwork, taken: set[IPAddress]) -> IPInterface:
    edge = 1 if network.prefixlen < network.max_prefixlen - 1 else 0
    for number in range(int(network.broadcast_address) - edge, int(network.network_address) - 1 + edge, -1):
        if (address := type(network.network_address)(number)) not in taken:
            return ip_interface((address, network.prefixlen))
    raise LabRequestError(f"network {network} has no free address left for the controller")
