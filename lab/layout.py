"""A lab as a value: its hosts, its VIPs, and the controller's addresses."""

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
    """Return `name` if a lab can have it. It becomes part of paths and of namespaces' names.

    Raises:
        LabRequestError: it is not 1 to 8 of a-z and 0-9
    """
    if not _LAB_NAME.fullmatch(name):
        raise LabRequestError(f"lab name: expected 1 to 8 characters of a-z and 0-9, got {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The real control plane that a host is a member of: etcd and kube-apiserver.

    Arguments:
        cluster: name of the cluster
        endpoint: HOST:PORT that clients use
        etcd: `stacked`, as with kubeadm: each apiserver uses its own etcd only; `listed`: all of them
        version: kube-apiserver's version
    """

    cluster: str
    endpoint: str
    etcd: str
    version: str


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of a lab.

    Arguments:
        name: name in the inventory
        interface: name of its network interface inside
        address: the host's own address, with the network's prefix length
        apiserver_port: kube-apiserver's port; None: the host has none
        suite: code name of its Debian release
        also: further addresses, in the networks of VIPs of the other family
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
        """Refuse values that must not reach a path, a command or a file."""
        if not _HOST_NAME.fullmatch(self.name):
            raise LabRequestError(
                f"lab host {self.name!r}: expected at most 63 letters, digits, '.', '_' and '-' as its name"
            )
        if not _INTERFACE.fullmatch(self.interface) or self.interface == "lo":
            raise LabRequestError(f"lab host {self.name}: {self.interface!r} is not a valid interface name")
        if self.apiserver_port is not None and not 0 < self.apiserver_port < 2**16:
            raise LabRequestError(f"lab host {self.name}: expected a port from 1 to 65535, got {self.apiserver_port}")

    @property
    def addresses(self) -> tuple[IPInterface, ...]:
        """All its addresses."""
        return self.address, *self.also

    @property
    def hostname(self) -> str:
        """Its host name: the inventory's name without the characters that a host name cannot have."""
        labels = (label.strip("-") for label in re.sub(r"[^A-Za-z0-9.]+", "-", self.name).split("."))
        return ".".join(filter(None, labels))


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole lab.

    Arguments:
        name: [a-z0-9]{1,8}; several labs can be up at once
        hosts: the lab's hosts
        vips: addresses that hosts hold in turn, and that no host has as its own
        dns: DNS names of control-plane endpoints, which the apiservers' certificate contains
    """

    name: str
    hosts: tuple[LabHost, ...]
    vips: tuple[IPInterface, ...] = ()
    dns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names, addresses or networks that clash."""
        check_lab_name(self.name)
        if not self.hosts:
            raise LabRequestError(f"lab {self.name} has no hosts")
        _refuse_repeated("host name", (host.name for host in self.hosts))
        _refuse_repeated("address", (*map(str, self._host_addresses()), *map(str, self._vip_addresses())))
        _refuse_overlap(self.networks)

    def _host_addresses(self) -> list[IPAddress]:
        return [address.ip for host in self.hosts for address in host.addresses]

    def _vip_addresses(self) -> set[IPAddress]:
        return {vip.ip for vip in self.vips}  # two clusters of one inventory may have the same VIP

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The hosts' networks, each once, in order of address."""
        return tuple(sorted({each.network for host in self.hosts for each in host.addresses}, key=rank))

    @property
    def control_addresses(self) -> tuple[IPInterface, ...]:
        """The controller's address in each of the hosts' networks: the highest free one.

        Raises:
            LabRequestError: a network is full
        """
        taken = {*self._host_addresses()} | self._vip_addresses()
        return tuple(_highest_free(network, taken) for network in self.networks)

    @property
    def distant_vips(self) -> tuple[IPAddress, ...]:
        """VIPs outside every host's network, but on the same link."""
        return tuple(
            sorted((ip for ip in self._vip_addresses() if not any(ip in net for net in self.networks)), key=rank)
        )

    def host(self, name: str) -> LabHost:
        """Return the host with that name.

        Raises:
            LabRequestError: there is none
        """
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabRequestError(f"lab {self.name} has no host {name!r}; known hosts: {known}")


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise LabRequestError(f"duplicate {what}: {', '.join(repeated)}")


def _refuse_overlap(networks: tuple[IPNetwork, ...]) -> None:
    for lower, upper in pairwise(networks):
        if lower.overlaps(upper):
            raise LabRequestError(
                f"networks {lower} and {upper} overlap; hosts on one link need the same prefix length"
            )


def _highest_free(network: IPNetwork, taken: set[IPAddress]) -> IPInterface:
    edge = 1 if network.prefixlen < network.max_prefixlen - 1 else 0
    for number in range(int(network.broadcast_address) - edge, int(network.network_address) - 1 + edge, -1):
        if (address := type(network.network_address)(number)) not in taken:
            return ip_interface((address, network.prefixlen))
    raise LabRequestError(f"network {network} has no address left for the controller")
