"""What keepalived does: its state, and VRRP on the wire."""

from nornir_kube_ha.checks.model import HostView, Verdict
from nornir_kube_ha.config import VRRP_INSTANCE
from nornir_kube_ha.facts import Advert
from nornir_kube_ha.intent import FOREMOST


def state(view: HostView) -> Verdict:
    """Its state fits the role and the addresses."""
    node, held = view.node, [vip for vip in view.node.vips if view.facts.holds(vip)]
    states = {each.name: each.state for each in view.facts.vrrp or ()}
    seen = states.get(VRRP_INSTANCE)
    silence = f"keepalived has no {VRRP_INSTANCE}" if states else "keepalived does not answer"
    expected = {"MASTER"} if node.role == "master" else {"BACKUP"}
    if not node.keepalived.preempt or _is_preferred(view):
        expected = {"MASTER", "BACKUP"}
    wanted = view.node.vips if seen == "MASTER" else ()
    address = "holds the VIP" if held else "does not hold the VIP"
    if 0 < len(held) < len(node.vips):
        address = f"holds {', '.join(str(vip.ip) for vip in held)} only"
    return Verdict(
        seen in expected and held == [*wanted],
        " or ".join(sorted(expected)) + ", holding the VIP only as MASTER",
        f"{seen or silence}, {address}",
        "look at the master's other checks first: a node in FAULT (haproxy or its interface down) lets the VIP go; "
        "`journalctl -u keepalived` says when",
    )


def _is_preferred(view: HostView) -> bool:
    """Whether a planned move has put a node of the cluster ahead of the others."""
    healthy = max(0, view.node.keepalived.check.weight)  # what a good check adds to every node's priority
    preferred = min(FOREMOST, view.cluster.preferred_priority + healthy)
    return any(advert.priority == preferred for advert in _of_our_vrid(view))


def adverts(view: HostView) -> Verdict:
    """Adverts of exactly one of our routers are heard."""
    names = {node.address: node.name for node in view.cluster.nodes}
    # Priority 0 is a goodbye: who says that no longer speaks.
    speakers = sorted({names[each.source] for each in _of_our_vrid(view) if each.source in names and each.priority})
    return Verdict(
        len(speakers) == 1 if _can_hear(view) else None,
        f"one node of the cluster speaks VRID {view.node.virtual_router_id} on {view.node.interface}",
        (", ".join(speakers) or "nobody") if _can_hear(view) else _deafness(view),
        "nobody: the holder does not send, or a packet filter or the network drops IP protocol 112 on the way; "
        "several: they do not hear each other",
    )


def no_foreign_router(view: HostView) -> Verdict:
    """Nobody else speaks our VRID."""
    foreign = foreign_routers(view)
    return Verdict(
        not foreign if _can_hear(view) else None,
        f"no router but this cluster's speaks VRID {view.node.virtual_router_id} on {view.node.interface}",
        ("; ".join(foreign) or "no other") if _can_hear(view) else _deafness(view),
        "find it by its hardware address, or give this cluster another virtual_router_id on all nodes at once",
    )


def foreign_routers(view: HostView) -> tuple[str, ...]:
    """Routers outside of the cluster that were heard with its VRID, in words.

    Arguments:
        view: the host that listened
    """
    ours = {node.address for node in view.cluster.nodes}
    return tuple(
        f"{advert.source} ({advert.mac}, priority {advert.priority})"
        for advert in sorted(_of_our_vrid(view), key=lambda advert: (advert.source, advert.priority))
        if advert.source not in ours
    )


def _of_our_vrid(view: HostView) -> frozenset[Advert]:
    if view.facts.heard is None:
        return frozenset()
    vrid = view.node.virtual_router_id
    return frozenset(advert for advert in view.facts.heard.adverts if advert.virtual_router_id == vrid)


def _can_hear(view: HostView) -> bool:
    return view.facts.heard is not None and not view.facts.heard.trouble


def _deafness(view: HostView) -> str:
    return (
        f"cannot listen: {view.facts.heard.trouble}"
        if view.facts.heard
        else "cannot listen: tcpdump, arping or socat is missing"
    )
