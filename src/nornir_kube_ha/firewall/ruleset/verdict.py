"""Combine the outcomes of the base chains that a packet meets."""

from nornir_kube_ha.firewall.ruleset.fields import View
from nornir_kube_ha.firewall.ruleset.model import Packet, Passage
from nornir_kube_ha.firewall.ruleset.ruleset import Chain, Ruleset, Table
from nornir_kube_ha.firewall.ruleset.walk import Walk

HOOKS = {"input": ("prerouting", "input"), "output": ("output", "postrouting")}


def passage(ruleset: Ruleset, packet: Packet) -> Passage:
    """Return whether a ruleset lets a packet through: every base chain that it meets must accept it.

    Arguments:
        ruleset: the host's ruleset, or the part of it that was listed
        packet: the packet
    """
    walk = Walk(View(packet))
    doubts, reasons = [], []
    for hook in HOOKS[packet.hook]:
        for table, chain in ruleset.base_chains(hook, packet.version):
            outcome = walk.base_chain(table, chain)
            if "accept" not in outcome.ends and walk.is_sure_of_packet:
                return Passage("drop", outcome.ends["drop"])
            doubts += [outcome.doubt] if outcome.doubt else []
            reasons += [outcome.ends["accept"]] if hook == packet.hook and "accept" in outcome.ends else []
    if doubts:
        return Passage("unknown", doubts[0])
    return Passage("accept", "; ".join(reasons) or f"no base chain in the hook {packet.hook}")


def stopping(ruleset: Ruleset, packet: Packet) -> tuple[tuple[Table, Chain], ...]:
    """Return the base chains of a packet's own hook that block it, or may.

    Each of them needs a rule to let the packet through.

    Arguments:
        ruleset: the host's ruleset, or the part of it that was listed
        packet: the packet
    """
    walk = Walk(View(packet))
    ways = [
        (table, chain, walk.base_chain(table, chain))
        for hook in HOOKS[packet.hook]
        for table, chain in ruleset.base_chains(hook, packet.version)
    ]
    return tuple((table, chain) for table, chain, way in ways if chain.hook == packet.hook and "drop" in way.ends)
