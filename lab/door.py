"""What other rooms may import of the lab: its network, its kubeconfig, and faults that need root on this machine.

Only the lab's own command line, `cli/lab.py`, imports anything else.
"""

from nornir_kube_ha.lab.errors import LabDownError, LabError
from nornir_kube_ha.lab.faults import UPGRADE, LabFault, apiserver_hosts, etcd_members, why_not
from nornir_kube_ha.lab.hosts import kubeconfig_of
from nornir_kube_ha.lab.network import control_namespace, enter, is_inside, is_there

__all__ = [
    "UPGRADE",
    "LabDownError",
    "LabError",
    "LabFault",
    "apiserver_hosts",
    "control_namespace",
    "enter",
    "etcd_members",
    "is_inside",
    "is_there",
    "kubeconfig_of",
    "why_not",
]
