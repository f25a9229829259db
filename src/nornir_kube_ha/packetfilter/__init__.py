"""Whether a host's nftables ruleset lets a packet through. Pure, from what `nft --json list` prints."""

from nornir_kube_ha.packetfilter.model import TCP, VRRP, Packet, Passage
from nornir_kube_ha.packetfilter.parse import parse_ruleset
from nornir_kube_ha.packetfilter.ruleset import Chain, Ruleset, Table
from nornir_kube_ha.packetfilter.verdict import passage, stopping

__all__ = ["TCP", "VRRP", "Chain", "Packet", "Passage", "Ruleset", "Table", "parse_ruleset", "passage", "stopping"]
