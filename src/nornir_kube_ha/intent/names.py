"""Names of what a node has of us: its files, and what its daemons call their parts."""

from nornir_kube_ha.intent.keepalived import CHECK_SCRIPT

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
