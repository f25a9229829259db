"""Defects: how each is made on a real host, which checks must turn red by it, and how it is healed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rig.strangers import STRANGER, stranger

LB = ("lb-1", "lb-2", "lb-3")
CLUSTER = "demo"
VIP = "192.0.2.10/24"

Expected = Mapping[str, tuple[str, ...]]

HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
CHECK_APISERVERS = "/etc/keepalived/kube-ha-check-apiservers"
KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that an apiserver should not have.

    Arguments:
        valid: days from now on
        names_vip: whether it names the VIP
        own_ca: whether another CA signs it
        everywhere: whether all apiservers have it
    """

    valid: int = 365
    names_vip: bool = True
    own_ca: bool = False
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong, for once.

    Arguments:
        name: in words
        host: where it is made, "" if only the inventory differs
        make: sh, as root
        heal: sh, as root
        red: ids of the checks that must turn red, by host and cluster
        inventory: data that differs, by dotted path
        apiserver: another way for the stranger's apiserver to behave, or with `all ` before it, for all of them
        certificate: another one for the stranger's apiserver
    """

    name: str
    host: str
    make: str
    heal: str
    red: Expected
    inventory: Mapping[str, Any] = field(default_factory=dict)
    apiserver: str = ""
    certificate: Certificate | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it shows on its own host only, and touches nothing that other hosts look at."""
        return set(self.red) == {self.host} and not (self.inventory or self in VRRP)


def every(*ids: str) -> dict[str, tuple[str, ...]]:
    """The same checks on each load balancer."""
    return dict.fromkeys(LB, ids)


def edited(path: str, change: str, then: str = "") -> tuple[str, str]:
    """Edit a file by `sed`, and put it back, times included; then do something, both times.

    Not within the second in which its daemon last read it: nobody tells times more finely.
    """
    then = f"; {then}" if then else ""
    change = f"sed -i {change!r} {path} && if cmp -s {path} /root/kept; then exit 1; fi"
    return f"sleep 2; cp -a {path} /root/kept && {change}{then}", f"mv /root/kept {path}{then}"


def _edit(name: str, host: str, path: str, change: str, red: Expected, *, then: str = "") -> Defect:
    return Defect(name, host, *edited(path, change, then), red)


def _without(package: str, red: Expected) -> Defect:
    install = f"DEBIAN_FRONTEND=noninteractive apt-get install -qq -y {package} >/dev/null"
    return Defect(f"{package} removed", "lb-3", f"dpkg --purge --force-depends {package} >/dev/null 2>&1", install, red)


def _nft(name: str, host: str, hook: str, rule: str, red: Expected) -> Defect:
    ruleset = f"table inet seeded {{ chain seeded {{ type filter hook {hook} priority 0; {rule}; }}; }}"
    return Defect(name, host, f"nft '{ruleset}'", "nft delete table inet seeded", red)


def _apiserver(mode: str, red: Expected) -> Defect:
    return Defect(f"an apiserver: {mode}", STRANGER, "", "", red, apiserver=mode)


def _inventory(name: str, red: Expected, **data: Any) -> Defect:  # noqa: ANN401
    return Defect(name, "", "", "", red, inventory={key.replace("__", "."): value for key, value in data.items()})


RELOAD_HAPROXY = "systemctl reload haproxy"
RELOAD_KEEPALIVED = "systemctl reload keepalived"

FILES = (
    _edit(
        "haproxy.cfg with a comment added",
        "lb-2",
        HAPROXY_CFG,
        "$a # by hand",
        {"lb-2": ("files.intended", "haproxy.up_to_date")},
    ),
    _edit(
        "one byte of keepalived.conf",
        "lb-2",
        KEEPALIVED_CONF,
        "s/garp_master_refresh 10/garp_master_refresh 11/",
        {"lb-2": ("files.intended", "keepalived.up_to_date")},
    ),
    Defect(
        "keepalived.conf readable by all",
        "lb-2",
        f"chmod 644 {KEEPALIVED_CONF}",
        f"chmod 600 {KEEPALIVED_CONF}",
        {"lb-2": ("files.intended",)},
    ),
    Defect(
        "haproxy.cfg of another owner",
        "lb-3",
        f"chown daemon {HAPROXY_CFG}",
        f"chown root {HAPROXY_CFG}",
        {"lb-3": ("files.intended",)},
    ),
    _edit(
        "haproxy.cfg that haproxy refuses",
        "lb-2",
        HAPROXY_CFG,
        "s/balance/ballast/",
        {"lb-2": ("files.intended", "haproxy.up_to_date", "haproxy.config_accepted")},
    ),
    _edit(
        "keepalived.conf that keepalived refuses",
        "lb-3",
        KEEPALIVED_CONF,
        "s/interface eth0/interface eth9/",
        {"lb-3": ("files.intended", "keepalived.up_to_date", "keepalived.config_accepted")},
    ),
    _edit(
        "a check script that always fails",
        "lb-3",
        "/etc/keepalived/kube-ha-check-haproxy",
        "1a exit 1",
        {"lb-3": ("files.intended", "keepalived.state")},
    ),
    Defect(
        "the script that looks at the apiservers gone",
        "lb-3",
        f"mv {CHECK_APISERVERS} /root/kept",
        f"mv /root/kept {CHECK_APISERVERS}",
        {"lb-3": ("files.intended", "keepalived.config_accepted")},
    ),
    Defect(
        "a unit file that systemd has not read",
        "lb-2",
        "touch /etc/systemd/system/haproxy.service.d/kube-ha.conf",
        "systemctl daemon-reload",
        {"lb-2": ("haproxy.up_to_date",)},
    ),
    _edit(
        "keepalived's drop-in without its restart",
        "lb-2",
        "/etc/systemd/system/keepalived.service.d/kube-ha.conf",
        "s/Restart=always/Restart=no/",
        {"lb-2": ("files.intended",)},
        then="systemctl daemon-reload",
    ),
    Defect(
        "haproxy's drop-in gone",
        "lb-3",
        "mv /etc/systemd/system/haproxy.service.d/kube-ha.conf /root/kept; systemctl daemon-reload",
        "mv /root/kept /etc/systemd/system/haproxy.service.d/kube-ha.conf; systemctl daemon-reload",
        {"lb-3": ("files.intended",)},
    ),
    Defect(
        "the folder below /run gone",
        "lb-3",
        "mv /run/kube-ha /run/kept",
        "mv /run/kept /run/kube-ha",
        {"lb-3": ("files.intended",)},
    ),
    Defect(
        "no tmpfiles.d entry: gone after the next boot",
        "lb-2",
        "mv /etc/tmpfiles.d/kube-ha.conf /root/kept",
        "mv /root/kept /etc/tmpfiles.d/kube-ha.conf",
        {"lb-2": ("files.intended",)},
    ),
    Defect(
        "a run that was cut off before the daemon was told",
        "lb-2",
        "mkdir -p /run/kube-ha-pending && touch /run/kube-ha-pending/keepalived",
        "rm -r /run/kube-ha-pending",
        {"lb-2": ("keepalived.up_to_date",)},
    ),
)

PACKAGES = (
    _without("iputils-arping", {"lb-3": ("packages.installed",)}),
    _without("tcpdump", {"lb-3": ("packages.installed",)}),
    _without("openssl", {"lb-3": ("packages.installed",)}),
    _without("curl", {"lb-3": ("packages.installed",)}),
    _without("nftables", {"lb-3": ("packages.installed",)}),
    _without("socat", {"lb-3": ("packages.installed", "haproxy.apiservers_up")}),
    _edit(
        "another keepalived on one node",
        "lb-3",
        "/var/lib/dpkg/status",
        "/^Package: keepalived$/,/^$/s/^Version: 1:2.2.7/Version: 1:2.2.8/",
        {CLUSTER: ("cluster.versions",)},
    ),
    Defect(
        "haproxy upgraded, the old program running",
        "lb-2",
        "cp -a /usr/sbin/haproxy /usr/sbin/new && mv /usr/sbin/new /usr/sbin/haproxy",
        "systemctl restart haproxy",
        {"lb-2": ("haproxy.up_to_date",)},
    ),
)

CUT = "table inet cut { chain cut { type filter hook input priority 0; tcp sport 8444 drop; tcp dport 8444 drop; }; }"
# haproxy notices by itself after some seconds.
CUT_PEERS = f"nft '{CUT}' && ss -K '( sport = :8444 or dport = :8444 )' >/dev/null"
MEND_PEERS = "nft delete table inet cut"
FORTY = (
    'import socket, time; kept = [socket.create_connection(("192.0.2.10", 8443)) for _ in range(40)]; time.sleep(300)'
)
FOLLOWING = (
    Defect(
        "nothing that tells clients",
        "lb-3",
        "mv /usr/bin/python3 /usr/bin/python3.kept",
        "mv /usr/bin/python3.kept /usr/bin/python3",
        {"lb-3": ("keepalived.tickle",)},
    ),
    Defect("haproxy's peers cut off", "lb-3", CUT_PEERS, MEND_PEERS, {CLUSTER: ("haproxy.peers",)}),
    Defect(
        "clients of the holder that a node does not know",
        "lb-2",
        f"{CUT_PEERS}; echo clear table kube-apiserver-clients | socat - UNIX-CONNECT:/run/haproxy-admin.sock; "
        f"systemd-run --quiet --unit forty python3 -c '{FORTY}'",
        f"systemctl stop forty; {MEND_PEERS}",
        {CLUSTER: ("haproxy.clients", "haproxy.peers")},
    ),
)

PAST = 'import socket, time; kept = socket.create_connection(("192.0.2.11", 6443)); time.sleep(300)'
ENDPOINT = (
    Defect(
        "a kubeconfig that names one apiserver",
        "lb-2",
        "mkdir /etc/kubernetes && echo 'server: https://192.0.2.11:6443' >/etc/kubernetes/admin.conf",
        "rm -r /etc/kubernetes",
        {"lb-2": ("endpoint.kubeconfigs",)},
    ),
    Defect(
        "a client that goes past haproxy",
        "lb-3",
        f"systemd-run --quiet --unit past python3 -c '{PAST}'",
        "systemctl stop past",
        {CLUSTER: ("endpoint.direct_clients",)},
    ),
)

PREEMPT = {"keepalived.preempt": True}  # only where it is looked at: on the hosts it would be the end of the defect
HAPROXY_DOWN = ("haproxy.active", "haproxy.listening", "haproxy.apiservers_up", "haproxy.stats", "keepalived.state")

NO_INOTIFY = "/run/systemd/system/keepalived.service.d"

UNITS = (
    Defect(
        "haproxy stopped on a backup",
        "lb-2",
        "systemctl stop haproxy",
        "systemctl start haproxy",
        {"lb-2": HAPROXY_DOWN, CLUSTER: ("haproxy.reached_by_peers",)},
    ),
    Defect(
        "haproxy stopped on the holder",
        "lb-1",
        "systemctl stop haproxy",
        "systemctl start haproxy",
        {"lb-1": HAPROXY_DOWN, CLUSTER: ("haproxy.reached_by_peers",)},
    ),
    Defect(
        "haproxy stopped on the master, where the role says who has the VIP",
        "lb-1",
        "systemctl stop haproxy",
        "systemctl start haproxy",
        {
            **every("files.intended"),
            "lb-1": ("files.intended", *HAPROXY_DOWN),
            "lb-2": ("files.intended", "keepalived.state"),
            CLUSTER: ("haproxy.reached_by_peers",),
        },
        inventory=PREEMPT,
    ),
    Defect(
        "keepalived stopped on a backup",
        "lb-3",
        "systemctl stop keepalived",
        "systemctl start keepalived",
        {"lb-3": ("keepalived.active", "keepalived.state")},
    ),
    Defect(
        "keepalived stopped on the holder",
        "lb-1",
        "systemctl stop keepalived",
        "systemctl start keepalived",
        {"lb-1": ("keepalived.active", "keepalived.state")},
    ),
    Defect(
        "haproxy not enabled",
        "lb-2",
        "systemctl disable haproxy 2>/dev/null",
        "systemctl enable haproxy 2>/dev/null",
        {"lb-2": ("haproxy.enabled",)},
    ),
    Defect(
        "keepalived not enabled",
        "lb-3",
        "systemctl disable keepalived 2>/dev/null",
        "systemctl enable keepalived 2>/dev/null",
        {"lb-3": ("keepalived.enabled",)},
    ),
    Defect(
        "haproxy killed, and back by itself",
        "lb-3",
        "kill -9 $(systemctl show -P MainPID haproxy)",
        "systemctl restart haproxy",
        {"lb-3": ("haproxy.stable",)},
    ),
    Defect(
        "keepalived killed, and back by itself",
        "lb-3",
        "kill -9 $(systemctl show -P MainPID keepalived)",
        "systemctl restart keepalived",
        {"lb-3": ("keepalived.stable",)},
    ),
    Defect(
        "haproxy hung",
        "lb-2",
        "kill -STOP $(pidof haproxy)",
        "kill -CONT $(pidof haproxy)",
        {
            "lb-2": ("haproxy.apiservers_up", "haproxy.stats", "keepalived.state"),
            CLUSTER: ("haproxy.reached_by_peers",),
        },
    ),
    Defect(
        "keepalived hung",
        "lb-3",
        "kill -STOP $(pidof keepalived)",
        "kill -CONT $(pidof keepalived)",
        {"lb-3": ("keepalived.state", "keepalived.able")},
    ),
    Defect(
        "keepalived's VRRP process killed, and back by itself",
        "lb-2",
        "sleep 6; kill -SEGV $(pgrep -P $(systemctl show -P MainPID keepalived))",
        "systemctl restart keepalived",
        {"lb-2": ("keepalived.stable",)},
    ),
    Defect(
        "keepalived without inotify, as where its instances are used up",
        "lb-3",
        f"mkdir -p {NO_INOTIFY} && printf '[Service]\\nSystemCallFilter=~inotify_init inotify_init1\\n"
        f"SystemCallErrorNumber=EMFILE\\n' >{NO_INOTIFY}/seeded.conf && systemctl daemon-reload && "
        "systemctl restart keepalived",
        f"rm -r {NO_INOTIFY} && systemctl daemon-reload && systemctl restart keepalived",
        {"lb-3": ("keepalived.able",)},
    ),
    Defect(
        "a planned move that was cut off",
        "lb-3",
        "echo -59 >/run/kube-ha/vip-wanted",
        "echo 0 >/run/kube-ha/vip-wanted",
        {"lb-3": ("keepalived.moved",)},
    ),
    Defect(
        "haproxy that does not start again",
        "lb-2",
        f"cp -a {HAPROXY_CFG} /root/kept && sed -i s/balance/ballast/ {HAPROXY_CFG}; systemctl restart haproxy || true",
        # Stopped first: systemd's own next try, between these, would count as a start again.
        f"mv /root/kept {HAPROXY_CFG}; systemctl stop haproxy; systemctl reset-failed haproxy; systemctl start haproxy",
        {
            "lb-2": ("files.intended", "haproxy.active", "haproxy.config_accepted", *HAPROXY_DOWN[1:]),
            CLUSTER: ("haproxy.reached_by_peers",),
        },
    ),
)

_WATCH = "https://127.0.0.1:8443/api/v1/namespaces/default/events?watch=true&timeoutSeconds=120"

HAPROXY = (
    _edit(
        "an apiserver missing in haproxy.cfg",
        "lb-2",
        HAPROXY_CFG,
        "/server cp-4 /d",
        {"lb-2": ("files.intended", "haproxy.apiservers_up")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "a server of nobody's in haproxy.cfg",
        "lb-2",
        HAPROXY_CFG,
        "/server cp-4 /a server stray 192.0.2.13:22 weight 0",
        {"lb-2": ("files.intended", "haproxy.apiservers_up")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "another CA",
        "lb-2",
        "/etc/haproxy/kube-apiserver-ca.crt",
        "s/^MII/MIJ/",
        {
            "lb-2": ("files.intended", "haproxy.up_to_date", "haproxy.config_accepted", "vip.readyz", "vip.version"),
            CLUSTER: ("haproxy.reached_by_peers",),
        },
    ),
    _edit(
        "no stats page",
        "lb-2",
        HAPROXY_CFG,
        "/listen admin_stats/,/hide-version/d",
        {"lb-2": ("files.intended", "haproxy.listening", "haproxy.stats", "haproxy.stats_password")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "a default password, on a backup",
        "lb-2",
        HAPROXY_CFG,
        "s/stats auth.*/stats auth admin:123456/",
        {"lb-2": ("files.intended", "haproxy.stats", "haproxy.stats_password")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "a default password, on the holder",
        "lb-1",
        HAPROXY_CFG,
        "s/stats auth.*/stats auth admin:admin/",
        {"lb-1": ("files.intended", "haproxy.stats", "haproxy.stats_password")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "no password, on the holder",
        "lb-1",
        HAPROXY_CFG,
        "/stats auth/d",
        {**every("vip.stats"), "lb-1": ("files.intended", "haproxy.stats_password", "vip.stats")},
        then=RELOAD_HAPROXY,
    ),
    _edit(
        "listening on the loopback only",
        "lb-3",
        HAPROXY_CFG,
        "s/bind 0.0.0.0:8443/bind 127.0.0.1:8443/",
        {"lb-3": ("files.intended", "haproxy.listening"), CLUSTER: ("haproxy.reached_by_peers",)},
        then=RELOAD_HAPROXY,
    ),
    Defect(
        "old workers that pile up",
        "lb-3",
        f"for i in 1 2 3 4 5 6 7; do (curl -ksN '{_WATCH}' >/dev/null 2>&1 &); sleep 0.2; "
        "systemctl reload haproxy; sleep 0.3; done",
        "kill $(pidof curl)",
        {"lb-3": ("haproxy.old_workers",)},
    ),
)

_ADMIN = "socat -t 1 - UNIX-CONNECT:/run/haproxy-admin.sock"

LOAD = (
    Defect(
        "connections near haproxy's maxconn",
        "lb-2",
        f"echo 'set maxconn global 40' | {_ADMIN}; "
        f"for i in $(seq 34); do (curl -ksN '{_WATCH}' >/dev/null 2>&1 &); done",
        "kill $(pidof curl); systemctl reload haproxy",
        {"lb-2": ("haproxy.load",)},
    ),
)

ALL_SERVED = ("vip.readyz", "vip.version")
NOBODY_SERVES = {
    **every("haproxy.apiservers_up", *ALL_SERVED),
    CLUSTER: ("vip.from_controller", "haproxy.reached_by_peers"),
}

APISERVERS = (
    *(_apiserver(mode, every("haproxy.apiservers_up")) for mode in ("gone", "hang", "error", "unauthorized", "slow 5")),
    Defect("all apiservers gone", "", "", "", NOBODY_SERVES, apiserver="all gone"),
    # All are alive, so the last resort leads to them; none says that it is ready.
    Defect(
        "no apiserver answers the anonymous",
        "",
        "",
        "",
        {**every("haproxy.apiservers_up", "vip.readyz"), CLUSTER: ("vip.from_controller",)},
        apiserver="all unauthorized",
    ),
    Defect(
        "no apiserver is ready, all are alive",
        "",
        "",
        "",
        {
            **every("haproxy.apiservers_up", "vip.readyz"),
            CLUSTER: ("vip.from_controller", "haproxy.reached_by_peers"),
        },
        apiserver="all error",
    ),
)

_NOT_TRUSTED = {**every("haproxy.apiservers_up"), CLUSTER: ("apiserver.certificates",)}


def _certificate(name: str, certificate: Certificate, red: Expected) -> Defect:
    return Defect(f"a certificate {name}", "", "", "", red, certificate=certificate)


CERTIFICATES = (
    _certificate("that has expired", Certificate(valid=-1), _NOT_TRUSTED),
    _certificate("of another CA", Certificate(own_ca=True), _NOT_TRUSTED),
    _certificate("with 20 days left", Certificate(valid=20), {CLUSTER: ("apiserver.certificates",)}),
    _certificate("with 3 days left", Certificate(valid=3), {CLUSTER: ("apiserver.certificates",)}),
    _certificate(
        "that does not name the VIP",
        Certificate(names_vip=False, everywhere=True),
        {
            **every(*ALL_SERVED),
            CLUSTER: ("vip.from_controller", "haproxy.reached_by_peers", "apiserver.certificates"),
        },
    ),
)


PREEMPTING = "s/priority 120/priority 190/; /nopreempt/d"

VRRP = (
    Defect(
        "the VIP by hand on a second node",
        "lb-3",
        f"ip address add {VIP} dev eth0",
        f"ip address delete {VIP} dev eth0",
        {"lb-3": ("keepalived.state",), CLUSTER: ("vip.single_holder", "vip.arp")},
    ),
    _edit(
        "a backup of higher priority, which leaves the holder alone",
        "lb-2",
        KEEPALIVED_CONF,
        "s/priority 120/priority 190/",
        {"lb-2": ("files.intended",)},
        then=RELOAD_KEEPALIVED,
    ),
    Defect(
        "a backup of higher priority, which preempts",
        "lb-2",
        *edited(KEEPALIVED_CONF, PREEMPTING, RELOAD_KEEPALIVED),
        {"lb-2": ("files.intended",)},
    ),
    Defect(
        "a backup of higher priority, which preempts where the role says who has the VIP",
        "lb-2",
        *edited(KEEPALIVED_CONF, PREEMPTING, RELOAD_KEEPALIVED),
        {
            **every("files.intended"),
            "lb-1": ("files.intended", "keepalived.state"),
            "lb-2": ("files.intended", "keepalived.state"),
        },
        inventory=PREEMPT,
    ),
    _edit(
        "a backup of another VRID",
        "lb-3",
        KEEPALIVED_CONF,
        "s/virtual_router_id 68/virtual_router_id 69/",
        {"lb-3": ("files.intended",), CLUSTER: ("vip.single_holder", "vip.arp")},
        then=RELOAD_KEEPALIVED,
    ),
    *(
        Defect(
            f"a foreign router of our VRID, VRRP version {version}",
            STRANGER,
            stranger(version, interval),
            "systemctl stop keepalived",
            every("vrrp.no_foreign_router"),
        )
        for version, interval in ((2, 1), (3, 0.1))
    ),
)

FIREWALL = (
    _nft(
        "VRRP kept out of a backup",
        "lb-3",
        "input",
        "ip protocol 112 drop",
        {
            **every("vrrp.adverts"),
            "lb-3": ("vrrp.adverts", "host.firewall"),
            CLUSTER: ("vip.single_holder", "vip.arp"),
        },
    ),
    _nft(
        "VRRP kept in by the holder",
        "lb-1",
        "output",
        "ip protocol 112 drop",
        {
            "lb-1": ("host.firewall",),
            CLUSTER: ("vip.single_holder", "vip.arp"),
        },
    ),
    _nft(
        "VRRP kept in by a backup: seen only when it must speak",
        "lb-3",
        "output",
        "ip protocol 112 drop",
        {"lb-3": ("host.firewall",)},
    ),
    _nft(
        "the apiserver port closed on a backup",
        "lb-3",
        "input",
        "tcp dport 8443 drop",
        {"lb-3": ("host.firewall",), CLUSTER: ("haproxy.reached_by_peers",)},
    ),
    _nft(
        "the stats port of the holder refused to others",
        "lb-1",
        "input",
        'iifname "eth0" tcp dport 10080 reject with tcp reset',
        {"lb-2": ("vip.stats",), "lb-3": ("vip.stats",)},
    ),
    _nft(
        "ping not answered by the holder",
        "lb-1",
        "input",
        'iifname "eth0" icmp type echo-request drop',
        {"lb-2": ("vip.ping",), "lb-3": ("vip.ping",)},
    ),
    _nft(
        "the controller kept out",
        "lb-1",
        "input",
        "ip saddr 192.0.2.254 tcp dport 8443 drop",
        {CLUSTER: ("vip.from_controller",)},
    ),
    _nft(
        "apiservers that the holder does not reach, and others do",
        "lb-1",
        "output",
        "tcp dport 6443 drop",
        {
            "lb-1": ("haproxy.apiservers_up", "keepalived.state"),
            CLUSTER: ("haproxy.reached_by_peers",),
        },
    ),
    # What VRRP has said already counts as established, so only the rules tell what a new conversation would meet.
    _nft(
        "everything but SSH closed on a backup",
        "lb-3",
        "input",
        'policy drop; iifname "lo" accept; ct state established,related accept; tcp dport 22 accept; '
        "icmp type echo-request accept",
        {"lb-3": ("host.firewall",), CLUSTER: ("haproxy.reached_by_peers",)},
    ),
)

_FULL = "mount -t tmpfs -o size=8m,nr_inodes=100 full /var/log"

MACHINE = (
    Defect(
        "a full disk",
        "lb-2",
        f"{_FULL} && head -c 8m /dev/zero >/var/log/zeros || true",
        "umount -l /var/log",
        {"lb-2": ("host.disk",)},
    ),
    Defect(
        "no inodes left",
        "lb-3",
        f"{_FULL} && touch $(seq -f /var/log/%g 98) || true",
        "umount -l /var/log",
        {"lb-3": ("host.disk",)},
    ),
    Defect(
        "a folder that is read-only",
        "lb-2",
        "mount --bind /var/lib /var/lib && mount -o remount,ro,bind /var/lib",
        "umount -l /var/lib",
        {"lb-2": ("host.disk",)},
    ),
    # A lab's hosts share the kernel's clock: what tells the time is what is ahead here.
    Defect(
        "a clock that is 30 s ahead",
        "lb-2",
        'mv /usr/bin/date /usr/bin/date.kept && printf \'#!/bin/sh\\nexec date.kept -d "+30 seconds" "$@"\\n\' '
        ">/usr/bin/date && chmod 755 /usr/bin/date",
        "mv /usr/bin/date.kept /usr/bin/date",
        {CLUSTER: ("cluster.clocks",)},
    ),
    Defect(
        "a route by which the holder's connections start from the VIP",
        "lb-1",
        "ip route replace 192.0.2.13/32 dev eth0 src 192.0.2.10",
        "ip route delete 192.0.2.13/32 dev eth0",
        {"lb-1": ("host.sources",)},
    ),
    Defect(
        "a denial of AppArmor",
        "lb-3",
        'logger -t audisp-syslog \'type=AVC msg=audit(1.1:1): apparmor="DENIED" operation="open" '
        'profile="/usr/sbin/haproxy" name="/etc/haproxy/haproxy.cfg" comm="haproxy"\'',
        "sleep 1; systemctl reload haproxy",
        {"lb-3": ("host.denials",)},
    ),
)

INVENTORY = (
    _inventory(
        "an apiserver's health checked too seldom",
        {
            **every("files.intended"),
            CLUSTER: ("cluster.timers",),
        },
        haproxy__inter="10s",
    ),
    _inventory(
        "a lost packet moves the VIP",
        {
            **every("files.intended"),
            CLUSTER: ("cluster.timers",),
        },
        keepalived__down_timer_adverts=3,
    ),
    _inventory(
        "a password that the hosts have not",
        {
            **every("files.intended", "haproxy.stats"),
        },
        haproxy__stats__password="another-one-for-the-lab",
    ),
    _inventory(
        "a CA that must last longer",
        {
            CLUSTER: ("apiserver.certificates", "apiserver.ca_certificate"),
        },
        verify__certificate_warn_days=3650,
    ),
    _inventory(
        "certificates that must last longer",
        {
            CLUSTER: ("apiserver.certificates",),
        },
        verify__certificate_warn_days=400,
    ),
    _inventory(
        "a listener that was never deployed",
        every("files.intended", "listener.listening", "listener.servers_up", "listener.at_vip"),
        haproxy__listeners={"registry": {"port": 5000, "servers": [{"address": "192.0.2.31"}]}},
    ),
    _inventory("haproxy of another version than pinned", every("packages.pinned"), packages__haproxy="2.6.12-0"),
    _inventory("an interface that is not there", every("files.intended", "host.interface"), interface="eth9"),
)

DEFECTS: tuple[Defect, ...] = (
    *FILES,
    *PACKAGES,
    *FOLLOWING,
    *ENDPOINT,
    *UNITS,
    *HAPROXY,
    *LOAD,
    *APISERVERS,
    *CERTIFICATES,
    *VRRP,
    *FIREWALL,
    *MACHINE,
    *INVENTORY,
)


def rounds() -> tuple[tuple[Defect, ...], ...]:
    """All defects, one at a time; but of two backups, each has one at once where neither shows on any other host."""
    first, second = ([each for each in DEFECTS if each.is_alone and each.host == backup] for backup in LB[1:])
    pairs = tuple(zip(first, second, strict=False))
    paired = {each.name for pair in pairs for each in pair}
    return (*pairs, *((each,) for each in DEFECTS if each.name not in paired))
