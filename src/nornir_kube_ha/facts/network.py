"""Network state and probe results, as the host itself sees them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nornir_kube_ha.addresses import IPAddress


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening TCP socket.

    Arguments:
        address: local address, as `ss` prints it: `0.0.0.0`, `[::]`, or `*` for all addresses of both families
        port: local port
        process: name of the owning process; "" if unknown
    """

    address: str
    port: int
    process: str


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface.

    Arguments:
        mac: hardware address
        is_up: administratively up, with carrier
    """

    mac: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Advert:
    """A VRRP advertisement that was heard.

    Arguments:
        source: source address
        mac: source hardware address
        virtual_router_id: the VRID
        priority: 0 to 255; 0 releases the VIP; None if only the kernel's set recorded the router
    """

    source: IPAddress
    mac: str
    virtual_router_id: int
    priority: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A claim to an address, solicited or not: an ARP reply, a gratuitous ARP or a neighbour advertisement.

    Arguments:
        address: the claimed IP address
        mac: the claimed hardware address
    """

    address: IPAddress
    mac: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Traffic heard on the wire while the host listened.

    Arguments:
        adverts: VRRP advertisements, including the host's own
        answers: claims to the VIPs by ARP or neighbour discovery
        trouble: why the host could not listen; "" if it could
        excess: how much was heard if that was too much to record, so that messages are missing; else ""
    """

    adverts: frozenset[Advert]
    answers: frozenset[Answer]
    trouble: str = ""
    excess: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether listening worked and nothing was left out."""
        return not self.trouble and not self.excess


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of an HTTP request.

    Arguments:
        status: HTTP status; 0 without a response
        error: why there was no response; "" if there was one
        body: response body, if requested
    """

    status: int
    error: str
    body: str = ""

    @property
    def wants_login(self) -> bool:
        """Whether the response is 401 or 403, as from an apiserver with `--anonymous-auth=false`."""
        return self.status in {401, 403}

    @property
    def kubernetes_version(self) -> str:
        """The version in the body of `/version`, like `v1.30.0`; "" if there is none."""
        found = re.search(r'"gitVersion": *"([^"]{1,60})"', self.body)
        return found[1] if found else ""

    def __str__(self) -> str:
        """Return `HTTP 200`, or why there was no response."""
        return f"HTTP {self.status}" if self.status else self.error or "no answer"


NOT_PROBED = Probe(0, "not probed: curl is not installed")


NO_WAY_TO_CA = frozenset({"2", "7", "18", "19", "20", "21", "22", "24", "29", "30"})
"""OpenSSL's codes (openssl-verification-options(1)) for: issuer missing, bad signature, self-signed, no CA."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that an apiserver presents.

    Arguments:
        verification: OpenSSL's result: `0 (ok)`, `10 (certificate has expired)`; "" if no certificate was seen
        expires: seconds since 1970; None if no certificate was seen
        names: subject alternative names, as OpenSSL prints them: `IP Address:192.0.2.10`
        issuer: the issuer's name as RFC 4514 writes it: `CN=kubernetes`; "" if unknown
    """

    verification: str
    expires: float | None
    names: tuple[str, ...]
    issuer: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether OpenSSL verified it against the inventory's CA, with the certificates that the apiserver presents."""
        return self.verification.startswith("0 ")

    @property
    def is_of_another_ca(self) -> bool:
        """Whether OpenSSL found no way from it to the inventory's CA, whatever else is wrong with it."""
        return self.verification.partition(" ")[0] in NO_WAY_TO_CA


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A cluster's control-plane endpoint, as the controller reaches it.

    Arguments:
        readyz: `/readyz` at the VIP, verified if a CA is given
        version: `/version` at the VIP
        additional: `/readyz` at each additional VIP, by address
        apiservers: `/readyz?verbose` and `/livez` of each apiserver, by name, asked directly with a credential; empty
            without a credential
    """

    readyz: Probe
    version: Probe
    additional: Mapping[str, Probe] = field(default_factory=dict)
    apiservers: Mapping[str, tuple[Probe, Probe]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reachable:
    """Results of the host's probes.

    Arguments:
        ping: whether the VIP answered; None if `ping` is missing
        readyz: `/readyz` through the VIP
        version: `/version` through the VIP
        stats_open: the stats page at the VIP, requested without a password
        stats_login: the node's own stats page, requested with the password
        peers: `/readyz` through each other node's haproxy, by `ADDRESS:PORT`
        certificates: certificate of each apiserver, by `ADDRESS:PORT`; empty if OpenSSL is missing
        silent: additional VIPs that did not answer ping
        additional: `/readyz` through each additional VIP, by address; empty if curl is missing
        listeners: by `VIP:PORT` of a further listener, `open` if a connection stays open, or why it does not
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
    listeners: Mapping[str, str] = field(default_factory=dict)
