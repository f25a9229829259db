"""What other rooms may import of the lab: its network, its kubeconfig, rehearsals, and faults that need root here.

Only the lab's own command line, `cli/lab.py`, imports anything else.
"""

from typing import TYPE_CHECKING

from nornir_kube_ha.lab.errors import LabDownError, LabError
from nornir_kube_ha.lab.faults import UPGRADE, LabFault, apiserver_hosts, etcd_members, why_not
from nornir_kube_ha.lab.hosts import kubeconfig_of
from nornir_kube_ha.lab.network import control_namespace, enter, inside, is_inside, is_there
from nornir_kube_ha.lazy import exports

if TYPE_CHECKING:
    from nornir_kube_ha.lab.rehearsal import boot, building_seconds, rehearsal_lab
else:  # no other command needs it
    _ROOM = "nornir_kube_ha.lab.rehearsal"
    __getattr__ = exports(__name__, {name: f"{_ROOM}:{name}" for name in ("boot", "building_seconds", "rehearsal_lab")})

__all__ = [
    "UPGRADE",
    "LabDownError",
    "LabError",
    "LabFault",
    "apiserver_hosts",
    "boot",
    "building_seconds",
    "control_namespace",
    "enter",
    "etcd_members",
    "inside",
    "is_inside",
    "is_there",
    "kubeconfig_of",
    "rehearsal_lab",
    "why_not",
]
