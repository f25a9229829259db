"""Set-ups that people have: in unit/adoption/kinds/KIND the roots of hosts, and `all` for what they share."""

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface
from pathlib import Path

from nornir.core import Nornir
from rig.samples import DATA, NONCE

from nornir_kube_ha.adoption import Adoption, Note, Reached, Running, SourceFile
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.daemons import HAProxyCfg, KeepalivedConf, parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.facts import Package, parse_facts
from nornir_kube_ha.files import write_file
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config

INCLUDE = re.compile(r"(?m)^ *include (\S+)$")
KINDS = Path(__file__).parents[1] / "unit/adoption/kinds"


def hosts_of(kind: str, change: Callable[[bytes], bytes] = lambda content: content) -> list[Running]:
    """What runs on the hosts of a kind."""
    root = KINDS / kind
    addresses = [line.split() for line in (root / "addresses").read_text().splitlines()]
    names = (root / "names").read_text().split() if (root / "names").exists() else []
    resolved = {name: (ip_address(address),) for name, address in zip(names[::2], names[1::2], strict=True)}

    def files(host: str, folder: str, first: str) -> tuple[SourceFile, ...]:
        found = {
            f"/{path.relative_to(base)}": change(path.read_bytes())
            for base in (root / "all", root / host)
            for path in sorted((base / folder).rglob("*"))
            if path.is_file()
        }
        return tuple(SourceFile(path, found[path]) for path in sorted(found, key=lambda path: (path != first, path)))

    return [
        Running(
            host,
            files(host, "etc/haproxy", HAPROXY_CFG),
            files(host, "etc/keepalived", KEEPALIVED_CONF),
            tuple((link, ip_interface(address)) for name, link, address in addresses if name == host),
            resolved=resolved,
        )
        for host in dict.fromkeys(name for name, *_ in addresses)
    ]


def ways(hosts: list[Running]) -> dict[str, Reached]:
    """How hosts are reached: by their first address that is not link-local."""
    own = {host.name: [str(each.ip) for _, each in host.addresses if not each.ip.is_link_local] for host in hosts}
    return {name: Reached(addresses[0] if addresses else name, username="root") for name, addresses in own.items()}


@dataclass
class Adopted:
    """An adopted inventory, and what our own loader and templates make of it."""

    adoption: Adoption
    folder: Path

    @property
    def notes(self) -> Mapping[str, tuple[Note, ...]]:
        return self.adoption.notes

    def said(self, host: str) -> str:
        return "\n".join(map(str, self.notes[host]))

    @property
    def everything_said(self) -> str:
        return "\n".join(self.said(host) for host in self.notes)

    def write(self) -> None:
        for name, file in self.adoption.files.items():
            write_file(self.folder / name, file.text, 0o600 if file.is_secret else None)

    def intent(self) -> Intent:
        self.write()
        return load_intent(open_inventory(self.folder))

    def rendered(self) -> dict[str, dict[str, bytes]]:
        """The files of each host, by path."""
        return rendered(self.intent(), open_inventory(self.folder))


def rendered(intent: Intent, nornir: Nornir, haproxy: str = "2.6.12") -> dict[str, dict[str, bytes]]:
    """The files of each host, by path."""
    packages = {"haproxy": Package(haproxy), "keepalived": Package("2.2.7")}
    bare = replace(parse_facts((DATA / "facts-bare.txt").read_text(encoding="utf-8"), NONCE), packages=packages)
    results = nornir.run(render_config, intent=intent, facts=dict.fromkeys(nornir.inventory.hosts, bare))
    results.raise_on_error()
    return {host: {file.path: file.data for file in multi[0].result} for host, multi in results.items()}


def meaning(haproxy: Iterable[bytes], keepalived: bytes, apiserver_port: int = 6443) -> set[tuple[str, str]]:
    """What files say to clients and peers: ports, apiservers, and of each VRID its VIPs, priority and dialect.

    Arguments:
        haproxy: contents of the files that haproxy loads
        keepalived: content of keepalived.conf, with its includes in place
        apiserver_port: servers on other ports do not count
    """
    cfgs = [parse_haproxy_cfg(content) for content in haproxy]
    found = {("port", str(port)) for cfg in cfgs for port in cfg.ports}
    found |= {("server", server) for cfg in cfgs for server in servers_of(cfg) if server.endswith(f":{apiserver_port}")}
    return found | {*_election(parse_keepalived_conf(keepalived))}


def with_includes(files: tuple[SourceFile, ...]) -> bytes:
    """A keepalived.conf with the text of other files in the place of each `include` line."""
    others = {file.path: file.content.decode() for file in files[1:]}

    def text_of(match: re.Match[str]) -> str:
        pattern = posixpath.join("/etc/keepalived", match[1])
        found = "".join(others[path] for path in sorted(others) if fnmatch.fnmatch(path, pattern))
        return re.sub(INCLUDE, text_of, found)

    return re.sub(INCLUDE, text_of, files[0].content.decode()).encode()


def servers_of(cfg: HAProxyCfg) -> Iterator[str]:
    """Address and port of each server, as ours are written."""
    for section in cfg.sections:
        for words in section.arguments("server") if section.kind != "peers" else ():
            host, _, port = words[1].removeprefix("ipv6@").rpartition(":")
            yield f"{host.strip('[]')}:{port}"


def _election(conf: KeepalivedConf) -> Iterator[tuple[str, str]]:
    for each in conf.vrrp_instances:
        vrid = each.virtual_router_id
        yield "vrid", vrid
        yield f"priority of {vrid}", each.value("priority") or "100"
        yield f"version of {vrid}", each.spoken_version
        yield f"advert_int of {vrid}", f"{float(each.value('advert_int') or 1):g}"
        yield f"unicast of {vrid}", str(each.is_unicast)
        yield f"authentication of {vrid}", " ".join(each.authentication)[:13]  # 8 characters of the password
        yield from ((f"vip of {vrid}", str(ip_interface(address).ip)) for address in each.addresses)
