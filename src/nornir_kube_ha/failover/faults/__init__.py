"""The faults of failover tests: how each is injected, detected and healed, and its limit. No I/O."""

from collections.abc import Mapping

from nornir_kube_ha.failover.faults.apiservers import APISERVER_FAULTS, CHANGE_FAULTS, PLANE_FAULTS
from nornir_kube_ha.failover.faults.daemons import DAEMON_FAULTS
from nornir_kube_ha.failover.faults.model import Fault, Target, Way
from nornir_kube_ha.failover.faults.network import NETWORK_FAULTS

FAULTS: Mapping[str, Fault] = {
    fault.name: fault for fault in (*DAEMON_FAULTS, *NETWORK_FAULTS, *APISERVER_FAULTS, *PLANE_FAULTS, *CHANGE_FAULTS)
}
"""All faults by name, in the order in which they are injected."""

__all__ = ["FAULTS", "Fault", "Target", "Way"]
