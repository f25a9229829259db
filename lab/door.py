"""What a lab is to the rest of the product: a network to enter, a kubeconfig, and faults that need the machine's owner.

Nothing else of the lab is imported from outside of it, but by its own command line.
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
