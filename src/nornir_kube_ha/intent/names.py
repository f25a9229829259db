"""Names that kube-ha uses on a node: its files, and the sections in the daemons' configuration."""

from nornir_kube_ha.intent.keepalived import CHECK_SCRIPT

AUTO_INTERFACE = "auto"
"""Value of `interface` that stands for the interface with the node's address, until the host was looked at."""
HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
HAPROXY_CA = "/etc/haproxy/kube-apiserver-ca.crt"
HAPROXY_DROP_IN = "/etc/systemd/system/haproxy.service.d/kube-ha.conf"
KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf"
KEEPALIVED_DROP_IN = "/etc/systemd/system/keepalived.service.d/kube-ha.conf"
TMPFILES = "/etc/tmpfiles.d/kube-ha.conf"
CHECK_APISERVERS = "/etc/keepalived/kube-ha-check-apiservers"
CHECK_VRRP = "/etc/keepalived/kube-ha-check-vrrp"
CLIENTS = "/etc/keepalived/kube-ha-clients"  # notifies clients that the VIP has moved (`keepalived.tickle`)
WATCH = "/etc/keepalived/kube-ha-watch.nft"
VRRP_MAC = "01:00:5e:00:00:12"  # of the IPv4 multicast group 224.0.0.18
UNWATCHED_FILE = "/run/kube-ha-unwatched"  # exists if the kernel cannot load `WATCH`
MOST_REMEMBERED = 128  # routers per VRID in the sets of `WATCH`
REMEMBERED = 10  # seconds that the kernel remembers another router after an advert: three intervals of the guide's 3 s
CONFIGURATIONS = {"haproxy": HAPROXY_CFG, "keepalived": KEEPALIVED_CONF}
"""The managed configuration file of each daemon."""
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
"""Folders of files that daemons read or run as root, so only root may write to them."""
SCRIPTS = (CHECK_APISERVERS, CHECK_SCRIPT, CHECK_VRRP, CLIENTS)
"""Scripts that keepalived runs."""
KUBECONFIGS = (
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/scheduler.conf",
    "/root/.kube/config",
    "/etc/rancher/rke2/rke2.yaml",
    "/var/lib/rancher/rke2/server/cred/*.kubeconfig",
    "/var/lib/rancher/rke2/agent/*.kubeconfig",
    "/etc/rancher/k3s/k3s.yaml",
    "/var/lib/rancher/k3s/server/cred/*.kubeconfig",
    "/var/lib/rancher/k3s/agent/*.kubeconfig",
    "/var/lib/k0s/kubelet.conf",
)
"""Where kubeadm, RKE2, k3s and k0s keep kubeconfigs on a node, as patterns of the shell."""
RUN_FOLDER = "/run/kube-ha"
HAPROXY_DOWN_FILE = f"{RUN_FOLDER}/haproxy-down"
VIP_RELEASED_FILE = f"{RUN_FOLDER}/vip-released"
VIP_WANTED_FILE = f"{RUN_FOLDER}/vip-wanted"
VRRP_DEAF_FILE = f"{RUN_FOLDER}/vrrp-deaf"
CHECKED_FILE = "/run/kube-ha-checked"  # outside RUN_FOLDER, which keepalived watches: it is written each second
KEEPALIVED_RUN_FOLDER = "keepalived-kube-ha"  # below /run; SELinux's policy labels /run/keepalived*
FORWARDS_FILE = "/run/kube-ha-forwards-"  # + VIP; exists while the new holder forwards packets for the old one
KEEPS_FILE = "/run/kube-ha-keeps-"  # + VIP; exists while the old holder keeps its connections
DRAINED_FOLDER = "/run/kube-ha-drained"
WAITS_FILE = "/run/kube-ha-first-apiserver"
SERVED_FILE = "/var/lib/kube-ha/served"
LISTENER = "kube-apiserver"  # haproxy's proxy with all apiservers, checked as `haproxy.check` says
LAST_RESORT = "kube-apiserver-alive"  # backend with the same apiservers, checked for `/livez`
METRICS_PATH = "/metrics"  # of the Prometheus exporter, on the stats page's port
METRICS_USERS = "kube-ha-metrics"  # userlist with the login of the stats page
CLIENTS_TABLE = "kube-apiserver-clients"  # stick table of the clients of the VIPs, which haproxy peers replicate
VRRP_INSTANCE = "VI-kube-master"  # as in the guide
