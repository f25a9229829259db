"""A look at production as a file, for rehearsals: what ran on each host, without its secrets. No I/O."""

from nornir_kube_ha.snapshots.hiding import STATS, VRRP, Hiding, revealed
from nornir_kube_ha.snapshots.model import (
    NotSeen,
    Production,
    SeenFile,
    SeenHost,
    SeenListener,
    SeenNode,
    SeenUnit,
)
from nornir_kube_ha.snapshots.read import parse_snapshot, to_text
from nornir_kube_ha.snapshots.record import known_secrets, seen_host

__all__ = [
    "STATS",
    "VRRP",
    "Hiding",
    "NotSeen",
    "Production",
    "SeenFile",
    "SeenHost",
    "SeenListener",
    "SeenNode",
    "SeenUnit",
    "known_secrets",
    "parse_snapshot",
    "revealed",
    "seen_host",
    "to_text",
]
