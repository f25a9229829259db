"""What is: one host, as one look at it found it."""

from nornir_kube_ha.facts.model import (
    NOT_PROBED,
    VRRP_STATES,
    Facts,
    Listener,
    Package,
    Probe,
    Server,
    Unit,
    VRRPInstance,
)
from nornir_kube_ha.facts.parse import parse_facts

__all__ = [
    "NOT_PROBED",
    "VRRP_STATES",
    "Facts",
    "Listener",
    "Package",
    "Probe",
    "Server",
    "Unit",
    "VRRPInstance",
    "parse_facts",
]
