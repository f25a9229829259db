"""The `server` lines that lead to apiservers, and the parameters of their health checks."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.adoption.haproxy_cfg.proxies import Located, Proxy

FLAGS = re.compile(
    r"check|check-ssl|ssl|backup|disabled|enabled|non-stick|no-\S+|force-\S+|send-proxy\S*|check-send-proxy|allow-0rtt|tfo"
)
_ADDRESS = re.compile(r"(?:(?:ipv[46]|tcp[46]?)@)?(\[?)([^@/\[\]]+?)\]?(?::(\d{1,5}))?")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")
EXPRESSED = frozenset(
    {
        *("check", "no-check", "check-ssl", "inter", "fastinter", "fall", "rise", "weight", "verify", "ca-file"),
        *("no-ssl-reuse", "enabled", "port", "resolvers", "init-addr", "resolve-prefer", "on-marked-down"),
    }
)
"""Parameters that the inventory expresses, or that say only what it always does."""


@dataclass(frozen=True, slots=True)
class Server:
    """A `server` line.

    Arguments:
        line: where it stands
        name: of the server
        host: address or name, as written
        port: 0 if none is written
        parameters: by name, with those of `default-server` lines; flags have an empty value
    """

    line: Located
    name: str
    host: str
    port: int
    parameters: Mapping[str, str]

    @property
    def address(self) -> IPAddress | None:
        """The address; None if a name is written."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_checked(self) -> bool:
        """Whether haproxy checks it."""
        return "check" in self.parameters and "no-check" not in self.parameters


def servers_of(proxy: Proxy) -> tuple[Server, ...]:
    """Return the servers of a section. Lines without an address that could be one are left out.

    Arguments:
        proxy: a `listen` or `backend` section
    """
    found = []
    base: dict[str, str] = {}
    for line in proxy.inherited:
        base |= parameters(line.words[1:]) if line.words[0] == "default-server" else {}
    for line in proxy.own:
        if line.words[0] == "default-server":
            base |= parameters(line.words[1:])
        elif line.words[0] == "server" and (match := _ADDRESS.fullmatch(line.word(2))):
            host, port = match[2], match[3]
            if not match[1] and host.count(":") and port is None:  # 2001:db8::1:6443: the last part is the port
                host, _, port = host.rpartition(":")
            number = int(port) if port and port.isdecimal() else 0
            found.append(Server(line, line.word(1), host, number, base | parameters(line.words[3:])))
    return tuple(found)


def parameters(words: Iterable[str]) -> dict[str, str]:
    """Return the parameters of a `server` line by name; a flag has an empty value.

    Arguments:
        words: behind the address
    """
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        found[word] = "" if FLAGS.fullmatch(word) else next(rest, "")
    return found


def names_of(proxies: Iterable[Proxy]) -> tuple[str, ...]:
    """Return the names that `server` lines have instead of addresses, for the host to resolve.

    Arguments:
        proxies: of a host
    """
    servers = (server for proxy in proxies if proxy.kind in {"listen", "backend"} for server in servers_of(proxy))
    return tuple(dict.fromkeys(each.host for each in servers if not each.address and NAME.fullmatch(each.host)))
