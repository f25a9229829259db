"""What is: one host, as one look at it found it. Parsing is pure, from the framed text that `facts.sh` prints."""

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterator, Mapping
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
        restarts: how often systemd restarted it by itself since it was started
        main_pid: process id of its main process, 0 if none
        journal: its last lines, if it is not active
    """

    name: str
    exists: bool
    active_state: str
    sub_state: str
    enabled: bool
    restarts: int = 0
    main_pid: int = 0
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
        """Whether new connections go to it."""
        return self.status.startswith("UP")


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
        package_manager: `apt-get`, `dnf`, `yum`, or "" if it has none that is known
        packages: by name, the ones asked for
        files: by path, those managed files that exist
        units: by name, the ones asked for
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


def parse_facts(text: str, nonce: str) -> Facts:
    """Read what `facts.sh` printed.

    Arguments:
        text: its whole output, whatever a login shell printed around it
        nonce: the word that its section lines begin with

    Raises:
        ValueError: the output is cut short or not what the script prints
    """
    try:
        return _facts(_sections(text, nonce))
    except (AttributeError, IndexError, KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _sections(text: str, nonce: str) -> dict[str, str]:
    sections: dict[str, str] = {}
    name = ""
    body: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"@{nonce} "):
            sections[name] = "\n".join(body).strip("\n")
            name, body = line.removeprefix(f"@{nonce} "), []
        else:
            body.append(line)
    if name != "end":
        raise ValueError(f"the output ends in section {name or '(none)'}")
    return sections


def _facts(sections: dict[str, str]) -> Facts:
    named = {name: body for name, body in sections.items() if name.startswith(("file ", "journal "))}
    return Facts(
        os=_os_name(sections["os"]),
        is_root=sections["user"] == "0",
        package_manager=sections["package_manager"].rpartition("/")[2],
        packages=dict(_packages(sections["packages"], sections["candidates"])),
        files={fact.path: fact for fact in _files(named)},
        units={unit.name: unit for unit in _units(sections["units"], named)},
        pending=tuple(sections["pending"].split()),
        addresses=tuple(_addresses(sections["addresses"])),
        listeners=tuple(_listeners(sections["listeners"])),
        servers=_servers(sections["haproxy"]),
        vrrp=_vrrp(sections["keepalived"]),
        vip_answers_ping=sections["ping"] == "answered",
        **{name: _probe(sections[name]) for name in ("readyz", "stats_open", "stats_login") if name in sections},
    )


def _os_name(os_release: str) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', os_release, re.MULTILINE)
    return match[1] if match else "unknown"


def _packages(installed: str, policy: str) -> Iterator[tuple[str, Package]]:
    for line in installed.splitlines():
        name, _, rest = line.partition(" ")
        version, _, status = rest.rpartition(" ")
        if status == "installed":
            yield name, Package(version)
    for name, candidate in re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (.*)$", policy, re.MULTILINE):
        yield name, Package(None, None if candidate == "(none)" else candidate)


def _files(named: dict[str, str]) -> Iterator[FileFact]:
    for name, body in named.items():
        kind, *words = name.split()
        if kind == "file":
            path, mode, owner, group = words
            yield FileFact(path, mode, owner, group, base64.b64decode(body, validate=False))


def _units(shown: str, named: dict[str, str]) -> Iterator[Unit]:
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines())
        name = values["Id"].removesuffix(".service")
        yield Unit(
            name=name,
            exists=values["LoadState"] == "loaded",
            active_state=values["ActiveState"],
            sub_state=values["SubState"],
            enabled=values["UnitFileState"] == "enabled",
            restarts=int(values.get("NRestarts") or 0),
            main_pid=int(values.get("MainPID") or 0),
            journal=tuple(named.get(f"journal {name}", "").splitlines()),
        )


def _addresses(text: str) -> Iterator[tuple[str, IPv4Interface]]:
    for link in json.loads(text):
        for info in link.get("addr_info", ()):
            if info["family"] == "inet":
                yield link["ifname"], IPv4Interface(f"{info['local']}/{info['prefixlen']}")


def _listeners(text: str) -> Iterator[Listener]:
    for line in text.splitlines():
        _state, _received, _sent, local, _peer, *rest = line.split()
        address, _, port = local.rpartition(":")
        process = re.search(r'"([^"]+)"', " ".join(rest))
        yield Listener(address, int(port), process[1] if process else "")


def _servers(text: str) -> tuple[Server, ...] | None:
    if not text:
        return None
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    return tuple(
        Server(row["svname"], row["status"], " ".join(filter(None, (row["check_status"], row["last_chk"]))))
        for row in rows
        if row["pxname"] == "kube-apiserver" and row["svname"] not in {"FRONTEND", "BACKEND"}
    )


def _vrrp(text: str) -> tuple[VRRPInstance, ...] | None:
    if not text:
        return None
    return tuple(
        VRRPInstance(
            instance["data"]["iname"],
            VRRP_STATES[instance["data"]["state"]],
            instance["data"]["effective_priority"],
        )
        for instance in json.loads(text)
    )


def _probe(text: str) -> Probe:
    error, _, status = text.rpartition("status ")
    return Probe(int(status), error.strip())
