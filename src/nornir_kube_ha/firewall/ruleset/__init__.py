"""Decide from the output of `nft --json list` whether a host's ruleset lets a packet through. No I/O."""

from nornir_kube_ha.firewall.ruleset.model import TCP, VRRP, Packet, Passage
from nornir_kube_ha.firewall.ruleset.parse import parse_ruleset
from nornir_kube_ha.firewall.ruleset.ruleset import Chain, Ruleset, Table
from nornir_kube_ha.firewall.ruleset.verdict import passage, stopping

__all__ = ["TCP", "VRRP", "Chain", "Packet", "Passage", "Ruleset", "Table", "parse_ruleset", "passage", "stopping"]
