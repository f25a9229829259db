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
    from nornir_kube_ha.lab.seen import PutFile, listen_as, put_seen
else:  # no other command needs them
    _NAMES = {"rehearsal": ("boot", "building_seconds", "rehearsal_lab"), "seen": ("PutFile", "listen_as", "put_seen")}
    _WHERE = {name: f"nornir_kube_ha.lab.{module}:{name}" for module, names in _NAMES.items() for name in names}
    __getattr__ = exports(__name__, _WHERE)

__all__ = [
    "UPGRADE",
    "LabDownError",
    "LabError",
    "LabFault",
    "PutFile",
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
    "listen_as",
    "put_seen",
    "rehearsal_lab",
    "why_not",
]
