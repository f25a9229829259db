"""The packets that a host's firewall must pass, and the rules that pass them. No I/O."""

from nornir_kube_ha.firewall.change import firewall_change, stopped
from nornir_kube_ha.firewall.managers import parse_firewall
from nornir_kube_ha.firewall.model import NO_FIREWALL, FirewallChange, FirewallFact, Opening
from nornir_kube_ha.firewall.openings import openings, openings_of

__all__ = [
    "NO_FIREWALL",
    "FirewallChange",
    "FirewallFact",
    "Opening",
    "firewall_change",
    "openings",
    "openings_of",
    "parse_firewall",
    "stopped",
]
