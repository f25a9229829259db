"""The observed state of a host, parsed from the framed output of `facts.sh`. No I/O."""

from nornir_kube_ha.facts.bootstrap import Bootstrap
from nornir_kube_ha.facts.clients import CONNECTED, Clients
from nornir_kube_ha.facts.daemons import VRRP_STATES, ConfigCheck, Server, Unit, VRRPInstance
from nornir_kube_ha.facts.liveness import Liveness
from nornir_kube_ha.facts.loaded import Command, Folder, Loaded, LoadedFile, Obstacle
from nornir_kube_ha.facts.model import Clock, Facts, Filesystem, Package, Scope
from nornir_kube_ha.facts.moves import Moves
from nornir_kube_ha.facts.network import (
    NOT_PROBED,
    Advert,
    Answer,
    Certificate,
    Endpoint,
    Heard,
    Link,
    Listener,
    Probe,
    Reachable,
)
from nornir_kube_ha.facts.parse import parse_facts

__all__ = [
    "CONNECTED",
    "NOT_PROBED",
    "VRRP_STATES",
    "Advert",
    "Answer",
    "Bootstrap",
    "Certificate",
    "Clients",
    "Clock",
    "Command",
    "ConfigCheck",
    "Endpoint",
    "Facts",
    "Filesystem",
    "Folder",
    "Heard",
    "Link",
    "Listener",
    "Liveness",
    "Loaded",
    "LoadedFile",
    "Moves",
    "Obstacle",
    "Package",
    "Probe",
    "Reachable",
    "Scope",
    "Server",
    "Unit",
    "VRRPInstance",
    "parse_facts",
]
