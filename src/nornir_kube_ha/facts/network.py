"""What a look finds on the network, as the host itself sees it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nornir_kube_ha.addresses import IPAddress


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket.

    Arguments:
        address: local address, as `ss` prints it: `0.0.0.0`, `[::]`, or `*` for all of both families
        port: local port
        process: name of the process that owns it, "" if unknown
    """

    address: str
    port: int
    process: str


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface.

    Arguments:
        mac: its hardware address
        is_up: it is up and has a carrier
    """

    mac: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Advert:
    """A VRRP advertisement that was heard.

    Arguments:
        source: who sent it
        mac: from which hardware address
        virtual_router_id: its VRID
        priority: 0 to 255; 0 gives the VIP away; none where only the kernel has heard it
    """

    source: IPAddress
    mac: str
    virtual_router_id: int
    priority: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of ARP or of IPv6's neighbour discovery by which somebody says that an address is theirs, asked or not.

    Arguments:
        address: whose hardware address it tells
        mac: that one
    """

    address: IPAddress
    mac: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said on the wire while the host listened.

    Arguments:
        adverts: VRRP advertisements, the host's own among them
        answers: who says, asked or not, that an address is theirs
        trouble: why nothing could be heard, "" if it could
        excess: how much was heard where that was too much to tell all of it, "" if it was not: more may have been said
    """

    adverts: frozenset[Advert]
    answers: frozenset[Answer]
    trouble: str = ""
    excess: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether all that was said on the wire is here."""
        return not self.trouble and not self.excess


@dataclass(frozen=True, slots=True)
class Probe:
    """What a client saw at a URL.

    Arguments:
        status: HTTP status, 0 if there was no answer
        error: why there was no answer, "" if there was one
        body: the answer's, where it was asked for
    """

    status: int
    error: str
    body: str = ""

    @property
    def wants_login(self) -> bool:
        """Whether an apiserver answered that it knows no anonymous clients (`--anonymous-auth=false`)."""
        return self.status in {401, 403}

    @property
    def kubernetes_version(self) -> str:
        """The version in the body of `/version`, `v1.30.0`; "" if there is none."""
        found = re.search(r'"gitVersion": *"([^"]{1,60})"', self.body)
        return found[1] if found else ""

    def __str__(self) -> str:
        """`HTTP 200`, or why there is none."""
        return f"HTTP {self.status}" if self.status else self.error or "no answer"


NOT_PROBED = Probe(0, "not probed: curl is not installed")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that an apiserver shows.

    Arguments:
        verification: what OpenSSL says of it: `0 (ok)`, `10 (certificate has expired)`; "" if it was not seen
        expires: seconds since 1970, none if it was not seen
        names: its subject alternative names, as OpenSSL prints them: `IP Address:192.0.2.10`
    """

    verification: str
    expires: float | None
    names: tuple[str, ...]

    @property
    def is_trusted(self) -> bool:
        """Whether OpenSSL takes it, for the VIP, by the CA that it was given."""
        return self.verification.startswith("0 ")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A cluster's endpoint, as the controller reaches it.

    Arguments:
        readyz: `/readyz` at the VIP, verified where a CA is given
        version: `/version` there
        additional: `/readyz` at each additional VIP, by its address
        apiservers: `/readyz?verbose` and `/livez` of each apiserver, by its name, asked directly with a credential;
            empty without one
    """

    readyz: Probe
    version: Probe
    additional: Mapping[str, Probe] = field(default_factory=dict)
    apiservers: Mapping[str, tuple[Probe, Probe]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reachable:
    """What the host gets an answer from.

    Arguments:
        ping: the VIP answered; none if `ping` is missing
        readyz: `/readyz` through the VIP
        version: `/version` through the VIP
        stats_open: the stats page at the VIP, without a password
        stats_login: the node's own stats page, with the password
        peers: `/readyz` through each other node's haproxy, by `ADDRESS:PORT`
        certificates: each apiserver's, by `ADDRESS:PORT`; empty where OpenSSL is missing
        silent: additional VIPs that did not answer ping
        additional: `/readyz` through each additional VIP, by its address; empty where curl is missing
    """

    ping: bool | None
    readyz: Probe
    version: Probe
    stats_open: Probe
    stats_login: Probe
    peers: Mapping[str, Probe]
    certificates: Mapping[str, Certificate]
    silent: tuple[str, ...] = ()
    additional: Mapping[str, Probe] = field(default_factory=dict)
