"""What runs on a host, as one look at it found: the files that its haproxy and keepalived load, and its addresses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.daemons.text import MOST_PARSED

TEXT = frozenset({*range(0x20, 0x7F), *range(0x80, 0x100), 0x09, 0x0A, 0x0C, 0x0D})
"""Bytes of a text file."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a daemon loads.

    Arguments:
        path: absolute path on the host
        content: kept out of `repr`, since it may hold a password
    """

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Running:
    """What runs on a host.

    Arguments:
        name: name of the host in the adopted inventory
        haproxy: files that haproxy loads, in this order
        keepalived: files that keepalived loads, those that are included after the one that includes them
        addresses: interface name and address of each IPv4 and IPv6 address
        versions: of the daemons as they print it, by name
        ca: the apiservers' CA in PEM, "" if it cannot be read
        ca_path: where it was read
        server: URL of the apiserver in the kubelet's kubeconfig, "" if it cannot be read
        hostname: the host's own name
        resolved: addresses of each name that a `server` line has, as the host resolves it
    """

    name: str
    haproxy: tuple[SourceFile, ...] = ()
    keepalived: tuple[SourceFile, ...] = ()
    addresses: tuple[tuple[str, IPInterface], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    ca: str = ""
    ca_path: str = ""
    server: str = ""
    hostname: str = ""
    resolved: Mapping[str, tuple[IPAddress, ...]] = field(default_factory=dict)

    def interface_of(self, address: IPAddress) -> str:
        """Return the interface that has an address, "" if none has it."""
        return next((name for name, own in self.addresses if own.ip == address), "")


def unreadable(files: Iterable[SourceFile]) -> str:
    """Return why files cannot be read as a configuration, "" if they can.

    Arguments:
        files: from a host
    """
    for file in files:
        if len(file.content) > MOST_PARSED:
            return f"{file.path} has more than {MOST_PARSED} bytes: too many for a configuration"
        if not TEXT.issuperset(file.content):
            line = next(number for number, text in enumerate(file.content.split(b"\n"), 1) if not TEXT.issuperset(text))
            return f"{file.path} line {line} holds control characters: expected a text file"
    return ""
