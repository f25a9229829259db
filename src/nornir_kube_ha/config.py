"""The files that make a load-balancer node: their names, owners and contents, and what a change of each asks for."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from nornir_kube_ha.families import UNKNOWN, Family
from nornir_kube_ha.intent import CHECK_SCRIPT, Cluster, Login, Node, Router
from nornir_kube_ha.versions import Features

HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
HAPROXY_CA = "/etc/haproxy/kube-apiserver-ca.crt"
HAPROXY_DROP_IN = "/etc/systemd/system/haproxy.service.d/kube-ha.conf"
KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf"
KEEPALIVED_DROP_IN = "/etc/systemd/system/keepalived.service.d/kube-ha.conf"
TMPFILES = "/etc/tmpfiles.d/kube-ha.conf"
CHECK_APISERVERS = "/etc/keepalived/kube-ha-check-apiservers"
CHECK_VRRP = "/etc/keepalived/kube-ha-check-vrrp"
CLIENTS = "/etc/keepalived/kube-ha-clients"  # tells clients that the VIP has moved
WATCH = "/etc/keepalived/kube-ha-watch.nft"
VRRP_MAC = "01:00:5e:00:00:12"  # of its multicast group in IPv4
UNWATCHED_FILE = "/run/kube-ha-unwatched"  # is there where the kernel cannot remember them
MOST_REMEMBERED = 128  # routers of a VRID
REMEMBERED = 10  # seconds for which the kernel remembers another router after each advert: three of the guide's, of 3 s
CONFIGURATIONS = {"haproxy": HAPROXY_CFG, "keepalived": KEEPALIVED_CONF}
"""The file of ours that each daemon reads."""
MANAGED_PATHS = (
    HAPROXY_CA,
    HAPROXY_CFG,
    HAPROXY_DROP_IN,
    CHECK_APISERVERS,
    CHECK_SCRIPT,
    CHECK_VRRP,
    CLIENTS,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    TMPFILES,
    WATCH,
)

FOLDERS = ("/etc/haproxy", "/etc/keepalived")
"""Folders of files that root's daemons read, or run: nobody else may write to them."""

SCRIPTS = (CHECK_APISERVERS, CHECK_SCRIPT, CHECK_VRRP, CLIENTS)
"""What keepalived runs."""

RUN_FOLDER = "/run/kube-ha"
HAPROXY_DOWN_FILE = f"{RUN_FOLDER}/haproxy-down"
VIP_RELEASED_FILE = f"{RUN_FOLDER}/vip-released"
VIP_WANTED_FILE = f"{RUN_FOLDER}/vip-wanted"
VRRP_DEAF_FILE = f"{RUN_FOLDER}/vrrp-deaf"
CHECKED_FILE = "/run/kube-ha-checked"  # not where keepalived watches for changes: it is written each second
KEEPALIVED_RUN_FOLDER = "keepalived-kube-ha"  # below /run, for keepalived's state; SELinux knows keepalived*
FORWARDS_FILE = "/run/kube-ha-forwards-"  # with a VIP: while a node passes on what comes for the holder before it
KEEPS_FILE = "/run/kube-ha-keeps-"  # with a VIP: while a node that had it keeps its connections
DRAINED_FOLDER = "/run/kube-ha-drained"
WAITS_FILE = "/run/kube-ha-first-apiserver"
SERVED_FILE = "/var/lib/kube-ha/served"
LISTENER = "kube-apiserver"  # haproxy's name of what all apiservers are part of
LAST_RESORT = "kube-apiserver-alive"  # the same apiservers, by whether they are alive
CLIENTS_TABLE = "kube-apiserver-clients"  # haproxy's table of who is connected to a VIP, copied between nodes
VRRP_INSTANCE = "VI-kube-master"  # the guide's name

MOST_COMPARED = 100_000  # bytes
MOST_LINES = 5000  # what a diff takes grows with their square where many are alike
MASK = "********"
# A file on a host may be anybody's, and hold a secret that no inventory knows: what follows these words is one.
_SECRET = re.compile(r"\b(stats\s+auth|insecure-password|auth_pass)(\s+)\S.*")
_SECRET_IN_A_FILE = re.compile(r"\b(password)(\s+)\S.*")  # in a sentence it need not be

Render = Callable[[str, dict[str, Any]], str]
"""Renders the template of that name with these values."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file as it should be on a host.

    Arguments:
        path: where it is
        content: its text; never shown as it is, since it may hold a password
        mode: its permission bits, in octal digits
        owner: the user it belongs to
        group: the group it belongs to
    """

    path: str
    content: str = field(repr=False)
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"

    @property
    def data(self) -> bytes:
        """Its bytes. What was kept on a host need not be text: bytes that are none stand as surrogates in `content`."""
        return self.content.encode(errors="surrogateescape")

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal digits."""
        return sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file as it is on a host.

    Arguments:
        path: where it is
        mode: its permission bits, in octal digits
        owner: the user it belongs to
        group: the group it belongs to
        content: its bytes; never shown as they are
        modified: when its content last changed, by the host's clock, in seconds since 1970
    """

    path: str
    mode: str
    owner: str
    group: str
    content: bytes = field(repr=False)
    modified: int = 0

    def matches(self, wanted: ConfigFile) -> bool:
        """Whether content, mode and owner are as wanted.

        Arguments:
            wanted: the file as it should be
        """
        return self.content == wanted.data and self.attributes == attributes(wanted)

    @property
    def attributes(self) -> str:
        """`0640 root:haproxy`."""
        return attributes(self)


def attributes(file: "ConfigFile | FileFact") -> str:
    """Mode and owner as one text: `0640 root:haproxy`.

    Arguments:
        file: as it is or as it should be
    """
    return f"{file.mode} {file.owner}:{file.group}"


def config_files(
    cluster: Cluster, node: Node, features: Features, render: Render, family: Family = UNKNOWN
) -> tuple[ConfigFile, ...]:
    """Every file of a node.

    Arguments:
        cluster: the node's cluster
        node: the node
        features: what its daemons understand
        render: how a template becomes text
        family: of its packages: what their units lack, the drop-ins add

    Returns:
        The files, sorted by path
    """
    values = {
        "node": node.model_copy(update={"login": Login()}),  # no file's business, whoever wrote the template
        "haproxy": node.haproxy,
        "keepalived": node.keepalived,
        "peers": tuple(peer.model_copy(update={"login": Login()}) for peer in cluster.peers(node)),
        "features": features,
        "haproxy_service_lines": family.haproxy_service,
        "keepalived_service_lines": family.keepalived_service,
        "ca_path": HAPROXY_CA if node.apiserver_ca else None,
        "check_vrrp": CHECK_VRRP if node.keepalived.events else None,
        "checked_file": CHECKED_FILE,
        "vrrp_deaf_file": VRRP_DEAF_FILE,
        "watch": WATCH if _is_watched(node) else None,
        "vrrp_mac": VRRP_MAC,
        "remembered": REMEMBERED,
        "most_remembered": MOST_REMEMBERED,
        "unwatched_file": UNWATCHED_FILE,
        "raw_sockets": "/proc/net/raw6" if node.vip.version == 6 else "/proc/net/raw",
        "keepalived_run_folder": KEEPALIVED_RUN_FOLDER,
        "check_apiservers": CHECK_APISERVERS if _watches_apiservers(node) else None,
        "haproxy_down_file": HAPROXY_DOWN_FILE,
        "run_folder": RUN_FOLDER,
        "listener": LISTENER,
        "last_resort": LAST_RESORT,
        "clients": CLIENTS if node.keepalived.tickle else None,
        "clients_table": CLIENTS_TABLE,
        "routers": tuple(_rendered(cluster, node, router) for router in cluster.routers),
    }
    files = [
        ConfigFile(HAPROXY_CFG, render("haproxy.cfg.j2", values), "0640", "root", node.haproxy.group),
        ConfigFile(KEEPALIVED_CONF, render("keepalived.conf.j2", values), "0600"),
        ConfigFile(CHECK_SCRIPT, render("check-haproxy.j2", values), "0755"),
    ]
    if node.apiserver_ca:
        files.append(ConfigFile(HAPROXY_CA, node.apiserver_ca))
    if _watches_apiservers(node):
        files.append(ConfigFile(CHECK_APISERVERS, render("check-apiservers.j2", values), "0755"))
    if node.keepalived.events:
        files += [
            ConfigFile(HAPROXY_DROP_IN, render("haproxy.service.conf.j2", values)),
            ConfigFile(KEEPALIVED_DROP_IN, render("keepalived.service.conf.j2", values)),
            ConfigFile(CHECK_VRRP, render("check-vrrp.j2", values), "0755"),
            ConfigFile(TMPFILES, render("tmpfiles.conf.j2", values)),
        ]
    if node.keepalived.tickle:
        files.append(ConfigFile(CLIENTS, render("clients.py", values), "0755"))
    if _is_watched(node):
        files.append(ConfigFile(WATCH, render("watch.nft.j2", values)))
    return tuple(sorted(files, key=lambda file: file.path))


def _rendered(cluster: Cluster, node: Node, router: Router) -> dict[str, object]:
    """What a template says of a virtual router on a node."""
    place = cluster.place(node, router).keepalived
    return {
        "vrrp_instance": router.name(VRRP_INSTANCE),
        "virtual_router_id": router.virtual_router_id,
        "state": place.state,
        "priority": place.priority,
        "vips": router.vips,
        "advertised_vips": router.advertised_vips,
        "carried_vips": router.carried_vips,
        "vip_released": router.name("vip_released"),
        "vip_released_file": router.name(VIP_RELEASED_FILE),
        "vip_wanted": router.name("vip_wanted"),
        "vip_wanted_file": router.name(VIP_WANTED_FILE),
    }


def _is_watched(node: Node) -> bool:
    """Whether the kernel remembers other routers.

    IPv6's group is not flooded by switches that snoop MLD, and an address that is only set reports nothing.
    """
    return node.vip.version == 4 and node.keepalived.events


def _watches_apiservers(node: Node) -> bool:
    """Whether keepalived runs a script on what haproxy says of the apiservers."""
    return node.keepalived.yield_when_blind or node.haproxy.shutdown_sessions


def masked(text: str, node: Node) -> str:
    """A text without the secrets of a node, or what looks like one in a daemon's words.

    Arguments:
        text: what may hold them
        node: whose secrets they are
    """
    secrets = (node.haproxy.stats.password, node.login.password, node.login.sudo_password)
    for value in filter(None, (secret.get_secret_value() for secret in secrets if secret)):
        text = text.replace(value, MASK)
    return _SECRET.sub(rf"\1\2{MASK}", text)


def diff(old: FileFact | None, new: ConfigFile, node: Node) -> str:
    """A unified diff of content, mode and owner, without secrets.

    Arguments:
        old: the file as it is, none if there is none
        new: the file as it should be
        node: whose secrets are masked
    """
    before = _lines(_comparable(old.content)) if old else []
    after = _lines(new.data.decode(errors="replace"))
    unified = difflib.unified_diff(before, after, old.path if old else "/dev/null", new.path, lineterm="")
    lines = [_without_secrets(line, node) for line in unified]
    if lines and [_without_secrets(line, node) for line in before] == [_without_secrets(line, node) for line in after]:
        lines.append("(only a secret changes)")
    if not old:
        lines.append(f"+ {new.path}: {attributes(new)}")
    elif old.attributes != attributes(new):
        lines += [f"- {new.path}: {old.attributes}", f"+ {new.path}: {attributes(new)}"]
    return "\n".join(lines)


def _comparable(content: bytes) -> str:
    """A file's text. Of ours none is that long: somebody has put it there who wants to keep us busy."""
    if len(content) > MOST_COMPARED:
        return f"({len(content)} bytes, too many to be compared)"
    if (lines := content.count(b"\n")) > MOST_LINES:
        return f"({lines} lines, too many to be compared)"
    return content.decode(errors="replace")


def _lines(text: str) -> list[str]:
    """Lines as a diff shows them: what ends a line otherwise than by a newline is seen too."""
    *lines, rest = text.replace("\r", "\\r").split("\n")
    return [*lines, rest, "\\ no newline at the end"] if rest else lines


def _without_secrets(line: str, node: Node) -> str:
    return masked(_SECRET_IN_A_FILE.sub(rf"\1\2{MASK}", line), node)
