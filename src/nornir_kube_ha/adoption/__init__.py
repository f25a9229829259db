"""An inventory from hosts that already run keepalived and haproxy. No I/O."""

from nornir_kube_ha.adoption.adopt import Adoption, Reached, Written, adopt
from nornir_kube_ha.adoption.note import Kind, Note, Place
from nornir_kube_ha.adoption.running import Running, SourceFile

__all__ = ["Adoption", "Kind", "Note", "Place", "Reached", "Running", "SourceFile", "Written", "adopt"]
