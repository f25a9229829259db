"""What a haproxy.cfg and a keepalived.conf say, whether or not kube-ha wrote them. No I/O."""

from nornir_kube_ha.daemons.haproxy_cfg import HAProxyCfg, HAProxySection, parse_haproxy_cfg
from nornir_kube_ha.daemons.keepalived_conf import KeepalivedConf, VRRPInstanceConf, parse_keepalived_conf

__all__ = [
    "HAProxyCfg",
    "HAProxySection",
    "KeepalivedConf",
    "VRRPInstanceConf",
    "parse_haproxy_cfg",
    "parse_keepalived_conf",
]
