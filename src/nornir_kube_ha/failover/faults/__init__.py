"""Every fault that a failover test can make: how it is made, known, healed, and what it may cost. Pure values."""

from collections.abc import Mapping

from nornir_kube_ha.failover.faults.apiservers import APISERVER_FAULTS, CHANGE_FAULTS, PLANE_FAULTS
from nornir_kube_ha.failover.faults.daemons import DAEMON_FAULTS
from nornir_kube_ha.failover.faults.model import Fault, Target, Way
from nornir_kube_ha.failover.faults.network import NETWORK_FAULTS

FAULTS: Mapping[str, Fault] = {
    fault.name: fault for fault in (*DAEMON_FAULTS, *NETWORK_FAULTS, *APISERVER_FAULTS, *PLANE_FAULTS, *CHANGE_FAULTS)
}
"""All of them, by name, in the order in which they are made."""

__all__ = ["FAULTS", "Fault", "Target", "Way"]
