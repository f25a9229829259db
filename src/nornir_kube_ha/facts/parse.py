"""Parser for the framed output of `facts.sh`. No I/O."""

import base64
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from nornir_kube_ha.facts import parse_daemons as daemons
from nornir_kube_ha.facts import parse_network as network
from nornir_kube_ha.facts.bootstrap import bootstrap
from nornir_kube_ha.facts.clients import parse_clients
from nornir_kube_ha.facts.daemons import Unit
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.facts.kubernetes.connections import parse_direct_connections
from nornir_kube_ha.facts.kubernetes.kubeconfigs import parse_kubeconfigs
from nornir_kube_ha.facts.liveness import parse_liveness
from nornir_kube_ha.facts.loaded import folders, obstacles
from nornir_kube_ha.facts.model import Clock, Facts, Filesystem, Package
from nornir_kube_ha.facts.moves import moves
from nornir_kube_ha.facts.parse_origin import parse_kept_peers, parse_origins
from nornir_kube_ha.firewall.managers import parse_firewall
from nornir_kube_ha.firewall.model import NO_FIREWALL, FirewallFact
from nornir_kube_ha.sections import sections_about, sections_of, whole

LONGEST_REASON = 300  # characters


def parse_facts(text: str, nonce: str) -> Facts:
    """Parse the output of `facts.sh`.

    Arguments:
        text: the whole output; text that a login shell prints around it is ignored
        nonce: word that marks section lines

    Raises:
        ValueError: the output is truncated or malformed
    """
    try:
        return _facts(sections_of(text, nonce))
    except Exception as error:  # malformed output of one host must not end the run for the others
        raise ValueError(f"{type(error).__name__}: {error}") from error


MOST_OF_A_FILE = 1_000_000  # bytes; `files` in facts.sh prints no more
_STAMPED = re.compile(r"(\d{1,12}\.\d{1,9}) (.*)")
MOST_DENIALS = 3  # per daemon


def _units(sections: dict[str, str]) -> dict[str, Unit]:
    units = {unit.name: unit for unit in daemons.units(sections["units"], sections)}
    if units.keys() != {"haproxy", "keepalived"}:
        raise ValueError(f"systemd reported {', '.join(units) or 'no unit'}")
    return units


def _facts(sections: dict[str, str]) -> Facts:
    units = _units(sections)
    clock = Clock(_seconds(sections["clock"]), _seconds(sections["clock_end"]))
    return Facts(
        os=_os_name(sections["os"]),
        is_root=sections["user"] == "0",
        package_manager=sections["package_manager"],
        packages=dict(_packages(sections["packages"], sections["candidates"])),
        files={fact.path: fact for fact in _files(sections)},
        units=units,
        has_run_folder=sections["run_folder"] == "there",
        pending=tuple(sections["pending"].split()),
        judgements={each.daemon: each for each in daemons.judgements(sections)},
        addresses=tuple(network.addresses(sections["addresses"])),
        links=dict(network.links(sections["addresses"])),
        listeners=tuple(network.listeners(sections["listeners"])),
        packet_filter=sections.get("packetfilter"),
        servers=daemons.servers(sections["haproxy"]),
        listener_servers=daemons.other_servers(sections["haproxy"]),
        worker_started=daemons.worker_started(sections["haproxy_info"]),
        workers=tuple(map(whole, sections["haproxy_workers"].split())),
        vrrp=daemons.vrrp(sections["keepalived"]),
        heard=network.heard(sections["heard"], sections.get("watch", "")) if "heard" in sections else None,
        watches=bool(sections.get("watch", "")),
        reachable=network.reachable(sections),
        clock=clock,
        filesystems=tuple(_filesystems(sections["disk"])),
        read_only=tuple(sections["read_only"].split()),
        denials=tuple(_denials(sections["denials"], units)),
        last_run=sections.get("lease", ""),
        firewall=_firewall(sections),
        obstacles=tuple(obstacles(sections.get("obstacles", ""))),
        folders=tuple(folders(sections.get("folders", ""))),
        origins=dict(parse_origins(sections)),
        kept_peers=frozenset(parse_kept_peers(sections.get("kept_peers", ""))),
        etcd_servers=tuple(_hosts_of(sections.get("etcd_servers", ""))),
        haproxy_silence=sections.get("haproxy_silence", "")[:LONGEST_REASON],
        keepalived_silence=sections.get("keepalived_silence", "")[:LONGEST_REASON],
        has_ipv6=sections.get("ipv6_off", "0") == "0",
        liveness=parse_liveness(sections.get("keepalived_processes", ""), sections.get("vrrp_sockets", "")),
        sources=dict(network.sources(sections.get("sources", ""))),
        haproxy_load=daemons.load(sections["haproxy_info"], sections["haproxy"]),
        moves=moves(sections.get("moves", "")),
        bootstrap=bootstrap(sections.get("bootstrap", "")),
        clients=parse_clients(sections.get("clients", "")),
        kubeconfigs=parse_kubeconfigs(sections.get("kubeconfigs")),
        direct_connections=parse_direct_connections(sections.get("direct_clients")),
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"expected a time, got {text}")
    return value


def _hosts_of(urls: str) -> Iterator[str]:
    """Yield the hosts of a comma-separated list of URLs; other items are skipped."""
    for url in urls.strip().split(","):
        if found := re.match(r"https?://(?:\[([0-9A-Fa-f:.]{1,45})\]|([\w.-]{1,253}))(?::|/|$)", url.strip()):
            yield found[1] or found[2]


def _os_name(os_release: str) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', os_release, re.MULTILINE)
    return match[1] if match else "unknown"


def _packages(installed: str, candidates: str) -> Iterator[tuple[str, Package]]:
    yield from ((name, Package(None, version)) for name, version in _versions(candidates))
    yield from ((name, Package(version)) for name, version in _versions(installed))


def _versions(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, version = line.partition(" ")
        if name and version:
            yield name, version


def _files(sections: dict[str, str]) -> Iterator[FileFact]:
    found = [words for words, _ in sections_about("file", sections)]
    sizes = {path: whole(size) for path, *_, size in found}
    contents = dict(_contents(base64.b64decode(sections.get("contents", ""), validate=False), sizes))
    for path, mode, owner, group, modified, _ in found:
        yield FileFact(path, mode, owner, group, _shared(contents[path]), whole(modified))


@lru_cache(maxsize=256)
def _shared(content: bytes) -> bytes:
    """Return one object for equal contents: most files are the same on all hosts of a fleet."""
    return content


def _contents(data: bytes, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file in the output of `head --verbose`.

    Arguments:
        data: the output
        sizes: of each file by path, in order; a file that was replaced meanwhile may have another size

    Raises:
        ValueError: a file is missing
    """
    paths = [*sizes]
    heads = [f"==> {path} <==\n".encode() for path in paths]
    if heads and not data.startswith(heads[0]):
        raise ValueError("the files' contents are missing")
    place = 0
    for path, head, following in zip(paths, heads, [*heads[1:], b""], strict=False):
        place += len(head)
        end = min(place + sizes[path], place + MOST_OF_A_FILE)
        if not following:
            end = len(data)
        elif not data.startswith(b"\n" + following, end):
            end = data.find(b"\n" + following, place)
            if end < 0:
                raise ValueError(f"the content after {path} is missing")
        yield path, data[place:end]
        place = end + 1


def _firewall(sections: dict[str, str]) -> FirewallFact:
    for (manager, *place), live in sections_about("firewall", sections):
        kept, tables = sections.get("firewall_kept", ""), sections.get("firewall_tables", "")
        return parse_firewall(manager, "".join(place), live, kept, tables)
    return NO_FIREWALL


def _denials(text: str, units: Mapping[str, Unit]) -> Iterator[str]:
    """Yield each daemon's last denials since its last start or reload; older ones may be fixed already."""
    stamped = filter(None, map(_STAMPED.match, dict.fromkeys(text.splitlines())))
    lines = sorted((float(each[1]), each[2]) for each in stamped)
    for name, unit in units.items():
        own = [words for when, words in lines if name in words and when >= (unit.told or 0)]
        yield from own[-MOST_DENIALS:]


def _filesystems(text: str) -> Iterator[Filesystem]:
    for line in dict.fromkeys(text.splitlines()[1:]):
        mounted_on, *numbers = line.rsplit(maxsplit=4)
        yield Filesystem(mounted_on, *(0 if number == "-" else whole(number) for number in numbers))
