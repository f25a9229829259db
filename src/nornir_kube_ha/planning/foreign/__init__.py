"""Configuration files that kube-ha did not write for the cluster: their author, and what stops without them."""

from nornir_kube_ha.planning.foreign.haproxy_cfg import HAProxySection, haproxy_sections
from nornir_kube_ha.planning.foreign.keepalived_conf import KeepalivedConf, VirtualRouterConf, parse_keepalived_conf
from nornir_kube_ha.planning.foreign.owner import ForeignFile, cluster_in_header, foreign_files, is_ours

__all__ = [
    "ForeignFile",
    "HAProxySection",
    "KeepalivedConf",
    "VirtualRouterConf",
    "cluster_in_header",
    "foreign_files",
    "haproxy_sections",
    "is_ours",
    "parse_keepalived_conf",
]
